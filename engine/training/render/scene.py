"""All that determines one synthetic picture, before the camera's own faults."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.training.render.light import Environment, Lamp
from engine.training.render.shape import Performance
from engine.types import Array

IRIS_RADIUS_RAD = 0.46  # half the angle that the iris spans at the eyeball's centre


@dataclass(frozen=True, eq=False)
class Look:
    """A person's surface. Names are file stems in the MakeHuman folders; None leaves a part out.

    Colours are linear RGB factors or values; strengths lie in [0, 1].
    """

    skin: str | None = None
    skin_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    skin_contrast: float = 1.0
    skin_saturation: float = 1.0
    freckles: float = 0.0
    oiliness: float = 0.3
    lips: tuple[float, float, float, float] = (0.6, 0.1, 0.1, 0.0)  # colour, strength
    eye_shadow: tuple[float, float, float, float] = (0.1, 0.05, 0.1, 0.0)
    blush: float = 0.0
    beard: tuple[float, float, float, float] = (0.03, 0.02, 0.02, 0.0)
    iris: str | None = None
    iris_radius_rad: float = IRIS_RADIUS_RAD
    eye_gain: tuple[float, float, float] = (0.8, 0.8, 0.8)
    hair: str | None = None
    hair_colour: tuple[float, float, float] = (0.05, 0.03, 0.02)
    hair_recolour: float = 0.0  # 0 keeps the texture's own colour
    brows: str | None = None
    lashes: str | None = None
    teeth: str | None = None
    teeth_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    clothes: tuple[float, float, float] = (0.1, 0.1, 0.15)
    collar: float = 0.3  # 0 polo neck, 1 deep neckline
    seed: float = 0.0  # of the skin's and the cloth's fine noise


@dataclass(frozen=True, eq=False)
class Prop:
    """A loose object in head space: occluders, glasses, strands. N vertices, F triangles.

    vertices (N, 3) metres; colours (N, 4) linear RGB and opacity; triangles (F, 3)
    gloss   0 matt .. 1 mirror; kind: "thing", "glasses", "hand", "mask", "fringe"
    screen  of a lens, which mirrors its surroundings: where a bright rectangle is mirrored (x, y,
            half width, half height as directions from the face towards the camera), its colour
    """

    vertices: Array
    triangles: NDArray[np.int32]
    colours: Array
    gloss: float = 0.2
    kind: str = "thing"
    screen: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture. Everything is in camera space except the head, which camera_from_head moves.

    background  (H, W, 3) float32 linear RGB (exposed like the rest), or uint8 sRGB shown as it is
    exposure    factor on linear light before the tone curve
    """

    performance: Performance
    camera_from_head: Array
    intrinsics: Array
    environment: Environment
    look: Look = field(default_factory=Look)
    lamps: tuple[Lamp, ...] = ()
    background: Array | NDArray[np.uint8] | None = None
    props: tuple[Prop, ...] = ()
    exposure: float = 1.0
    sky_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)  # on the environment, by channel


@dataclass(frozen=True, eq=False)
class Rendered:
    """A picture and its labels. V head vertices.

    image      (S, S, 3) uint8 sRGB
    points_px  (V, 2) exact projection, pixel centres at +0.5
    visible    (V,) seen by the camera: not turned away, not hidden by head, hair or props
    depth      (V,) metres along the optical axis
    alpha      (S, S) float32 share of the pixel that is not background
    """

    image: NDArray[np.uint8]
    points_px: Array
    visible: NDArray[np.bool_]
    depth: Array
    alpha: Array
