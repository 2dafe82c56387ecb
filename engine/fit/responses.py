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
    """One shape's row: a reading r becomes most * ((gain * r - dead) / (1 - dead)) ** curve."""

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

    def __post_init__(self) -> None:
        if self.name not in BLENDSHAPE_NAMES:
            raise ConfigError(
                f"retarget.shapes: unknown shape {self.name}; allowed: "
                f"{', '.join(BLENDSHAPE_NAMES)}"
            )
        check(self, f"retarget.shapes.{self.name}")


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
# What the network is unsure of it draws towards rest, and what is not there reads a little: a dead
# zone and a gain undo some of both. Chosen on sixteen rendered people that are in no table, and
# held where real faces at rest would show what they do not do (docs/live_fit.md).
RESPONSES: tuple[ShapeResponse, ...] = (
    # Lids. A blink is read as a share of the way to touching: see retarget. Blinks of both eyes are
    # one movement; winks differ by far more than `together`.
    _R("eyeBlinkLeft", dead=0.01, gain=1.03, together=0.1),
    _R("eyeBlinkRight", dead=0.01, gain=1.03, together=0.1),
    _R("eyeSquintLeft", dead=0.1, curve=1.5, together=0.1),
    _R("eyeSquintRight", dead=0.1, curve=1.5, together=0.1),
    _R("eyeWideLeft", dead=0.1, gain=1.5, curve=1.2, together=0.1),
    _R("eyeWideRight", dead=0.1, gain=1.5, curve=1.2, together=0.1),
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
    _R("jawForward", dead=0.1, curve=1.5),
    _R("jawLeft", dead=0.1, gain=1.7, curve=1.3),
    _R("jawRight", dead=0.1, gain=1.7, curve=1.3),
    # Mouth.
    _R("mouthClose"),
    _R("mouthFunnel", dead=0.08, gain=1.4),
    _R("mouthPucker", dead=0.1, gain=1.8, curve=1.3),
    _R("mouthLeft", dead=0.06),
    _R("mouthRight", dead=0.06),
    _R("mouthSmileLeft", dead=0.02, gain=1.5),
    _R("mouthSmileRight", dead=0.02, gain=1.5),
    _R("mouthFrownLeft", dead=0.1, gain=2),
    _R("mouthFrownRight", dead=0.1, gain=2),
    _R("mouthDimpleLeft", dead=0.1, curve=1.5),
    _R("mouthDimpleRight", dead=0.1, curve=1.5),
    _R("mouthStretchLeft", dead=0.1),
    _R("mouthStretchRight", dead=0.1),
    _R("mouthRollLower", dead=0.1, gain=1.6, curve=1.3),
    _R("mouthRollUpper", dead=0.1, gain=1.2),
    _R("mouthShrugLower", dead=0.1, gain=2),
    _R("mouthShrugUpper", dead=0.1, curve=1.5),
    _R("mouthPressLeft", dead=0.1, gain=1.5, together=0.1),
    _R("mouthPressRight", dead=0.1, gain=1.5, together=0.1),
    _R("mouthLowerDownLeft", dead=0.04, curve=1.3, together=0.05),
    _R("mouthLowerDownRight", dead=0.04, curve=1.3, together=0.05),
    _R("mouthUpperUpLeft", dead=0.04, gain=1.25, together=0.05),
    _R("mouthUpperUpRight", dead=0.04, gain=1.25, together=0.05),
    # Brows, cheeks, nose: broad and slow, so that their noise is broad as well.
    _R("browDownLeft", dead=0.1, gain=1.2, curve=1.5, together=0.1),
    _R("browDownRight", dead=0.1, gain=1.2, curve=1.5, together=0.1),
    _R("browInnerUp", dead=0.08, gain=1.5, curve=1.3),
    _R("browOuterUpLeft", dead=0.08, gain=1.3, curve=1.3, together=0.1),
    _R("browOuterUpRight", dead=0.08, gain=1.3, curve=1.3, together=0.1),
    _R("cheekPuff", dead=0.1, gain=2, curve=1.3),
    _R("cheekSquintLeft", dead=0.02, gain=1.3, curve=1.2, together=0.1),
    _R("cheekSquintRight", dead=0.02, gain=1.3, curve=1.2, together=0.1),
    _R("noseSneerLeft", dead=0.08, gain=2.2, together=0.05),
    _R("noseSneerRight", dead=0.08, gain=2.2, together=0.05),
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
