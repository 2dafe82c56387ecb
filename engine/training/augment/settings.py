"""How often and how far training pictures are changed."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class AugmentSettings:
    """How far every change may go. Probabilities in [0, 1], standard deviations else.

    About 55 % of the scenes are left alone and `clean` of the sensors hardly change anything, so
    that three pictures in ten are nearly clean.
    """

    roll_sd_rad: float = 0.17  # the tracker's window follows the roll: what is left is small
    scale_sd: float = 0.09  # of the logarithm of the window's size
    shift_sd: float = 0.04  # of the window's centre, in window widths
    wild_share: float = 0.2  # of windows as rough as a detector's: thrice the spread
    pushed_off: float = 0.06  # windows that miss up to 30 % of the face; none if shift_sd is 0
    mirror: float = 0.5

    # Scene: what stands between the camera and the face.
    occluder: float = 0.12  # an ellipse of any colour, or a piece of a picture
    hand: float = 0.08
    thing: float = 0.05  # a telephone, a mug, a sheet of paper
    picture_edge: float = 0.04  # the camera's picture ends within the face
    mask: float = 0.04  # over nose and mouth; needs landmarks, as all below
    strands: float = 0.07  # hair over brows and eyes
    glasses: float = 0.06
    glare: float = 0.06  # spots and window reflections near the eyes
    low_resolution: float = 0.15

    # Sensor: light, optics, noise, compression. `clean` first; the rest of what is not clean.
    clean: float = 0.5
    side_light: float = 0.35
    colour_cast: float = 0.3
    grey: float = 0.08
    flicker: float = 0.15  # bands of lamps on the mains across a rolling shutter
    low_light: float = 0.25
    blur: float = 0.5
    noise: float = 0.6
    jpeg: float = 0.5
    video: float = 0.25  # H.264-like; else JPEG with its probability

    @classmethod
    def none(cls) -> AugmentSettings:
        """Return settings that change nothing: windows as a perfect tracker would place them."""
        return cls(**{field.name: 0.0 for field in fields(cls)} | {"clean": 1.0})
