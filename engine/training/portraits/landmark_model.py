"""The head model seen at the 478 landmarks only, with its Jacobian, many faces at a time.

A landmark is a barycentric sum of posed vertices and the skinning is linear in the vertices, so the
vertices can be summed per joint before posing: the model shrinks from V vertices to 478 points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import JOINT_NAMES, HeadModel
from engine.types import BLENDSHAPE_NAMES, Array

LANDMARK_COUNT, IRIS_START = 478, 468
JAW_OPEN = BLENDSHAPE_NAMES.index("jawOpen")


@dataclass(frozen=True, eq=False)
class FaceState:
    """B faces: what a landmark fit finds.

    rotation     (B, 3, 3) camera from head
    translation  (B, 3) metres
    log_focal    (B,) natural logarithm of the focal length in pixels
    identity     (B, K)
    expression   (B, 52) in [0, 1]
    gaze         (B, 2, 2) rad; rows left, right eye; columns yaw, pitch
    """

    rotation: Array
    translation: Array
    log_focal: Array
    identity: Array
    expression: Array
    gaze: Array

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> FaceState:
        """Return the picked faces."""
        return FaceState(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    @staticmethod
    def joined(parts: list[FaceState]) -> FaceState:
        """Put batches one after another."""
        names = FaceState.__dataclass_fields__
        return FaceState(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class _Group:
    """The share of the landmarks that one joint carries, measured from that joint.

    at               (A,) the landmarks with a share
    share            (A,) summed skin weight
    base             (A, 3) weighted neutral, less share times joint centre
    shapes           (K + 52, A, 3) weighted identity and expression bases, likewise
    centre           (3,) of the joint, metres
    centre_identity  (K, 3)
    """

    at: NDArray[np.intp]
    share: Array
    base: Array
    shapes: Array
    centre: Array
    centre_identity: Array


def _about_x(angle: Array) -> Array:
    """Return (B, 3, 3) rotations about x."""
    zero, one, c, s = np.zeros_like(angle), np.ones_like(angle), np.cos(angle), np.sin(angle)
    rows = [[one, zero, zero], [zero, c, -s], [zero, s, c]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def _about_y(angle: Array) -> Array:
    """Return (B, 3, 3) rotations about y."""
    zero, one, c, s = np.zeros_like(angle), np.ones_like(angle), np.cos(angle), np.sin(angle)
    rows = [[c, zero, s], [zero, one, zero], [-s, zero, c]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


QUARTER_X = np.array([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # dRx/da = QUARTER_X Rx
QUARTER_Y = np.array([[0.0, 0, 1], [0, 0, 0], [-1, 0, 0]])


class LandmarkModel:
    """Positions and derivatives of the landmarks in head space.

    Parameters are ordered identity (K), expression (52), left yaw, left pitch, right yaw, right
    pitch: K + 56 in all.
    """

    def __init__(self, head: HeadModel) -> None:
        self.identity_count = head.identity_basis.shape[0]
        self.parameter_count = self.identity_count + 56
        self.jaw_open_rad = head.jaw_open_rad
        triangles, weights = head.landmark_triangles, head.landmark_weights.astype(np.float64)
        skin = weights[..., None] * head.skin_weights[triangles]  # (L, 3 corners, joints)

        shapes = np.concatenate([head.identity_basis, head.expression_basis]).astype(np.float64)
        neutral = head.neutral.astype(np.float64)

        def group(joint_weights: Array, joint: int | None) -> _Group:
            at = np.flatnonzero(joint_weights.sum(1) > 1e-6)
            corner, weight = triangles[at], joint_weights[at]
            share = weight.sum(1)
            base = np.einsum("lk,lkc->lc", weight, neutral[corner])
            moved = np.einsum("lk,plkc->plc", weight, shapes[:, corner])
            if joint is None:
                return _Group(at, share, base, moved, np.zeros(3), np.zeros((0, 3)))
            centre = head.joint_neutral[joint].astype(np.float64)
            by_identity = head.joint_identity[:, joint].astype(np.float64)
            moved[: len(by_identity)] -= share[:, None] * by_identity[:, None]
            return _Group(at, share, base - share[:, None] * centre, moved, centre, by_identity)

        jaw, left, right = (JOINT_NAMES.index(n) for n in ("jaw", "left_eye", "right_eye"))
        still = skin[..., 0] + skin[..., 1 + JOINT_NAMES.index("neck")]
        fixed = group(still, None)
        self._fixed_base = np.zeros((LANDMARK_COUNT, 3))
        self._fixed_base[fixed.at] = fixed.base
        self._fixed_shapes = np.zeros((len(shapes), LANDMARK_COUNT, 3), np.float32)
        self._fixed_shapes[:, fixed.at] = fixed.shapes
        self._moving = tuple(group(skin[..., 1 + j], j) for j in (jaw, left, right))

    def points(self, state: FaceState) -> Array:
        """Return the landmarks (B, 478, 3) in head space, metres."""
        shape = np.concatenate([state.identity, state.expression], 1)
        points = self._fixed_base + np.tensordot(shape, self._fixed_shapes, 1)
        for group, turn in zip(self._moving, self._turns(state), strict=True):
            local = self._local(group, state)
            centre = group.centre + state.identity @ group.centre_identity
            points[:, group.at] += local @ turn.transpose(0, 2, 1)
            points[:, group.at] += group.share[:, None] * centre[:, None]
        return points

    def jacobian(self, state: FaceState, rows: Array) -> Array:
        """Return derivatives of the landmarks, each seen along one direction.

        rows     (B, L, 3) in head space: what a displacement of each landmark is multiplied by
        returns  (B, K + 56, L) single precision
        """
        K, row = self.identity_count, rows.astype(np.float32)
        result = np.zeros((len(rows), self.parameter_count, LANDMARK_COUNT), np.float32)
        for axis in range(3):
            seen = row[:, None, :, axis]
            result[:, : K + 52] += self._fixed_shapes[None, ..., axis] * seen
        for which, (group, turn) in enumerate(zip(self._moving, self._turns(state), strict=True)):
            seen = rows[:, group.at]
            by_centre = group.centre_identity @ seen.transpose(0, 2, 1) * group.share
            turned = seen @ turn  # R^T row: the direction seen from inside the joint
            by_shape = np.einsum("plc,blc->bpl", group.shapes, turned)
            result[:, : K + 52, group.at] += by_shape.astype(np.float32)
            result[:, :K, group.at] += by_centre.astype(np.float32)
            local = self._local(group, state)
            for parameter, slope in self._slopes(which, turn, state):
                turned_local = local @ slope.transpose(0, 2, 1)
                result[:, parameter, group.at] += (turned_local * seen).sum(2).astype(np.float32)
        return result

    def _turns(self, state: FaceState) -> tuple[Array, Array, Array]:
        """Return the rotations (B, 3, 3) of jaw, left and right eye."""
        jaw = _about_x(self.jaw_open_rad * state.expression[:, JAW_OPEN])
        yaw, pitch = _about_y(-state.gaze[..., 0]), _about_x(state.gaze[..., 1])
        return jaw, yaw[:, 0] @ pitch[:, 0], yaw[:, 1] @ pitch[:, 1]

    def _local(self, group: _Group, state: FaceState) -> Array:
        """Return the group's points (B, A, 3) measured from its joint."""
        shape = np.concatenate([state.identity, state.expression], 1)
        return group.base + np.tensordot(shape, group.shapes, 1)

    def _slopes(self, which: int, turn: Array, state: FaceState) -> list[tuple[int, Array]]:
        """Return (parameter, derivative (B, 3, 3) of the joint's rotation) for each angle."""
        if which == 0:
            return [(self.identity_count + JAW_OPEN, self.jaw_open_rad * (QUARTER_X @ turn))]
        eye = which - 1
        yaw, pitch = _about_y(-state.gaze[:, eye, 0]), _about_x(state.gaze[:, eye, 1])
        first = self.identity_count + 52 + 2 * eye
        return [(first, -(QUARTER_Y @ yaw) @ pitch), (first + 1, yaw @ (QUARTER_X @ pitch))]
