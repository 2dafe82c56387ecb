"""Synthetic test sequences: short videos of people whom training never sees, with exact truth.

    python -m engine.training.render sequence --kind spoken --seed 3 --frames 90 --out FILE.npz

The file is a pack (pack.py) whose rows are the frames at 30 frames/s, plus `depth` uint16 [N, V]
in 1/20 mm along the optical axis, `frame_rate` and `kind`. Identity, skin, light and camera stay
the same over a sequence. Fresh sensor noise falls on every frame before H.264 and then JPEG.
"""

from __future__ import annotations

import io
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import trange

from engine.geometry import rigid, rotation_from_vector
from engine.training.packs import encoded, fixed_point, write_pack
from engine.training.portraits.lids import closing
from engine.training.render.acting import RATE, Acting, Kind, act
from engine.training.render.body import posed
from engine.training.render.renderer import HeadRenderer
from engine.training.render.sample import Sampler
from engine.training.render.scene import Rendered, Scene
from engine.training.render.shape import Performance
from engine.training.render.view import framed
from engine.types import BLENDSHAPE_NAMES, Array

SIDE_PX = 320
FACE_PX = (150.0, 200.0)  # side of the face box, smallest and largest
DEPTH_STEPS_PER_M = 20_000
JPEG_QUALITY = 92
_BLINKS = [BLENDSHAPE_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]


def scenes(renderer: HeadRenderer, data: Path, seed: int, kind: Kind, frames: int) -> list[Scene]:
    """Return the scenes of one sequence; the same for the same seed.

    data  folder with hdri/
    """
    rng = np.random.default_rng([seed, 77])
    still = Sampler(renderer, data, seed, held_out=True).scene(rng)
    worn = tuple(prop for prop in still.props if prop.kind == "glasses")
    acting = act(rng, kind, frames)
    people = _performances(renderer, still.performance.identity, acting)
    rest = rotation_from_vector(rng.normal(0.0, [0.06, 0.12, 0.03]))
    place = np.array([*rng.normal(0.0, 0.03, 2), rng.uniform(0.4, 0.75)])
    view = framed(
        renderer.head, posed(renderer.head, people[0]), rest, place,
        float(rng.uniform(*FACE_PX)), np.full(2, renderer.side_px / 2),
    )  # fmt: skip
    return [
        Scene(
            performance=person,
            camera_from_head=rigid(rest @ _turned(turn), place + shift),
            intrinsics=view.intrinsics,
            environment=still.environment,
            look=still.look,
            lamps=still.lamps,
            background=still.background,
            props=worn,
            exposure=still.exposure,
            sky_gain=still.sky_gain,
        )
        for person, turn, shift in zip(people, acting.turn, acting.shift, strict=True)
    ]


def _performances(renderer: HeadRenderer, identity: Array, acting: Acting) -> list[Performance]:
    """Make the acted lids meet exactly: how far eyeBlink must go for that differs by face."""
    people: list[Performance] = []
    for expression, gaze, turn in zip(acting.expression, acting.gaze, acting.turn, strict=True):
        fitted = expression.copy()
        if expression[_BLINKS].max() > 0:
            fitted[_BLINKS] *= closing(renderer.head, identity, expression)
        # The neck undoes three quarters of a turn: shoulders move little.
        people.append(Performance(identity, fitted, gaze, -0.75 * turn))
    return people


def _turned(turn: Array) -> Array:
    pitch, yaw, roll = (rotation_from_vector(a * np.eye(3)[i]) for i, a in enumerate(turn))
    return yaw @ pitch @ roll


def sensed(image: NDArray[np.uint8], rng: np.random.Generator, noise: float) -> NDArray[np.uint8]:
    """Add one frame's sensor noise: shot and read noise, a little smeared by demosaicing.

    noise  standard deviation at middle grey, of 255
    """
    light = image.astype(np.float32)
    grain = cv2.GaussianBlur(rng.standard_normal(light.shape, np.float32), (0, 0), 0.5)
    grain /= float(grain.std())
    return (
        (light + noise * grain * np.sqrt(0.3 + 0.7 * light / 128))
        .round()
        .clip(0, 255)
        .astype(np.uint8)
    )


def through_h264(images: list[NDArray[np.uint8]], crf: int) -> list[NDArray[np.uint8]]:
    """Return pictures (S, S, 3), S even, as a video call would deliver them.

    crf  x264's constant rate factor: 18 hardly shows, 28 smears
    """
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=round(RATE))
        stream.width, stream.height = images[0].shape[1], images[0].shape[0]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency"}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as reader:
        decoded = [frame.to_ndarray(format="rgb24") for frame in reader.decode(video=0)]
    return [np.asarray(picture, np.uint8) for picture in decoded]


def write_sequence(
    renderer: HeadRenderer, data: Path, seed: int, kind: Kind, frames: int, path: Path,
    head_sha256: str, *, with_identity: bool = True,
) -> None:  # fmt: skip
    """Render one sequence into a pack.

    renderer       draws squares of even side
    with_identity  whether the head's coefficients are those of the open head
    """
    played = scenes(renderer, data, seed, kind, frames)
    rng = np.random.default_rng([seed, 78])
    noise, crf = float(rng.uniform(1.5, 4.0)), int(rng.integers(18, 27))
    images: list[NDArray[np.uint8]] = []
    rows: dict[str, list[NDArray]] = {}
    for index in trange(frames, unit="frame", desc=path.stem):
        rendered = renderer.draw(played[index])
        images.append(sensed(rendered.image, rng, noise))
        for key, value in _row(played[index], rendered, with_identity=with_identity).items():
            rows.setdefault(key, []).append(value)
    files = [encoded(image, JPEG_QUALITY) for image in through_h264(images, crf)]
    write_pack(
        path, files, stream="sequence", kind=kind, head_sha256=head_sha256,
        frame_rate=np.array(RATE), **{key: np.stack(values) for key, values in rows.items()},
    )  # fmt: skip


def _row(scene: Scene, rendered: Rendered, *, with_identity: bool) -> dict[str, NDArray]:
    depth = np.clip(np.rint(rendered.depth * DEPTH_STEPS_PER_M), 0, np.iinfo(np.uint16).max)
    person = scene.performance
    row: dict[str, NDArray] = {
        "points": fixed_point(rendered.points_px),
        "visible": np.packbits(rendered.visible),
        "depth": depth.astype(np.uint16),
        "camera_from_head": scene.camera_from_head.astype(np.float32),
        "intrinsics": scene.intrinsics.astype(np.float32),
        "expression": person.expression.astype(np.float16),
        "gaze": person.gaze.astype(np.float32),
        "neck": person.neck.astype(np.float32),
        "glasses": np.array(bool(scene.props)),
    }
    if with_identity:
        row["identity"] = person.identity.astype(np.float16)
    return row
