"""Unified Expressions, which face tracking avatars of VRChat read, from the 52 ARKit shapes.

What ARKit cannot tell (pupils, nostrils, sucked cheeks, most of the tongue) is not among the
values: an avatar keeps its own.

Source: VRCFaceTracking, UnifiedExpressions and BinaryBaseParameter; its documentation of ARKit's
compatibility.
"""

from __future__ import annotations

from engine.types import SIDE_NAMES, Blendshapes

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


def bits(value: float, count: int, *, signed: bool) -> tuple[bool, ...]:
    """Return a value in [-1, 1] as an avatar's binary parameters, the bit of weight 1 first.

    signed  whether the avatar has a parameter for the sign; without one a negative value is none
    """
    if value < 0.0 and not signed:
        return (False,) * count
    size = abs(value)
    whole = 2**count - 1 if size > 0.99999 else int(size * 2**count)
    return tuple(bool(whole >> place & 1) for place in range(count))
