"""What is known of one person, as it outlives a session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from engine.fit.rest import LearntRest
from engine.types import BLENDSHAPE_NAMES, Array, Camera

_SHAPES = len(BLENDSHAPE_NAMES)
_SUREST_LOG_FOCAL = 0.01  # keyframes of one session err alike


@dataclass(frozen=True, eq=False)
class PersonCalibration:
    """How this person's face reads at rest, and how far it goes: from a guided calibration.

    See engine.fit.retarget for where it is applied.
    """

    offset: Array = field(default_factory=lambda: np.zeros(_SHAPES))  # (52,) reading at rest
    gain: Array = field(default_factory=lambda: np.ones(_SHAPES))  # (52,) after the offset


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What keyframes and network have said of a person's shape. S shape coefficients.

    The keyframes' energy is x'Ax/2 - b'x in the shape coefficients x, the camera marginalised.
    """

    shape: Array  # (S,) the person in force
    information: Array  # (S, S) A
    pull: Array  # (S,) b
    worth: float  # keyframes in it
    belief_frames: int  # that the network's own reading of the identity is from
    belief_information: Array  # (K,) sum of 1 / variance
    belief_weighted: Array  # (K,) sum of reading / variance
    rotations: Array  # (n, 3, 3) of the keyframes' heads
    expressions: Array  # (n, E)
    log_focal: float = 0.0  # of the camera of this session, relative to the assumed one
    log_focal_sigma: float = 0.15


@dataclass(frozen=True)
class FocalLength:
    """What has been learnt of one camera while this person was in front of it."""

    focal_px: float
    log_sigma: float  # standard deviation of its logarithm


@dataclass(frozen=True, eq=False)
class StoredPerson:
    """A person under a name."""

    name: str
    head: str  # head model that the coefficients belong to
    head_sha256: str
    knowledge: Knowledge | None = None  # None: nobody has been seen under this name yet
    focal: dict[str, FocalLength] = field(default_factory=dict[str, FocalLength])  # by camera
    calibration: PersonCalibration | None = None
    rest: LearntRest | None = None  # where there is no calibration

    def focal_of(self, camera: Camera) -> tuple[float, float] | None:
        """Return mean and sigma of a camera's log focal length relative to the assumed one."""
        known = self.focal.get(camera_key(camera))
        if known is None:
            return None
        return float(np.log(known.focal_px / camera.intrinsics[0, 0])), known.log_sigma

    def after(
        self, knowledge: Knowledge, camera: Camera, rest: LearntRest | None = None
    ) -> StoredPerson:
        """Return the person as known at the end of a session in front of a camera.

        rest  what was learnt of theirs; None: what was known stays
        """
        focal = dict(self.focal)
        if camera.name and not camera.calibrated:
            focal[camera_key(camera)] = FocalLength(
                float(camera.intrinsics[0, 0] * np.exp(knowledge.log_focal)),
                max(knowledge.log_focal_sigma, _SUREST_LOG_FOCAL),
            )
        return replace(self, knowledge=knowledge, focal=focal, rest=rest or self.rest)


def camera_key(camera: Camera) -> str:
    """Return under which a camera's focal length is kept: another image size is another camera."""
    return f"{camera.name} {camera.size_px[0]}x{camera.size_px[1]}"
