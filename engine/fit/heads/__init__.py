"""Head models, one module each; their protocol and the joints that they have in common.

Every model has FLAME's form (Li et al. 2017): neutral + identity basis + expression basis, then
linear blend skinning over the joints neck, jaw, left eye, right eye. The tree is rooted at the
skull, which camera_from_head moves; the neck joint bends the neck under it. That is FLAME's family
of shapes with another root, so that pose and neck do not fight when only the face is seen.

A module here offers `load(path: Path | None = None) -> HeadModel`.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.types import Array

JOINT_NAMES = ("neck", "jaw", "left_eye", "right_eye")


class HeadModel(Protocol):
    """A parametric head. V vertices, K identity and E expression coefficients, F triangles."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def neutral(self) -> Array:
        """(V, 3) metres, head space."""
        ...

    @property
    def identity_basis(self) -> Array:
        """(K, V, 3) metres per unit coefficient."""
        ...

    @property
    def expression_basis(self) -> Array:
        """(E, V, 3) metres per unit coefficient."""
        ...

    @property
    def expression_names(self) -> tuple[str, ...]:
        """Name of every expression coefficient."""
        ...

    @property
    def joint_neutral(self) -> Array:
        """(4, 3) metres."""
        ...

    @property
    def joint_identity(self) -> Array:
        """(K, 4, 3)."""
        ...

    @property
    def skin_weights(self) -> Array:
        """(V, 5) skull, then JOINT_NAMES; rows sum to 1."""
        ...

    @property
    def jaw_open_rad(self) -> float:
        """Rotation of the jaw joint about x at jawOpen = 1."""
        ...

    @property
    def triangles(self) -> NDArray[np.int32]:
        """(F, 3)."""
        ...

    @property
    def uv(self) -> Array:
        """(V, 2) in [0, 1]."""
        ...

    @property
    def region(self) -> NDArray[np.uint8]:
        """(V,) index into region_names."""
        ...

    @property
    def region_names(self) -> tuple[str, ...]:
        """Name of every region."""
        ...

    @property
    def landmark_triangles(self) -> NDArray[np.int32]:
        """(478, 3) vertices."""
        ...

    @property
    def landmark_weights(self) -> Array:
        """(478, 3) barycentric."""
        ...


def gaze_rotation(yaw_rad: float, pitch_rad: float) -> Array:
    """Return the rotation (3, 3) of an eye from looking straight ahead (-z).

    yaw_rad    positive towards the subject's left (+x)
    pitch_rad  positive downwards (+y)

    The direction looked at is Ry(-yaw) Rx(pitch) (0, 0, -1).
    """
    cy, sy = math.cos(yaw_rad), math.sin(yaw_rad)
    cp, sp = math.cos(pitch_rad), math.sin(pitch_rad)
    return np.array([[cy, -sy * sp, -sy * cp], [0.0, cp, -sp], [sy, cy * sp, cy * cp]])


def landmarks(model: HeadModel, points: Array) -> Array:
    """Read the 478 MediaPipe landmarks off per-vertex values.

    points   (V, C) values at the vertices, for example projected pixels
    returns  (478, C)
    """
    weights = model.landmark_weights[:, None]
    return np.matmul(weights, points[model.landmark_triangles])[:, 0]
