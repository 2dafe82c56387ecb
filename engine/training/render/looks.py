"""Random people: skin, make-up, beard, eyes, hair, garment."""

from __future__ import annotations

import numpy as np

from engine.training.render.scene import IRIS_RADIUS_RAD, Look
from engine.training.render.wardrobe import Wardrobe

HAIR_COLOURS = np.array(
    [[0.010, 0.008, 0.007], [0.025, 0.015, 0.010], [0.070, 0.038, 0.020], [0.130, 0.050, 0.022],
     [0.340, 0.220, 0.110], [0.550, 0.420, 0.250], [0.260, 0.255, 0.250], [0.650, 0.640, 0.620]]
)  # fmt: skip
HAIR_SHARES = (0.26, 0.24, 0.2, 0.07, 0.09, 0.05, 0.05, 0.04)
EYE_COVERING = {
    "bob01": 0.25,
    "bob02": 0.4,
    "short03": 0.5,
    "afro01": 0.5,
}  # styles that hide an eye: rarer
BALD = 0.12


def random_look(
    rng: np.random.Generator, wardrobe: Wardrobe, skins: tuple[str, ...] | None = None
) -> Look:
    """Draw a person from what the wardrobe holds; plain surfaces if it is empty.

    skins  restricts the choice of skin textures, by file stem
    """
    skin = _choice(rng, wardrobe.names("skin") if skins is None else skins)
    female = skin is not None and "female" in skin
    dark = skin is not None and ("dark" in skin or "african" in skin)
    colour = HAIR_COLOURS[rng.choice(len(HAIR_COLOURS), p=HAIR_SHARES)]
    colour = colour * np.exp(rng.normal(0.0, 0.15, 3))
    if rng.random() < 0.03:
        colour = rng.uniform(0.0, 0.5, 3)
    painted = rng.random() < (0.4 if female else 0.03)
    bearded = rng.random() < (0.0 if female else 0.45)
    return Look(
        skin=skin,
        skin_gain=_triple(np.exp(rng.normal(-0.05, 0.13) + rng.normal(0.0, 0.035, 3))),
        skin_saturation=rng.uniform(0.55, 0.85) if dark else rng.uniform(0.75, 1.1),
        skin_contrast=rng.uniform(0.8, 1.35),
        freckles=rng.uniform(0.2, 0.9) if rng.random() < 0.12 else 0.0,
        oiliness=rng.beta(1.3, 2.5),
        lips=(*rng.uniform([0.25, 0.02, 0.02], [0.6, 0.15, 0.2]),
              rng.uniform(0.2, 0.85) if painted else 0.0),
        eye_shadow=(*rng.uniform(0.01, 0.2, 3), rng.uniform(0.1, 0.6) if painted else 0.0),
        blush=rng.uniform(0.0, 1.0) if rng.random() < 0.4 else 0.0,
        beard=(*(0.7 * colour), rng.beta(1.0, 1.6) if bearded else 0.0),
        iris=_choice(rng, wardrobe.names("iris")),
        eye_gain=_triple(rng.uniform(0.45, 0.9) * rng.uniform([1, 0.93, 0.9], [1, 1, 1])),
        iris_radius_rad=IRIS_RADIUS_RAD * rng.uniform(0.97, 1.03),
        hair=_random_hair(rng, wardrobe),
        hair_colour=_triple(colour),
        hair_recolour=rng.uniform(0.6, 1.0),
        brows=_choice(rng, wardrobe.names("brows")) if rng.random() < 0.97 else None,
        lashes=_choice(rng, wardrobe.names("lashes")) if rng.random() < 0.85 else None,
        teeth=_choice(rng, wardrobe.names("teeth")),
        teeth_gain=_triple(rng.uniform(0.75, 1.15) * rng.uniform([1, 0.92, 0.75], [1, 1, 1])),
        clothes=_triple(rng.uniform(0.01, 0.9) ** 1.5 * rng.uniform(0.3, 1.0, 3)),
        collar=rng.uniform(0.0, 1.0),
        seed=rng.uniform(0.0, 10.0),
    )  # fmt: skip


def _random_hair(rng: np.random.Generator, wardrobe: Wardrobe) -> str | None:
    names = wardrobe.names("hair")
    if not names or rng.random() < BALD:
        return None
    share = np.array([EYE_COVERING.get(name, 1.0) for name in names])
    return str(rng.choice(names, p=share / share.sum()))


def _choice(rng: np.random.Generator, names: tuple[str, ...]) -> str | None:
    return names[rng.integers(len(names))] if names else None


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (float(v) for v in values)
    return red, green, blue
