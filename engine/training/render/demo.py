"""The built-in demo clip: one person who talks, smiles, blinks, turns, puffs and shows the tongue.

Writes demo.mp4 (H.264, 640x480, 30 frames a second) and truth.npz with what was performed:
`expression` [T, 52], `gaze` [T, 2, 2] rad, `neck` [T, 3] rad, `camera_from_head` [T, 4, 4],
`identity` [K], `intrinsics` [3, 3] px, `frame_rate`, `expression_names`, `head_sha256`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from tqdm import trange

from engine.geometry import rigid, rotation_from_vector
from engine.training.render.expressions import plausible, weights
from engine.training.render.light import Lamp
from engine.training.render.renderer import HeadRenderer
from engine.training.render.scene import Look, Scene
from engine.training.render.shape import Performance
from engine.training.render.surroundings import Skies, environment_view, frontal_light
from engine.types import BLENDSHAPE_NAMES, Array

WIDTH_PX, HEIGHT_PX, FRAME_RATE, SECONDS = 640, 480, 30, 9.0
FOCAL_PX, DISTANCE_M = 560.0, 0.47
SEED, ROOM = 1, "lebombo_1k"

Keys = dict[str, list[tuple[float, float]]]

# (second, weight); between keys linear, then smoothed. A name without a side means both.
ACTED: Keys = {
    "mouthSmile": [(0, 0.15), (0.9, 0.2), (1.2, 0.05), (3.0, 0.1), (3.4, 0.9), (4.1, 0.85),
                   (4.4, 0.1), (8.3, 0.0), (8.5, 0.5), (9, 0.4)],
    "cheekSquint": [(3.1, 0), (3.5, 0.6), (4.1, 0.5), (4.4, 0)],
    "eyeSquint": [(3.2, 0), (3.5, 0.35), (4.1, 0.3), (4.4, 0)],
    "mouthUpperUp": [(3.2, 0), (3.5, 0.3), (4.1, 0.25), (4.3, 0)],
    "browInnerUp": [(1.5, 0), (1.7, 0.4), (2.0, 0), (4.8, 0), (5.0, 0.9), (5.5, 0.9), (5.7, 0)],
    "browOuterUp": [(4.8, 0), (5.0, 0.8), (5.5, 0.8), (5.7, 0)],
    "eyeWide": [(4.9, 0), (5.05, 0.5), (5.5, 0.4), (5.7, 0)],
    "browDown": [(2.3, 0), (2.5, 0.5), (2.8, 0.4), (3.0, 0)],
    "cheekPuff": [(6.75, 0), (7.0, 1.0), (7.35, 1.0), (7.5, 0)],
    "mouthPress": [(6.75, 0), (6.95, 0.3), (7.35, 0.3), (7.45, 0)],
    "tongueOut": [(7.65, 0), (7.9, 1.0), (8.15, 1.0), (8.35, 0)],
}  # fmt: skip
TURN: list[tuple[float, float]] = [(0, 2), (1, -3), (2, 4), (3, -2), (4.1, 0), (4.7, 25), (5.2, 24),
                                   (6.1, -25), (6.4, -24), (6.9, 0), (9, 0)]  # fmt: skip
NOD: list[tuple[float, float]] = [(0, 0), (1.3, 3), (1.7, -3), (2.2, 4), (2.8, 0), (5.0, -5),
                                  (5.6, 0), (8.5, 0), (9, 3)]  # fmt: skip
LOOK_ASIDE: list[tuple[float, float]] = [(0, 0), (2.0, 0), (2.05, 12), (2.4, 12), (2.45, 0),
                                         (4.1, 0), (4.3, 20), (4.7, -10), (5.3, -20), (5.5, -20),
                                         (6.1, 15), (6.5, 18), (6.9, 0), (9, 0)]  # fmt: skip
BLINKS = (0.6, 2.02, 3.05, 4.25, 5.75, 6.55, 7.55)
WINK = 8.7
# Mouth shapes of a spoken sentence, one about every eighth of a second from 1.0 s on.
SPOKEN: tuple[dict[str, float], ...] = (
    {"mouthRollLower": 0.4, "mouthPress": 0.4}, {"jawOpen": 0.4, "mouthLowerDown": 0.2},
    {"mouthStretch": 0.4, "jawOpen": 0.12}, {"mouthFunnel": 0.6, "jawOpen": 0.25},
    {"mouthPucker": 0.8, "jawOpen": 0.08}, {"jawOpen": 0.3, "mouthSmile": 0.2},
    {"mouthPress": 0.5}, {"jawOpen": 0.55}, {"jawOpen": 0.15, "mouthUpperUp": 0.3},
    {"mouthFunnel": 0.5, "jawOpen": 0.15}, {"jawOpen": 0.35, "mouthLowerDown": 0.4},
    {"mouthRollLower": 0.6, "mouthUpperUp": 0.3}, {"jawOpen": 0.25, "mouthStretch": 0.3},
    {"mouthPucker": 0.6}, {"jawOpen": 0.3},
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Take:
    """What the person does. T frames."""

    expression: Array  # (T, 52)
    gaze: Array  # (T, 2, 2) rad
    neck: Array  # (T, 3) rad
    camera_from_head: Array  # (T, 4, 4)


def _curve(keys: list[tuple[float, float]], times: Array, softness_s: float) -> Array:
    second, value = np.array(keys, float).T
    return gaussian_filter1d(np.interp(times, second, value), softness_s * FRAME_RATE)


def _wander(rng: np.random.Generator, count: int, columns: int, seconds: float) -> Array:
    """Return slow random motion (count, columns) of unit standard deviation."""
    noise = gaussian_filter1d(rng.normal(size=(count, columns)), seconds * FRAME_RATE, axis=0)
    return noise / noise.std(axis=0)


def perform() -> Take:
    """Turn the keys above into smooth motion."""
    rng = np.random.default_rng(SEED)
    times = np.arange(round(SECONDS * FRAME_RATE)) / FRAME_RATE
    expression = np.zeros((len(times), len(BLENDSHAPE_NAMES)))
    for name, keys in ACTED.items():
        expression += weights({name: 1.0}) * _curve(keys, times, 0.05)[:, None]
    starts = 1.0 + 0.135 * np.arange(len(SPOKEN) + 1)
    syllables = np.stack([weights(shape) for shape in SPOKEN])
    spoken = np.zeros_like(expression)
    for index, shape in enumerate(syllables):
        spoken[(times >= starts[index]) & (times < starts[index + 1])] = shape
    expression += gaussian_filter1d(spoken, 0.045 * FRAME_RATE, axis=0)
    for moment in BLINKS:
        keys = [
            (moment - 0.1, 0.0),
            (moment - 0.02, 1.0),
            (moment + 0.03, 1.0),
            (moment + 0.18, 0.0),
        ]
        expression += weights({"eyeBlink": 1.0}) * _curve(keys, times, 0.012)[:, None]
    keys = [(WINK - 0.15, 0.0), (WINK - 0.05, 1.0), (WINK + 0.12, 1.0), (WINK + 0.25, 0.0)]
    wink = weights({"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6, "eyeSquintLeft": 0.5})
    expression += wink * _curve(keys, times, 0.02)[:, None]
    aside = np.deg2rad(_curve(LOOK_ASIDE, times, 0.012))
    pitch = np.deg2rad(2.0) + 0.02 * _wander(rng, len(times), 1, 0.3)[:, 0]
    gaze = np.stack([np.stack([aside + v, pitch], axis=1) for v in (-0.03, 0.03)], axis=1)
    expression = np.stack([plausible(e, g) for e, g in zip(expression, gaze, strict=True)])
    poses, necks = _heads(times, rng)
    return Take(expression, gaze, necks, poses)


def _heads(times: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return camera_from_head (T, 4, 4) and the neck's rotation vectors (T, 3)."""
    turn, nod = (np.deg2rad(_curve(keys, times, 0.12)) for keys in (TURN, NOD))
    drift = _wander(rng, len(times), 6, 0.5)
    angles = np.stack([nod, -turn, 0.0 * turn], axis=1) + 0.012 * drift[:, :3]
    shift = np.array([0.0, 0.015, DISTANCE_M]) + 0.004 * drift[:, 3:]
    shift[:, 0] += 0.05 * np.sin(turn)
    poses: list[Array] = []
    for (pitch, yaw, roll), place in zip(angles, shift, strict=True):
        turned = rotation_from_vector(np.array([0.0, yaw, 0.0]))
        nodded = rotation_from_vector(np.array([pitch, 0.0, 0.0]))
        tilted = rotation_from_vector(np.array([0.0, 0.0, roll]))
        poses.append(rigid(turned @ nodded @ tilted, place))
    return np.stack(poses), -0.75 * angles


def _person(identity_size: int) -> tuple[Array, Look]:
    identity = 0.55 * np.random.default_rng(SEED).normal(size=identity_size)
    look = Look(
        skin="young_lightskinned_male_diffuse2",
        skin_saturation=0.9,
        oiliness=0.3,
        beard=(0.04, 0.025, 0.015, 0.25),
        iris="green_eye",
        hair="short02",
        hair_colour=(0.06, 0.032, 0.018),
        hair_recolour=0.8,
        brows="eyebrow009",
        lashes="eyelashes01",
        teeth="teeth_base",
        clothes=(0.05, 0.12, 0.16),
        collar=0.35,
    )
    return identity, look


def render_frame(renderer: HeadRenderer, skies: Skies, take: Take, frame: int) -> NDArray[np.uint8]:
    """Draw frame `frame` as (HEIGHT_PX, WIDTH_PX, 3) sRGB."""
    environment = skies.named(ROOM, rotation_from_vector(np.array([0.0, 0.6, 0.0])))
    key = Lamp(np.array([0.5, -0.55, -0.67]), np.array([0.75, 0.7, 0.62]))
    light = float(frontal_light(environment, (key,), 0.8) @ [0.3, 0.59, 0.11])
    identity, look = _person(len(renderer.head.identity_basis))
    background = environment_view(environment, 0.75, WIDTH_PX) * 0.8
    scene = Scene(
        performance=Performance(
            identity, take.expression[frame], take.gaze[frame], take.neck[frame]
        ),
        camera_from_head=take.camera_from_head[frame],
        intrinsics=_square_intrinsics(),
        environment=environment,
        look=look,
        lamps=(key,),
        background=cv2.GaussianBlur(background, (0, 0), 5.0).astype(np.float32),
        exposure=1.05 / light,
        sky_gain=(0.8, 0.8, 0.8),
    )
    top = (WIDTH_PX - HEIGHT_PX) // 2
    image = renderer.draw(scene).image[top : top + HEIGHT_PX].astype(np.float32)
    noise = np.random.default_rng([SEED, frame]).normal(0.0, 2.0, image.shape)
    return np.clip(image + cv2.GaussianBlur(noise, (0, 0), 0.6), 0, 255).astype(np.uint8)


def _square_intrinsics() -> Array:
    half = WIDTH_PX / 2
    return np.array([[FOCAL_PX, 0.0, half], [0.0, FOCAL_PX, half], [0.0, 0.0, 1.0]])


def write_demo(renderer: HeadRenderer, skies: Skies, folder: Path, head_sha256: str) -> None:
    """Render the clip and its truth into `folder`; renderer must draw squares of WIDTH_PX."""
    take = perform()
    folder.mkdir(parents=True, exist_ok=True)
    with av.open(str(folder / "demo.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"crf": "21", "preset": "slow"}
        for frame in trange(len(take.expression), unit="frame"):
            picture = av.VideoFrame.from_ndarray(
                render_frame(renderer, skies, take, frame), "rgb24"
            )
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    intrinsics = _square_intrinsics()
    intrinsics[1, 2] -= (WIDTH_PX - HEIGHT_PX) / 2
    np.savez_compressed(
        folder / "truth.npz",
        expression=take.expression.astype(np.float16),
        gaze=take.gaze.astype(np.float32),
        neck=take.neck.astype(np.float32),
        camera_from_head=take.camera_from_head.astype(np.float32),
        identity=_person(len(renderer.head.identity_basis))[0].astype(np.float32),
        intrinsics=intrinsics.astype(np.float32),
        frame_rate=np.array(FRAME_RATE),
        expression_names=np.array(BLENDSHAPE_NAMES),
        head_sha256=np.array(head_sha256),
    )
