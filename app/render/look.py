"""How the overlay is to look: what the user chooses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Mode(Enum):
    """What is drawn over the camera image; the value is its name on screen."""

    OFF = "Off"
    WIRE = "Wire"
    SHADED = "Shaded"
    UNCERTAINTY = "Uncertainty"
    POINTS = "Points"  # where the network sees the surface, with rings of its uncertainty
    RESIDUALS = "Residuals"  # from the fitted head to where the network sees it
    REGIONS = "Regions"


@dataclass(frozen=True, slots=True)
class Look:
    """The display options. None of them changes what is tracked or sent."""

    mode: Mode = Mode.UNCERTAINTY
    opacity: float = 0.6  # of the overlay, 0 to 1
    mirror: bool = False  # show the picture as a mirror would
    whole_head: bool = False  # scalp, ears and neck too, with hard rims
    legend: bool = True  # what colours, rings and lines mean
