"""Draws new expressions, poses, gaze and light for a fitted portrait.

What portraits lack is drawn most: closed and half-closed lids, winks, wide and rounded mouths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.fit.closure import BLINKS, MOUTH_CLOSE, Closure
from engine.fit.heads import JOINT_NAMES, HeadModel
from engine.fit.skinning import joints_of
from engine.geometry import rotation_from_vector
from engine.training.portraits.landmark_model import FaceState
from engine.types import BLENDSHAPE_NAMES, Array

POSE_DEVIATION_RAD = np.deg2rad([6.0, 9.0, 6.0])  # about x (nod), y (turn), z (tilt)
LARGEST_TURN_RAD = np.deg2rad(20.0)
GAZE_DEVIATION_RAD, LARGEST_GAZE_RAD = 0.16, 0.5

SEALED = 0.85  # share of pictures in which the lips touch unless something parts them
EYES = ("keep", "blink", "half", "wink", "squint", "wide")
EYES_SHARE = (0.25, 0.25, 0.18, 0.14, 0.10, 0.08)
MOUTHS = ("keep", "open", "round", "smile", "press", "aside", "stretch", "talk", "tongue")
MOUTHS_SHARE = (0.28, 0.17, 0.12, 0.08, 0.08, 0.06, 0.05, 0.10, 0.06)
BROWS = ("keep", "up", "inner", "one", "down")
BROWS_SHARE = (0.50, 0.14, 0.10, 0.14, 0.12)


@dataclass(frozen=True, eq=False)
class Variation:
    """One face in its new state, and the light added to it.

    camera_from_head  (4, 4); identity (K,); expression (52,); gaze (2, 2); neck (3,) rotation
                      vector that leaves the shoulders where they are; focal_px
    gain              (3,) of the whole picture; light_direction, light_tint (3,) an added light
    highlight         (3,) camera space half vector of the reflection in the eyes; pupil: share
    """

    camera_from_head: Array
    identity: Array
    expression: Array
    gaze: Array
    neck: Array
    focal_px: float
    gain: Array
    light_direction: Array
    light_tint: Array
    highlight: Array
    pupil: float
    seed: float


def vary(head: HeadModel, state: FaceState, rng: np.random.Generator) -> Variation:
    """Draw a variation of a batch of one face; its head turns about its neck joint."""
    identity = state.identity[0]
    neck_joint = joints_of(head, identity)[JOINT_NAMES.index("neck")]
    old = state.rotation[0]
    vector = np.clip(rng.normal(0.0, POSE_DEVIATION_RAD), -LARGEST_TURN_RAD, LARGEST_TURN_RAD)
    new = rotation_from_vector(vector) @ old
    camera_from_head = np.eye(4)
    camera_from_head[:3, :3] = new
    camera_from_head[:3, 3] = state.translation[0] + (old - new) @ neck_joint
    gaze = state.gaze[0] + rng.normal(0.0, GAZE_DEVIATION_RAD, 2)
    direction = rng.normal(0.0, 1.0, 3) * [1.0, 0.7, 0.5] - [0.0, 0.0, 0.5]
    brightness = rng.uniform(0.0, 0.45) * (rng.random() < 0.75)
    window = np.array([rng.uniform(-0.25, 0.25), rng.uniform(-0.35, -0.05), -1.0])
    return Variation(
        camera_from_head=camera_from_head,
        identity=identity,
        expression=closed(head, identity, varied_expression(state.expression[0], rng), rng),
        gaze=np.clip(gaze, -LARGEST_GAZE_RAD, LARGEST_GAZE_RAD),
        neck=_rotation_vector(new.T @ old),
        focal_px=float(np.exp(state.log_focal[0])),
        gain=rng.normal(1.0, 0.08) * rng.normal(1.0, 0.03, 3),
        light_direction=direction / np.linalg.norm(direction),
        light_tint=brightness * rng.uniform(0.8, 1.1, 3),
        highlight=window / np.linalg.norm(window),
        pupil=rng.uniform(0.3, 0.5),
        seed=rng.uniform(0.0, 6.28),
    )


def closed(head: HeadModel, identity: Array, expression: Array, rng: np.random.Generator) -> Array:
    """Return the expression (52,) with blinks scaled to this face, and mostly with lips that touch.

    A blink of 1 becomes what just closes its eyes; what else parts the lips still does.
    """
    closure, result = Closure(head), expression.copy()
    result[BLINKS] *= closure.blinks(identity, expression)
    if rng.random() < SEALED:
        result[MOUTH_CLOSE] = max(result[MOUTH_CLOSE], closure.seal(identity))
    return result


def varied_expression(expression: Array, rng: np.random.Generator) -> Array:
    """Return new coefficients (52,): eyes, mouth and brows are each kept or replaced."""
    named = dict(zip(BLENDSHAPE_NAMES, expression.tolist(), strict=True))
    _eyes(named, str(rng.choice(EYES, p=EYES_SHARE)), rng)
    _mouth(named, str(rng.choice(MOUTHS, p=MOUTHS_SHARE)), rng)
    _brows(named, str(rng.choice(BROWS, p=BROWS_SHARE)), rng)
    return np.clip([named[name] for name in BLENDSHAPE_NAMES], 0.0, 1.0)


def _faded(named: dict[str, float], prefixes: tuple[str, ...], share: float) -> None:
    for name in named:
        if name.startswith(prefixes):
            named[name] *= share


def _eyes(named: dict[str, float], kind: str, rng: np.random.Generator) -> None:
    if kind == "keep":
        return
    _faded(named, ("eye",), 0.3)
    sides = ("Left", "Right") if kind != "wink" else (str(rng.choice(["Left", "Right"])),)
    closed = 1.0 if rng.random() < 0.6 else rng.uniform(0.75, 1.0)
    half = rng.uniform(0.25, 0.8)
    for side in sides:
        if kind in ("blink", "wink"):
            named[f"eyeBlink{side}"] = closed
            named[f"eyeWide{side}"] = 0.0
        elif kind == "half":
            named[f"eyeBlink{side}"] = half + rng.normal(0.0, 0.04)
        elif kind == "squint":
            named[f"eyeSquint{side}"] = rng.uniform(0.5, 1.0)
            named[f"eyeBlink{side}"] = rng.uniform(0.0, 0.4)
        elif kind == "wide":
            named[f"eyeWide{side}"] = rng.uniform(0.5, 1.0)
            named[f"eyeBlink{side}"] = 0.0
        if kind == "wink":
            named[f"cheekSquint{side}"] = rng.uniform(0.0, 0.8)
            named[f"eyeSquint{side}"] = rng.uniform(0.0, 0.5)


def _mouth(named: dict[str, float], kind: str, rng: np.random.Generator) -> None:
    if kind == "keep":
        return
    _faded(named, ("mouth", "jaw", "cheekPuff", "tongue"), rng.uniform(0.0, 0.4))
    u = rng.uniform
    draw: dict[str, dict[str, float]] = {
        "open": {"jawOpen": u(0.3, 1.0), "mouthUpperUpLeft": u(0, 0.4),
                 "mouthLowerDownLeft": u(0, 0.5)},
        "round": {"mouthFunnel": (funnel := u(0, 0.9)), "mouthPucker": u(0, 1 - funnel),
                  "jawOpen": u(0, 0.35)},
        "smile": {"mouthSmileLeft": u(0.3, 1), "jawOpen": u(0, 0.3), "cheekSquintLeft": u(0, 0.6)},
        "press": {"mouthPressLeft": u(0.2, 1), "mouthRollLower": u(0, 0.7),
                  "mouthRollUpper": u(0, 0.6)},
        "stretch": {"mouthStretchLeft": u(0.3, 1), "mouthFrownLeft": u(0, 0.8),
                    "jawOpen": u(0, 0.3)},
        "talk": {"jawOpen": u(0.05, 0.4), "mouthFunnel": u(0, 0.4), "mouthStretchLeft": u(0, 0.4),
                 "mouthLowerDownLeft": u(0, 0.5)},
        "tongue": {"tongueOut": u(0.5, 1.0), "jawOpen": u(0.15, 0.5)},
    }  # fmt: skip
    for name, value in draw.get(kind, {}).items():
        named[name] = value
        if name.endswith("Left"):
            named[f"{name.removesuffix('Left')}Right"] = value * u(0.7, 1.3)
    if kind == "aside":
        side = str(rng.choice(["Left", "Right"]))
        named[f"mouth{side}"], named[f"jaw{side}"] = u(0.3, 1.0), u(0.0, 0.6)
        named[f"mouthSmile{side}"] = u(0.0, 0.8)


def _brows(named: dict[str, float], kind: str, rng: np.random.Generator) -> None:
    if kind == "keep":
        return
    _faded(named, ("brow",), 0.2)
    amount = rng.uniform(0.4, 1.0)
    if kind == "up":
        for name in ("browOuterUpLeft", "browOuterUpRight", "browInnerUp"):
            named[name] = amount * rng.uniform(0.7, 1.1)
    elif kind == "inner":
        named["browInnerUp"] = amount
    elif kind == "down":
        named["browDownLeft"], named["browDownRight"] = amount, amount * rng.uniform(0.7, 1.2)
    else:
        up, down = rng.permutation(["Left", "Right"])
        named[f"browOuterUp{up}"] = amount
        named[f"browDown{down}"] = rng.uniform(0.0, 0.8)


def _rotation_vector(rotation: Array) -> Array:
    """Return the rotation vector (3,) of a rotation (3, 3) of less than half a turn."""
    cosine = np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0)
    angle = np.arccos(cosine)
    axis = np.array(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    return axis / 2 if angle < 1e-6 else axis * (angle / (2 * np.sin(angle)))
