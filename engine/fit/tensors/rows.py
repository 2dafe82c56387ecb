"""The weighted rows of a linearised frame on tensors; follows engine/fit/residuals.py.

Geometry in double precision, rows in single, as the loops have it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.fit.residuals import NEAREST_DEPTH_M, Robust
from engine.fit.tensors.turning import Turns

JOINT_OF = (2, 2, 3, 3, 0, 0, 0, 1)  # of each derivative in Turns


class Surface(NamedTuple):
    """The fitted vertices with this expression, before the joints turn."""

    shaped: Tensor  # (N, 3)
    normals: Tensor  # (N, 3)
    joints: Tensor  # (4, 3)
    basis: Tensor  # (N, 3, E) float32
    skin: Tensor  # (N, 4)
    jaw: Tensor  # (E,) float32, 1 at jawOpen
    joint_of: Tensor  # (8,) JOINT_OF


class Seen(NamedTuple):
    """A measurement of the fitted vertices: of the network, or carried over."""

    points: Tensor  # (N, 2)
    sigma: Tensor  # (N,)
    information: Tensor  # (N,)


class TensorRows(NamedTuple):
    """As Rows."""

    jacobian: Tensor  # (2N, 13 + E) float32
    residual: Tensor  # (2N,) float32
    projected: Tensor  # (N, 2)
    facing: Tensor  # (N,)
    weight: Tensor  # (N,)
    by_place: Tensor  # (N,)


def linearised(
    surface: Surface,
    turns: Turns,
    camera_from_head: Tensor,
    intrinsics: Tensor,
    place: Seen,
    motion: Seen,
    robust: Robust,
) -> TensorRows:
    """Return the rows at a state."""
    rotation, shift = camera_from_head[:3, :3], camera_from_head[:3, 3]
    unmoved = torch.diag(torch.ones_like(shift))
    lever = surface.shaped[:, None] - surface.joints  # (N, 4, 3)
    turn = turns.rotations - unmoved
    by_joint = torch.einsum("jrc,njc->njr", turn, lever)
    posed = surface.shaped + (surface.skin[:, :, None] * by_joint).sum(dim=1)
    blend = unmoved + torch.einsum("nj,jrc->nrc", surface.skin, turn)
    turned = posed @ rotation.T
    at = turned + shift
    projected, to_image = _projected(at, intrinsics)
    normal = torch.einsum("nij,nj->ni", blend, surface.normals) @ rotation.T
    facing = _facing(at, normal, robust)
    weight, by_place, target = _weights(at[:, 2], projected, facing, place, motion, robust)
    slope = weight[:, None, None] * to_image  # (N, 2, 3) by camera-space position
    by_head = slope @ rotation
    shapes = (by_head @ blend).float() @ surface.basis
    moved = torch.einsum("khr,nkr->nkh", turns.derivatives, lever.index_select(1, surface.joint_of))
    joints = (by_head @ moved.mT) * surface.skin.index_select(1, surface.joint_of)[:, None]
    shapes = shapes + joints[:, :, 7:].float() * surface.jaw
    pose = torch.linalg.cross(turned[:, None].expand_as(slope), slope)
    columns = [pose.float(), slope.float(), joints[:, :, :7].float(), shapes]
    jacobian = torch.cat(columns, dim=2)
    residual = (weight[:, None] * (projected - target)).float()
    return TensorRows(
        jacobian.flatten(0, 1), residual.flatten(), projected, facing, weight, by_place
    )


def _projected(at: Tensor, intrinsics: Tensor) -> tuple[Tensor, Tensor]:
    """Return pixels (N, 2) and their derivatives (N, 2, 3) by camera-space position (N, 3)."""
    depth = at[:, 2:].clamp_min(NEAREST_DEPTH_M)
    focal = intrinsics.diagonal()[:2]
    away = at[:, :2] * focal / depth
    by_side = torch.diag(focal) / depth[:, :, None]
    return away + intrinsics[:2, 2], torch.cat([by_side, -(away / depth)[:, :, None]], dim=2)


def _facing(at: Tensor, normal: Tensor, robust: Robust) -> Tensor:
    size = ((at * at).sum(dim=1) * (normal * normal).sum(dim=1)).sqrt().clamp_min(1e-12)
    cosine = -(at * normal).sum(dim=1) / size
    share = (cosine - robust.facing_zero) / (robust.facing_full - robust.facing_zero)
    return share.clamp(0.0, 1.0)


def _weights(
    depth: Tensor, projected: Tensor, facing: Tensor, place: Seen, motion: Seen, robust: Robust
) -> tuple[Tensor, Tensor, Tensor]:
    """Return weights (N,), the alignment's part of their squares (N,), target pixels (N, 2)."""
    shown = (depth >= NEAREST_DEPTH_M).to(depth.dtype)
    seen = robust.hidden_share + (1.0 - robust.hidden_share) * facing
    by_place = shown * seen * place.information * _trust(projected, place, robust.student_dof)
    by_motion = shown * facing * motion.information * _trust(projected, motion, robust.motion_dof)
    total = by_place + by_motion
    both = by_place[:, None] * place.points + by_motion[:, None] * motion.points
    return total.sqrt(), by_place, both / total.clamp_min(1e-30)[:, None]


def _trust(at: Tensor, seen: Seen, dof: float) -> Tensor:
    off, variance = at - seen.points, seen.sigma * seen.sigma
    return (dof + 2.0) / (dof + (off * off).sum(dim=1) / variance) / variance
