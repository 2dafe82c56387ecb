"""Random expressions and gaze: what faces do, with lids and mouths that portraits lack."""

from __future__ import annotations

import numpy as np

from engine.fit.closure import BLINKS, MOUTH_CLOSE, Closure
from engine.types import BLENDSHAPE_NAMES, Array

# Weights at full strength; a name without a side means both.
WHOLE_FACE: dict[str, dict[str, float]] = {
    "smile": {"mouthSmile": 0.7, "cheekSquint": 0.5, "eyeSquint": 0.4},
    "grin": {"mouthSmile": 0.9, "mouthUpperUp": 0.5, "mouthLowerDown": 0.4, "cheekSquint": 0.8,
             "eyeSquint": 0.6, "jawOpen": 0.12},
    "laugh": {"mouthSmile": 0.9, "jawOpen": 0.55, "mouthUpperUp": 0.5, "mouthLowerDown": 0.4,
              "cheekSquint": 0.9, "eyeSquint": 0.8, "eyeBlink": 0.3},
    "surprise": {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 0.9, "jawOpen": 0.6},
    "fear": {"browInnerUp": 0.9, "browDown": 0.3, "eyeWide": 0.9, "mouthStretch": 0.8,
             "jawOpen": 0.25},
    "anger": {"browDown": 1.0, "eyeSquint": 0.5, "noseSneer": 0.5, "mouthPress": 0.6,
              "mouthFrown": 0.4},
    "shout": {"browDown": 0.9, "jawOpen": 0.9, "noseSneer": 0.8, "mouthUpperUp": 0.8,
              "mouthLowerDown": 0.8, "eyeSquint": 0.5},
    "disgust": {"noseSneer": 1.0, "mouthUpperUp": 0.6, "browDown": 0.6, "eyeSquint": 0.6,
                "mouthFrown": 0.4, "cheekSquint": 0.5},
    "sad": {"browInnerUp": 0.9, "mouthFrown": 0.8, "mouthShrugLower": 0.6, "eyeSquint": 0.2},
    "doubt": {"browOuterUpLeft": 0.9, "browDownRight": 0.8, "mouthLeft": 0.4, "mouthPress": 0.3},
    "puff": {"cheekPuff": 1.0, "mouthPress": 0.4, "mouthPucker": 0.2},
    "kiss": {"mouthPucker": 1.0, "mouthFunnel": 0.2, "eyeBlink": 0.3},
    "oh": {"mouthFunnel": 0.8, "jawOpen": 0.35, "mouthPucker": 0.3},
    "aah": {"jawOpen": 0.7, "mouthLowerDown": 0.2},
    "ee": {"mouthStretch": 0.6, "mouthSmile": 0.3, "jawOpen": 0.12, "mouthLowerDown": 0.4,
           "mouthUpperUp": 0.2},
    "em": {"mouthRollLower": 0.7, "mouthRollUpper": 0.6, "mouthPress": 0.4},
    "eff": {"mouthRollLower": 0.8, "mouthUpperUp": 0.5, "jawOpen": 0.08},
    "talk": {"jawOpen": 0.22, "mouthFunnel": 0.25, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    "yawn": {"jawOpen": 1.0, "eyeBlink": 0.9, "browInnerUp": 0.4, "noseSneer": 0.3},
    "tongue": {"tongueOut": 1.0, "jawOpen": 0.4, "mouthLowerDown": 0.2},
    "wince": {"eyeBlink": 0.8, "eyeSquint": 1.0, "cheekSquint": 0.9, "browDown": 0.8,
              "mouthStretch": 0.4, "noseSneer": 0.5},
    "shrug": {"mouthShrugLower": 0.9, "mouthShrugUpper": 0.7, "browInnerUp": 0.5,
              "mouthFrown": 0.4},
}  # fmt: skip

MOUTHS: tuple[dict[str, float], ...] = (
    {"jawOpen": 1.0},
    {"jawOpen": 0.6},
    {"jawOpen": 0.35, "mouthSmile": 0.4},
    {"mouthPucker": 1.0},
    {"mouthFunnel": 1.0, "jawOpen": 0.3},
    {"mouthRollLower": 1.0, "mouthRollUpper": 0.8},
    {"mouthPress": 1.0},
    {"tongueOut": 1.0, "jawOpen": 0.35},
    {"tongueOut": 0.7, "jawOpen": 0.6},
    {"cheekPuff": 1.0},
    {"noseSneerLeft": 1.0, "mouthUpperUpLeft": 0.6},
    {"noseSneerRight": 1.0, "mouthUpperUpRight": 0.6},
    {"mouthClose": 0.7, "jawOpen": 0.7},
    {"jawLeft": 1.0},
    {"jawRight": 1.0},
    {"mouthLeft": 1.0},
    {"mouthRight": 1.0},
    {"mouthSmileLeft": 0.9, "mouthDimpleLeft": 0.4},
    {"mouthSmileRight": 0.9, "mouthDimpleRight": 0.4},
    {"mouthUpperUp": 0.9, "mouthLowerDown": 0.9},
)
LIPS_INWARD = ("mouthRollLower", "mouthRollUpper", "mouthPressLeft", "mouthPressRight")
# Full deflection of eyeLook shapes, rad
LOOK_UP_RAD, LOOK_DOWN_RAD, LOOK_SIDE_RAD = 0.44, 0.61, 0.70


def weights(named: dict[str, float]) -> Array:
    """Return (52,) in BLENDSHAPE_NAMES order; a name without a side sets both sides."""
    result = np.zeros(len(BLENDSHAPE_NAMES))
    for name, value in named.items():
        sides = (name,) if name in BLENDSHAPE_NAMES else (f"{name}Left", f"{name}Right")
        for side in sides:
            result[BLENDSHAPE_NAMES.index(side)] = value
    return result


def look_weights(gaze: Array) -> dict[str, float]:
    """Return the eyeLook* shapes (lids follow the eyes) of gaze (2, 2), rows left, right."""
    result: dict[str, float] = {}
    for side, outward, (yaw, pitch) in zip(("Left", "Right"), (1.0, -1.0), gaze, strict=True):
        result[f"eyeLookUp{side}"] = float(np.clip(-pitch / LOOK_UP_RAD, 0, 1))
        result[f"eyeLookDown{side}"] = float(np.clip(pitch / LOOK_DOWN_RAD, 0, 1))
        result[f"eyeLookOut{side}"] = float(np.clip(outward * yaw / LOOK_SIDE_RAD, 0, 1))
        result[f"eyeLookIn{side}"] = float(np.clip(-outward * yaw / LOOK_SIDE_RAD, 0, 1))
    return result


def random_gaze(rng: np.random.Generator, *, wide: bool = False) -> Array:
    """Return gaze (2, 2) rad: a common direction, some vergence, a little squint.

    wide  a third of them anywhere that eyes can turn: what is rare a network takes for nothing
    """
    yaw = np.clip(rng.normal(0.0, 0.24), -0.6, 0.6)
    pitch = np.clip(rng.normal(0.02, 0.14), -0.4, 0.5)
    vergence = abs(rng.normal(0.02, 0.03))
    if wide and rng.random() < 1 / 3:
        yaw, pitch = rng.uniform([-0.75, -0.45], [0.75, 0.5])
    both = np.array([[yaw - vergence, pitch], [yaw + vergence, pitch]])
    return both + rng.normal(0.0, 0.012, (2, 2))


def random_expression(rng: np.random.Generator, gaze: Array) -> Array:
    """Return coefficients (52,) in [0, 1]: a whole-face state, then lids, mouth and brows apart."""
    kind = rng.random()
    if kind < 0.15:
        result = rng.uniform(0.0, 0.12, 52) * (rng.random(52) < 0.4)
    elif kind < 0.42:
        result = np.zeros(52)
        chosen = rng.choice(52, rng.integers(1, 6), replace=False)
        result[chosen] = rng.uniform(0.3, 1.0, len(chosen))
    else:
        whole = list(WHOLE_FACE.values())
        result = weights(whole[rng.integers(len(whole))]) * rng.uniform(0.35, 1.1)
        result *= rng.uniform(0.8, 1.2, 52)
    if rng.random() < 0.3:
        mouth = MOUTHS[rng.integers(len(MOUTHS))]
        result = np.maximum(result, weights(mouth) * rng.uniform(0.4, 1.0))
    if rng.random() < 0.25:
        result = np.maximum(result, _random_brows(rng))
    if rng.random() < 0.55:
        result = _with_lids(rng, result)
    return plausible(result, gaze)


def _random_brows(rng: np.random.Generator) -> Array:
    names = ("browDown", "browOuterUp", "browDownLeft", "browDownRight", "browOuterUpLeft",
             "browOuterUpRight", "browInnerUp")  # fmt: skip
    return weights({names[rng.integers(len(names))]: rng.uniform(0.4, 1.0)})


def _with_lids(rng: np.random.Generator, expression: Array) -> Array:
    """Shut, half close, wink, squint or widen; a blink of 1 is one that just shuts the eye."""
    kind = rng.choice(5, p=(0.24, 0.24, 0.16, 0.2, 0.16))
    amount = rng.uniform(0.15, 1.0)
    if kind == 0:
        lids = weights({"eyeBlink": 1.0, "eyeSquint": rng.uniform(0, 1) * (rng.random() < 0.3)})
    elif kind == 1:
        lids = weights({"eyeBlink": amount}) * rng.uniform(0.92, 1.0, 52)
    elif kind == 2:
        side, other = ("Left", "Right") if rng.random() < 0.5 else ("Right", "Left")
        shut = 1.0 if rng.random() < 0.7 else rng.uniform(0.6, 1.0)
        lids = weights({f"eyeBlink{side}": shut, f"eyeSquint{side}": rng.uniform(0, 1),
                        f"eyeBlink{other}": rng.uniform(0, 0.25),
                        f"cheekSquint{side}": rng.uniform(0, 0.7)})  # fmt: skip
        expression = expression.copy()
        expression[BLENDSHAPE_NAMES.index(f"eyeBlink{other}")] = 0.0
    elif kind == 3:
        lids = weights({"eyeSquint": max(amount, 0.4), "eyeBlink": rng.uniform(0, 0.5),
                        "cheekSquint": rng.uniform(0, 0.6)})  # fmt: skip
    else:
        lids = weights({"eyeWide": amount})
    return np.maximum(expression, lids)


def plausible(expression: Array, gaze: Array) -> Array:
    """Return the expression with eyeLook* from the gaze and without what no face can do."""
    result = np.clip(expression, 0.0, 1.0)
    index = BLENDSHAPE_NAMES.index
    for name, value in look_weights(gaze).items():
        result[index(name)] = value
    for side in ("Left", "Right"):
        blink = result[index(f"eyeBlink{side}")]
        result[index(f"eyeWide{side}")] *= 1.0 - min(2.0 * blink, 1.0)
        for look in ("eyeLookUp", "eyeLookDown"):  # lids that are shut follow the eyes no more
            result[index(f"{look}{side}")] *= 1.0 - blink
    jaw = index("jawOpen")
    result[jaw] = max(result[jaw], 0.3 * result[index("tongueOut")])
    result[index("mouthClose")] = min(result[index("mouthClose")], result[jaw])
    if result[jaw] > 0.3:
        for name in ("mouthRollLower", "mouthRollUpper", "cheekPuff"):
            result[index(name)] *= 0.4
        for side in ("Left", "Right"):
            result[index(f"mouthPress{side}")] *= 0.3
    return result


def fitted(
    rng: np.random.Generator, expression: Array, identity: Array, closure: Closure, sealed: float
) -> Array:
    """Return the expression (52,) for one face: blinks of 1 just shut its eyes, its lips rest.

    identity (K,); sealed is the share of faces whose lips touch unless something parts them
    """
    result = expression.copy()
    result[BLINKS] *= closure.blinks(identity, expression)
    inward = max(result[BLENDSHAPE_NAMES.index(name)] for name in LIPS_INWARD)
    seal = closure.seal(identity) * (1.0 if rng.random() < sealed else rng.uniform(0.0, 1.0))
    result[MOUTH_CLOSE] = min(result[MOUTH_CLOSE] + seal * (1.0 - inward), 1.0)
    return result
