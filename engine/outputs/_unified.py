"""Unified Expressions, which face tracking avatars of VRChat read, from the 52 ARKit shapes.

Base expressions, the simple ones that are mixed of a few of them, the combined ones that an avatar
takes where it has little room. What ARKit cannot tell (pupils, nostrils, sucked cheeks, most of the
tongue) is not among the values: an avatar keeps its own.

Source: VRCFaceTracking, UnifiedExpressions, UnifiedSimpleExpressions, UnifiedExpressionsParameters,
UnifiedHeadParameters and BinaryBaseParameter; its documentation of ARKit's compatibility.
"""

from __future__ import annotations

import math

import numpy as np

from engine import axes
from engine.types import SIDE_NAMES, Array, Blendshapes, HeadState

SIDES = ("Left", "Right")
# Unified names and the ARKit shape of the same side.
_SIDED = {
    "EyeSquint": "eyeSquint", "EyeWide": "eyeWide", "BrowPinch": "browDown",
    "BrowLowerer": "browDown", "BrowOuterUp": "browOuterUp", "CheekSquint": "cheekSquint",
    "NoseSneer": "noseSneer", "MouthUpperUp": "mouthUpperUp", "MouthUpperDeepen": "mouthUpperUp",
    "MouthLowerDown": "mouthLowerDown", "MouthUpper": "mouth", "MouthLower": "mouth",
    "MouthCornerPull": "mouthSmile", "MouthCornerSlant": "mouthSmile", "MouthFrown": "mouthFrown",
    "MouthStretch": "mouthStretch", "MouthDimple": "mouthDimple", "MouthPress": "mouthPress",
}  # fmt: skip
# Unified names and the one ARKit shape that both sides share.
_SHARED = {
    "BrowInnerUp": "browInnerUp", "CheekPuff": "cheekPuff", "LipSuckLower": "mouthRollLower",
    "LipFunnelUpper": "mouthFunnel", "LipFunnelLower": "mouthFunnel",
    "LipPuckerUpper": "mouthPucker", "LipPuckerLower": "mouthPucker",
}  # fmt: skip
_SINGLE = {
    "JawOpen": "jawOpen", "JawRight": "jawRight", "JawLeft": "jawLeft",
    "JawForward": "jawForward", "MouthClosed": "mouthClose", "MouthRaiserUpper": "mouthShrugUpper",
    "MouthRaiserLower": "mouthShrugLower", "TongueOut": "tongueOut",
}  # fmt: skip


def base(shapes: Blendshapes) -> dict[str, float]:
    """Return the base expressions that the 52 shapes tell, by Unified name."""
    arkit = dict(shapes.items())
    if shapes.sides is not None:
        arkit.update(zip(SIDE_NAMES, map(float, shapes.sides), strict=True))
    values = {name: arkit[shape] for name, shape in _SINGLE.items()}
    for side in SIDES:
        values.update({name + side: arkit[shape + side] for name, shape in _SIDED.items()})
        for name, shape in _SHARED.items():
            values[name + side] = arkit.get(shape + side, arkit[shape])
        # A lip that is drawn up shows its red again, however far it is rolled in.
        shown = 1.0 - arkit["mouthUpperUp" + side] ** (1.0 / 6.0)
        values["LipSuckUpper" + side] = min(shown, arkit["mouthRollUpper"])
    return values


def simple(base: dict[str, float]) -> dict[str, float]:
    """Return the simple expressions, mixed of base ones."""
    values: dict[str, float] = {}
    for side in SIDES:
        up, inner = base["BrowOuterUp" + side], base["BrowInnerUp" + side]
        low, pinch = base["BrowLowerer" + side], base["BrowPinch" + side]
        pull, slant = base["MouthCornerPull" + side], base["MouthCornerSlant" + side]
        values["BrowUp" + side] = 0.6 * up + 0.4 * inner
        values["BrowDown" + side] = 0.75 * low + 0.25 * pinch
        values["MouthSmile" + side] = 0.8 * pull + 0.2 * slant
        values["MouthSad" + side] = max(base["MouthFrown" + side], base["MouthStretch" + side])
    return values


_MEANS = (
    "BrowInnerUp", "BrowOuterUp", "CheekSquint", "MouthUpperUp", "MouthLowerDown", "MouthStretch",
    "MouthPress", "MouthDimple", "NoseSneer", "LipSuckUpper", "LipSuckLower", "LipFunnelUpper",
    "LipFunnelLower", "LipPuckerUpper", "LipPuckerLower",
)  # fmt: skip


def combined(base: dict[str, float], simple: dict[str, float]) -> dict[str, float]:
    """Return the combined expressions but for the eyes; + of an X is the subject's own right."""
    values: dict[str, float] = {}
    for side in SIDES:
        inner, outer = base["BrowInnerUp" + side], base["BrowOuterUp" + side]
        smile, frown = simple["MouthSmile" + side], base["MouthFrown" + side]
        up, down = base["LipPuckerUpper" + side], base["LipPuckerLower" + side]
        raised = min(1.0, 0.5 * inner + 0.5 * outer)
        values |= {
            "BrowExpression" + side: raised - simple["BrowDown" + side],
            "CheekPuffSuck" + side: base["CheekPuff" + side],
            "MouthTightenerStretch" + side: -base["MouthStretch" + side],
            "MouthCornerY" + side: base["MouthCornerSlant" + side] - frown,
            "SmileFrown" + side: smile - frown,
            "SmileSad" + side: smile - simple["MouthSad" + side],
            "LipPucker" + side: 0.5 * (up + down),
        }
        for lip in ("Upper", "Lower"):
            sucked = base[f"LipSuck{lip}{side}"]
            values[f"LipSuckFunnel{lip}{side}"] = sucked - base[f"LipFunnel{lip}{side}"]
    sided = base | simple | values
    both = (*_MEANS, "BrowUp", "BrowDown", *(name.removesuffix("Left") for name in values))
    for name in both:
        if name + "Left" in sided:
            values[name] = 0.5 * (sided[name + "Left"] + sided[name + "Right"])
    for lip in ("Upper", "Lower"):
        values[f"Mouth{lip}X"] = base[f"Mouth{lip}Right"] - base[f"Mouth{lip}Left"]
    for whole in ("LipSuck", "LipFunnel"):
        values[whole] = 0.5 * (values[whole + "Upper"] + values[whole + "Lower"])
    values["MouthX"] = 0.5 * (values["MouthUpperX"] + values["MouthLowerX"])
    values["MouthOpen"] = 0.5 * (values["MouthUpperUp"] + values["MouthLowerDown"])
    values["JawX"] = base["JawRight"] - base["JawLeft"]
    values["JawZ"] = base["JawForward"]
    return values


LOOK_NAMES = {f"Eye{side}{axis}" for side in ("", *SIDES) for axis in "XY"}
LID_NAMES = {f"Eye{what}{side}" for what in ("Open", "Closed", "Lid") for side in ("", *SIDES)}
FULL_GAZE = math.pi / 4  # an eye turned so far is 1
FULL_TURN = math.pi / 2  # a head turned so far is 1
FULL_SHIFT_M = 0.5  # a head moved so far is 1


def openness(shapes: Blendshapes) -> tuple[float, float]:
    """Return how far the left and the right eye are open, 0 to 1."""
    left, right = (
        1.0 - min(1.0, shapes["eyeBlink" + side] * (1.0 + shapes["eyeSquint" + side]))
        for side in SIDES
    )
    return left, right


def eyes(head: HeadState, shapes: Blendshapes) -> dict[str, float]:
    """Return gaze (+ own right, + up) and lids, of both eyes and of their mean."""
    values: dict[str, float] = {}
    for side, gaze, is_open in zip(SIDES, head.gaze, openness(shapes), strict=True):
        yaw, pitch = axes.gaze_angles("vrchat", gaze)
        values[f"Eye{side}X"] = _unit(yaw, FULL_GAZE)
        values[f"Eye{side}Y"] = -_unit(pitch, FULL_GAZE)
        values["EyeOpen" + side], values["EyeClosed" + side] = is_open, 1.0 - is_open
        values["EyeLid" + side] = 0.75 * is_open + 0.25 * shapes["eyeWide" + side]
    for name, start, end in (
        ("EyeX", "Eye", "X"), ("EyeY", "Eye", "Y"), ("EyeOpen", "EyeOpen", ""),
        ("EyeClosed", "EyeClosed", ""), ("EyeLid", "EyeLid", ""),
    ):  # fmt: skip
        values[name] = 0.5 * (values[f"{start}Left{end}"] + values[f"{start}Right{end}"])
    values["EyeWide"] = max(shapes["eyeWideLeft"], shapes["eyeWideRight"])
    squint = max(shapes["eyeSquintLeft"], shapes["eyeSquintRight"])
    return values | {"EyeSquint": squint, "EyesSquint": squint}


def head_values(head: HeadState, home: Array) -> dict[str, float]:
    """Return turn and place of the head in Unity's axes, each -1 to 1.

    home  (3,) our place of a head that has not moved, metres
    """
    turns = axes.head_angles("vrchat", head.camera_from_head[:3, :3])
    moved = axes.unity_from_ours(head.camera_from_head[:3, 3] - home)
    values = dict(zip(("Head/Yaw", "Head/Pitch", "Head/Roll"), turns, strict=True))
    shifts = zip("XYZ", moved, strict=True)
    return {name: _unit(angle, FULL_TURN) for name, angle in values.items()} | {
        f"Head/Pos{axis}": _unit(float(shift), FULL_SHIFT_M) for axis, shift in shifts
    }


def _unit(value: float, full: float) -> float:
    return float(np.clip(value / full, -1.0, 1.0))


def bits(value: float, count: int, *, signed: bool) -> tuple[bool, ...]:
    """Return a value in [-1, 1] as an avatar's binary parameters, the bit of weight 1 first.

    signed  whether the avatar has a parameter for the sign; without one a negative value is none
    """
    if value < 0.0 and not signed:
        return (False,) * count
    size = abs(value)
    whole = 2**count - 1 if size > 0.99999 else int(size * 2**count)
    return tuple(bool(whole >> place & 1) for place in range(count))
