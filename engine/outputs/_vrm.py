"""The presets of VRM 0, computed from the 52 shapes, for models that have no Perfect Sync.

The names are the specification's; the mixtures are ours. A vowel is what its mouth looks like: A is
open, I wide and nearly shut, U pursed, E wide and half open, O round and open. The five share
at most a whole mouth, and so do the four moods, since a model adds them up.

Source: VRM 0.x, BlendShapePreset; virtualmotioncapture.github.io, presets of Blend/Val.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.types import BLENDSHAPE_NAMES, Blendshapes

PRESET_NAMES = (
    "A", "I", "U", "E", "O", "Joy", "Angry", "Sorrow", "Fun", "Blink", "Blink_L", "Blink_R",
    "LookUp", "LookDown", "LookLeft", "LookRight", "Neutral",
)  # fmt: skip
_Mean = Callable[..., float]
WIDE_OPEN = 0.6  # jawOpen of a spoken A
_INDEX = {name: index for index, name in enumerate(BLENDSHAPE_NAMES)}


def vrm_presets(blendshapes: Blendshapes) -> list[float]:
    """Return the weight in [0, 1] of every preset, in the order of PRESET_NAMES."""
    weights: list[float] = blendshapes.weights.tolist()

    def mean(*names: str) -> float:
        """Average shapes; a name that ends in * stands for its left and right."""
        pairs = [n[:-1] + s for n in names if n[-1] == "*" for s in ("Left", "Right")]
        whole = [n for n in names if n[-1] != "*"] + pairs
        return sum(weights[_INDEX[name]] for name in whole) / len(whole)

    smile, frown = mean("mouthSmile*"), mean("mouthFrown*")
    moods = _at_most_one(
        [
            smile * (0.5 + 0.5 * mean("cheekSquint*")),
            mean("browDown*") * (1.0 - smile),
            max(frown, mean("browInnerUp") * (1.0 - smile) * frown),
            smile * (0.5 - 0.5 * mean("cheekSquint*")),
        ]
    )
    left, right = mean("eyeBlinkLeft"), mean("eyeBlinkRight")
    # One blink of both lids, and what each lid has beyond it: a model adds the three up.
    both = min(left, right)
    looks = [
        mean("eyeLookUp*"),
        mean("eyeLookDown*"),
        mean("eyeLookOutLeft", "eyeLookInRight"),
        mean("eyeLookInLeft", "eyeLookOutRight"),
    ]
    neutral = max(0.0, 1.0 - sum(moods))
    return [*_vowels(mean), *moods, both, left - both, right - both, *looks, neutral]


def _vowels(mean: _Mean) -> list[float]:
    is_open = min(1.0, max(0.0, mean("jawOpen") - mean("mouthClose")) / WIDE_OPEN)
    wide = max(mean("mouthStretch*"), mean("mouthSmile*"), mean("mouthDimple*"))
    pursed, funnel = mean("mouthPucker"), mean("mouthFunnel")
    is_round = max(pursed, funnel)
    return _at_most_one(
        [
            is_open * (1.0 - is_round) * (1.0 - 0.5 * wide),
            0.5 * wide * (1.0 - is_open) * (1.0 - is_round),
            max(pursed, 0.5 * funnel) * (1.0 - is_open),
            0.5 * wide * is_open * (1.0 - is_round),
            is_round * is_open,
        ]
    )


def _at_most_one(values: list[float]) -> list[float]:
    total = max(1.0, sum(values))
    return [value / total for value in values]
