"""Finding a face in a whole image, for when there is no track to continue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.fit.fitted import Fitted, outline, roll_of
from engine.fit.heads import HeadModel
from engine.fit.settings import TrackerSettings
from engine.network.crop import crop_from_box, crop_from_points
from engine.types import Array, Crop

Look = Callable[[Crop, float], Fitted | None]  # at a crop with a leniency; None: not believed


class Detected(Protocol):
    """A face that the detector proposes."""

    @property
    def box_px(self) -> Array:
        """Left, top, right, bottom (4,)."""
        ...

    @property
    def roll_rad(self) -> float | None:
        """Rotation in the image, clockwise as seen; None if unknown."""
        ...


class FaceDetector(Protocol):
    """Looks for faces in a whole image."""

    def detect(self, image: NDArray[np.uint8], /) -> Sequence[Detected]:
        """Return faces in an (H, W, 3) RGB image, the one to track first."""
        ...


def find(
    faces: Sequence[Detected],
    head: HeadModel,
    side_px: int,
    settings: TrackerSettings,
    look: Look,
) -> Fitted | None:
    """Return the first detected face that holds in a crop of its own fit as well.

    side_px  side of the crop that the network reads
    """
    for face in faces[: settings.candidates]:
        rough = look(
            crop_from_box(face.box_px, side_px, face.roll_rad or 0.0), settings.first_look_leniency
        )
        if rough is None:
            continue
        roll = roll_of(rough.state.camera_from_head)
        fitted = look(crop_from_points(outline(head, rough.points_px), side_px, roll), 1.0)
        if fitted is not None:
            return fitted
    return None
