"""Which sources are mixed into which shape. Only left and middle shapes; right ones are mirrored.

A term is a source (`face:` Mika Suominen's face units, `unit:` MakeHuman's expression units), a
weight and soft limits in head space, metres: x from the middle to the left, y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.training.head_build.source import Array

EVERYWHERE = (-1.0, 1.0)
SOFT = 0.008  # metres over which a limit fades


@dataclass(frozen=True)
class Term:
    """One weighted and masked source of a shape."""

    source: str
    weight: float = 1.0
    x: tuple[float, float] = EVERYWHERE
    y: tuple[float, float] = EVERYWHERE
    soft: float = SOFT

    def mask(self, points: Array) -> Array:
        """Return the share (V,) that each vertex takes of this term."""
        share = np.ones(len(points))
        for axis, (low, high) in ((0, self.x), (1, self.y)):
            for signed in (points[:, axis] - low, high - points[:, axis]):
                ramp = np.clip(0.5 + 0.5 * signed / self.soft, 0.0, 1.0)
                share *= ramp * ramp * (3.0 - 2.0 * ramp)
        return share


LEFT = (0.0, 1.0)
UPPER_LIP, LOWER_LIP = (-1.0, 0.072), (0.072, 1.0)


def _face(name: str, weight: float = 1.0) -> Term:
    return Term(f"face:{name}", weight)


def _left(unit: str, weight: float) -> Term:
    return Term(f"unit:{unit}", weight, x=LEFT)


RECIPES: dict[str, tuple[Term, ...]] = {
    "eyeSquintLeft": (_face("eyeSquintLeft"), Term("unit:eye-left-slit", 0.35, y=(0.001, 1.0))),
    "eyeWideLeft": (_face("eyeWideLeft", 1.15),),
    "jawForward": (_face("jawForward", 1.1),),
    "jawLeft": (_face("jawLeft", 1.3),),
    "mouthFunnel": (_face("mouthFunnel"), Term("unit:mouth-protusion", 0.3)),
    "mouthPucker": (_face("mouthPucker"), Term("unit:mouth-pursing", 0.45)),
    "mouthSmileLeft": (_face("mouthSmileLeft", 0.8), _left("mouth-corner-puller", 0.35)),
    "mouthFrownLeft": (_face("mouthFrownLeft"), _left("mouth-depression", 0.8)),
    "mouthDimpleLeft": (_face("mouthDimpleLeft", 0.8), _left("mouth-retraction", 0.7)),
    "mouthStretchLeft": (_face("mouthStretchLeft"), _left("neck-platysma", 0.6)),
    "mouthRollLower": (_face("mouthRollLower", 1.5),),
    "mouthRollUpper": (_face("mouthRollUpper", 1.6),),
    "mouthShrugLower": (
        _face("mouthShrugLower", 1.2),
        Term("unit:mouth-eversion", 0.6, y=LOWER_LIP, soft=0.004),
    ),
    "mouthShrugUpper": (
        _face("mouthShrugUpper", 1.2),
        Term("unit:mouth-eversion", 0.4, y=UPPER_LIP, soft=0.004),
    ),
    "mouthPressLeft": (
        _face("mouthPressLeft", 0.5),
        _left("mouth-compression", 0.3),
        Term("face:mouthRollLower", 0.7, x=LEFT),
        Term("face:mouthRollUpper", 0.5, x=LEFT),
    ),
    "mouthLowerDownLeft": (
        _face("mouthLowerDownLeft"),
        Term("unit:mouth-depression-retraction", 0.35, x=LEFT, y=LOWER_LIP, soft=0.004),
    ),
    "mouthUpperUpLeft": (_face("mouthUpperUpLeft"), _left("mouth-elevation", 0.5)),
    "browDownLeft": (_face("browDownLeft"), _left("eyebrows-left-down", 0.4)),
    "browInnerUp": (
        _face("browInnerUp", 1.2),
        Term("unit:eyebrows-left-inner-up", 0.8),
        Term("unit:eyebrows-right-inner-up", 0.8),
    ),
    "browOuterUpLeft": (_face("browOuterUpLeft"), _left("eyebrows-left-extern-up", 0.6)),
    "cheekSquintLeft": (
        _face("cheekSquintLeft"),
        Term("face:mouthSmileLeft", 0.5, y=(-1.0, 0.050)),
    ),
    "noseSneerLeft": (
        _face("noseSneerLeft", 1.2),
        _left("nose-left-elevation", 0.9),
        Term("unit:mouth-elevation", 0.55, x=(0.0, 0.03)),
        Term("face:browDownLeft", 0.25),
    ),
    # The lips part without the jaw: what the skin shows must not be a small jawOpen.
    "tongueOut": (
        _face("tongueOut", 1.7),
        Term("unit:mouth-parling", 1.0),
        _face("mouthLowerDownLeft", 0.6),
        _face("mouthLowerDownRight", 0.6),
        _face("mouthFunnel", 0.3),
    ),
}
