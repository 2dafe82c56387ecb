"""How every blendshape answers to the fit: one row a shape, and what shapes do to one another.

FACS: Ekman, Friesen and Hager 2002, Facial Action Coding System; ARKit's documentation of
ARFaceAnchor.BlendShapeLocation for mouthClose.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ConfigError
from engine.settings import check, setting
from engine.types import BLENDSHAPE_NAMES


@dataclass(frozen=True)
class ShapeResponse:
    """One shape's row: a reading r becomes most * ((gain * r - dead) / (1 - dead)) ** curve.

    r is what is above the rest of the person, stretched: see rest.py.
    """

    name: str
    dead: float = setting(
        0.0, "Readings up to this are rest; what is above is stretched.", minimum=0.0, maximum=0.9
    )
    gain: float = setting(1.0, "What a reading is multiplied by.", minimum=0.0, maximum=10.0)
    curve: float = setting(
        1.0, "Exponent: above 1 small readings shrink, below 1 they grow.", minimum=0.2, maximum=5.0
    )
    most: float = setting(1.0, "The largest weight that is sent.", minimum=0.0, maximum=1.0)
    together: float = setting(
        0.0, "Left and right that differ by less are made equal.", minimum=0.0, maximum=0.9
    )

    rest: float = setting(0.0, "What is usually read of a face at rest.", minimum=0.0, maximum=0.5)
    rest_most: float = setting(
        0.0, "The largest reading that is taken for a person's rest.", minimum=0.0, maximum=0.5
    )

    def __post_init__(self) -> None:
        if self.name not in BLENDSHAPE_NAMES:
            raise ConfigError(
                f"retarget.shapes: unknown shape {self.name}; allowed: "
                f"{', '.join(BLENDSHAPE_NAMES)}"
            )
        check(self, f"retarget.shapes.{self.name}")
        if self.rest > self.rest_most:
            raise ConfigError(
                f"retarget.shapes.{self.name}.rest: {self.rest}; "
                f"must not be above rest_most {self.rest_most}"
            )


@dataclass(frozen=True)
class Yield:
    """A shape gives way to another: share of the other's weight is taken off it."""

    loser: str
    winner: str
    share: float = setting(1.0, "1: both at once cannot be.", minimum=0.0, maximum=5.0)

    def __post_init__(self) -> None:
        for name in (self.loser, self.winner):
            if name not in BLENDSHAPE_NAMES:
                raise ConfigError(
                    f"retarget.yields: unknown shape {name}; allowed: {', '.join(BLENDSHAPE_NAMES)}"
                )
        check(self, f"retarget.yields.{self.loser}")


_R = ShapeResponse
_NARROW, _BROAD = 0.2, 0.3  # broad where faces differ most in what is read of them at rest
# What the network is unsure of it draws towards rest, and what is not there reads a little: a dead
# zone and a gain undo some of both. Chosen on sixteen rendered people that are in no table, and
# held where real faces at rest would show what they do not do (docs/live_fit.md).
RESPONSES: tuple[ShapeResponse, ...] = (
    # Lids. A blink is read as a share of the way to touching: see retarget. Blinks of both eyes are
    # one movement; winks differ by far more than `together`.
    _R("eyeBlinkLeft", dead=0.01, gain=1.03, together=0.1),
    _R("eyeBlinkRight", dead=0.01, gain=1.03, together=0.1),
    _R("eyeSquintLeft", dead=0.1, gain=2, together=0.1, rest=0.28, rest_most=0.45),
    _R("eyeSquintRight", dead=0.1, gain=2, together=0.1, rest=0.28, rest_most=0.45),
    _R("eyeWideLeft", dead=0.1, gain=1.8, together=0.1, rest=0.07, rest_most=_NARROW),
    _R("eyeWideRight", dead=0.1, gain=1.8, together=0.1, rest=0.07, rest_most=_NARROW),
    # Gaze: exact where it is small, and never drawn together, or eyes could not converge.
    _R("eyeLookUpLeft"),
    _R("eyeLookUpRight"),
    _R("eyeLookDownLeft"),
    _R("eyeLookDownRight"),
    _R("eyeLookInLeft"),
    _R("eyeLookInRight"),
    _R("eyeLookOutLeft"),
    _R("eyeLookOutRight"),
    # Jaw. Forward is hardly seen from the front.
    _R("jawOpen"),
    _R("jawForward", dead=0.1, curve=1.2, rest=0.02, rest_most=_NARROW),
    _R("jawLeft", dead=0.1, gain=2.5, curve=1.2, rest=0.04, rest_most=_NARROW),
    _R("jawRight", dead=0.1, gain=2.5, curve=1.2, rest=0.04, rest_most=_NARROW),
    # Mouth.
    _R("mouthClose"),
    _R("mouthFunnel", dead=0.03, gain=1.6, rest=0.05, rest_most=_NARROW),
    _R("mouthPucker", dead=0.08, gain=2, rest=0.04, rest_most=_NARROW),
    _R("mouthLeft", dead=0.08, gain=1.8, curve=1.3, rest=0.06, rest_most=_NARROW),
    _R("mouthRight", dead=0.08, gain=1.8, curve=1.3, rest=0.06, rest_most=_NARROW),
    _R("mouthSmileLeft", dead=0.03, gain=1.6, rest=0.02, rest_most=_NARROW),
    _R("mouthSmileRight", dead=0.03, gain=1.6, rest=0.02, rest_most=_NARROW),
    _R("mouthFrownLeft", dead=0.1, gain=2.2, rest=0.02, rest_most=_NARROW),
    _R("mouthFrownRight", dead=0.1, gain=2.2, rest=0.02, rest_most=_NARROW),
    _R("mouthDimpleLeft", dead=0.05, gain=1.5, rest=0.03, rest_most=_NARROW),
    _R("mouthDimpleRight", dead=0.05, gain=1.5, rest=0.03, rest_most=_NARROW),
    _R("mouthStretchLeft", dead=0.1, rest=0.07, rest_most=_NARROW),
    _R("mouthStretchRight", dead=0.1, rest=0.07, rest_most=_NARROW),
    _R("mouthRollLower", dead=0.03, gain=1.6, rest=0.11, rest_most=_NARROW),
    _R("mouthRollUpper", dead=0.03, gain=1.2, rest=0.03, rest_most=_NARROW),
    _R("mouthShrugLower", dead=0.06, gain=2.5, rest=0.01, rest_most=_NARROW),
    _R("mouthShrugUpper", dead=0.08, curve=1.2, rest=0.04, rest_most=_NARROW),
    _R("mouthPressLeft", dead=0.03, gain=1.4, together=0.1, rest=0.06, rest_most=_NARROW),
    _R("mouthPressRight", dead=0.03, gain=1.4, together=0.1, rest=0.06, rest_most=_NARROW),
    _R("mouthLowerDownLeft", dead=0.03, gain=1.4, together=0.05, rest=0.1, rest_most=_NARROW),
    _R("mouthLowerDownRight", dead=0.03, gain=1.4, together=0.05, rest=0.1, rest_most=_NARROW),
    _R("mouthUpperUpLeft", dead=0.03, gain=1.4, together=0.05, rest=0.04, rest_most=_NARROW),
    _R("mouthUpperUpRight", dead=0.03, gain=1.4, together=0.05, rest=0.04, rest_most=_NARROW),
    # Brows, cheeks, nose: broad and slow, so that their noise is broad as well.
    _R("browDownLeft", dead=0.1, together=0.1, rest=0.21, rest_most=_BROAD),
    _R("browDownRight", dead=0.1, together=0.1, rest=0.21, rest_most=_BROAD),
    _R("browInnerUp", dead=0.03, gain=1.4, rest=0.11, rest_most=_BROAD),
    _R("browOuterUpLeft", dead=0.03, gain=1.2, together=0.1, rest=0.13, rest_most=_BROAD),
    _R("browOuterUpRight", dead=0.03, gain=1.2, together=0.1, rest=0.13, rest_most=_BROAD),
    _R("cheekPuff", dead=0.06, gain=2.5, curve=1.2, rest=0.07, rest_most=_NARROW),
    _R("cheekSquintLeft", dead=0.03, gain=1.8, together=0.1, rest=0.13, rest_most=_BROAD),
    _R("cheekSquintRight", dead=0.03, gain=1.8, together=0.1, rest=0.13, rest_most=_BROAD),
    _R("noseSneerLeft", dead=0.03, gain=2.5, together=0.05, rest=0.02, rest_most=_NARROW),
    _R("noseSneerRight", dead=0.03, gain=2.5, together=0.05, rest=0.02, rest_most=_NARROW),
    _R("tongueOut", dead=0.15, gain=1.1),
)


def _opposite(first: str, second: str) -> tuple[Yield, Yield]:
    """Only the difference of two opposite movements is left."""
    return Yield(first, second), Yield(second, first)


# The same muscle, or opposite movements of one part, cannot act at once.
YIELDS: tuple[Yield, ...] = (
    *_opposite("jawLeft", "jawRight"),
    *_opposite("mouthLeft", "mouthRight"),
    *_opposite("mouthSmileLeft", "mouthFrownLeft"),
    *_opposite("mouthSmileRight", "mouthFrownRight"),
    # AU 5 and AU 43: a lid that is on its way down is not wide; nor is one that squints (AU 7).
    Yield("eyeWideLeft", "eyeBlinkLeft", 2.0),
    Yield("eyeWideRight", "eyeBlinkRight", 2.0),
    Yield("eyeWideLeft", "eyeSquintLeft", 1.0),
    Yield("eyeWideRight", "eyeSquintRight", 1.0),
    # AU 18 and AU 20: lips cannot be drawn together and apart.
    Yield("mouthStretchLeft", "mouthPucker", 1.0),
    Yield("mouthStretchRight", "mouthPucker", 1.0),
    # AU 28 and AU 22: lips rolled in are not funnelled.
    Yield("mouthRollLower", "mouthFunnel", 1.0),
    Yield("mouthRollUpper", "mouthFunnel", 1.0),
    # Cheeks hold air behind closed lips only.
    Yield("cheekPuff", "jawOpen", 1.0),
)
# ARKit: mouthClose shuts the lips while the jaw is open, and only as far as it is open. The slack
# is what lips that rest firmly closed read; without it a little opening would not show.
AT_MOST: tuple[tuple[str, str, float], ...] = (("mouthClose", "jawOpen", 0.1),)
