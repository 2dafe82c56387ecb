"""From the fit to an avatar: expression coefficients and gaze -> 52 blendshapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import ConfigError
from engine.types import BLENDSHAPE_NAMES, Array, Blendshapes

# The eye's usual range, by the ARKit shape's direction.
LOOK_LIMITS_RAD: tuple[tuple[str, float], ...] = (
    ("Up", float(np.deg2rad(25.0))),
    ("Down", float(np.deg2rad(35.0))),
    ("In", float(np.deg2rad(40.0))),
    ("Out", float(np.deg2rad(40.0))),
)


# The open head's lids meet at about 0.65 of its eyeBlink, which closes them on every identity.
GAINS: tuple[tuple[str, float], ...] = (("eyeBlinkLeft", 1.6), ("eyeBlinkRight", 1.6))


@dataclass(frozen=True)
class RetargetSettings:
    """How strongly an avatar moves."""

    gains: tuple[tuple[str, float], ...] = GAINS  # shape and factor; those not named have 1
    # Probability that the tongue is out, at which tongueOut begins to show and shows fully: points
    # alone take a lower lip for a tongue. None: no gate. It needs a network that tells tongues:
    # `flowface bench fit` shows the error with and without the gate.
    tongue_gate: tuple[float, float] | None = None
    look_limits_rad: tuple[tuple[str, float], ...] = LOOK_LIMITS_RAD  # gaze at eyeLook = 1

    def __post_init__(self) -> None:
        for name, gain in self.gains:
            if name not in BLENDSHAPE_NAMES:
                raise ConfigError(
                    f"retarget.gains: unknown shape {name}; allowed: {', '.join(BLENDSHAPE_NAMES)}"
                )
            if not 0.0 <= gain <= 10.0:
                raise ConfigError(f"retarget.gains: {name} has {gain}; allowed are 0 to 10")
        begins, full = self.tongue_gate or (0.0, 1.0)
        if not 0.0 <= begins < full <= 1.0:
            raise ConfigError(
                f"retarget.tongue_gate: {self.tongue_gate}; needs two rising values from 0 to 1"
            )
        ways = [way for way, _ in LOOK_LIMITS_RAD]
        if sorted(way for way, _ in self.look_limits_rad) != sorted(ways):
            raise ConfigError(f"retarget.look_limits_rad: needs each of {', '.join(ways)} once")
        for way, limit in self.look_limits_rad:
            if limit <= 0:
                raise ConfigError(f"retarget.look_limits_rad: {way} is {limit}; must be above 0")


def retarget(
    expression: Array,
    names: tuple[str, ...],
    gaze: Array,
    settings: RetargetSettings | None = None,
    tongue: float | None = None,
) -> Blendshapes:
    """Turn a fit into blendshapes.

    expression  (E,) coefficients, named by `names`; shapes the head lacks stay 0
    gaze        (2, 2) rad; rows left, right eye; columns yaw (+ subject's left), pitch (+ down)

    tongue      probability that the tongue is out, None if nobody says

    The eyeLook shapes come from gaze: the coefficients of that name only follow the lids.
    """
    settings = settings or RetargetSettings()
    by_name = dict(zip(names, expression.tolist(), strict=True))
    by_name.update(_look(gaze, dict(settings.look_limits_rad)))
    weights = np.array([by_name.get(name, 0.0) for name in BLENDSHAPE_NAMES])
    if tongue is not None and settings.tongue_gate is not None:
        begins, full = settings.tongue_gate
        share = np.clip((tongue - begins) / (full - begins), 0.0, 1.0)
        weights[BLENDSHAPE_NAMES.index("tongueOut")] *= share
    for name, gain in settings.gains:
        weights[BLENDSHAPE_NAMES.index(name)] *= gain
    return Blendshapes(np.clip(weights, 0.0, 1.0))


def _look(gaze: Array, limits_rad: dict[str, float]) -> dict[str, float]:
    look: dict[str, float] = {}
    for side, (yaw, pitch), outward in zip(("Left", "Right"), gaze, (1.0, -1.0), strict=True):
        look[f"eyeLookOut{side}"] = outward * float(yaw) / limits_rad["Out"]
        look[f"eyeLookIn{side}"] = -outward * float(yaw) / limits_rad["In"]
        look[f"eyeLookUp{side}"] = -float(pitch) / limits_rad["Up"]
        look[f"eyeLookDown{side}"] = float(pitch) / limits_rad["Down"]
    return look
