"""Rotations on tensors; follows engine/fit/skinning.py, and cv2.Rodrigues."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_SMALL = 2.5e-3  # squared angle below which series are used
# Of sin(a)/a, (1 - cos(a))/a^2 and their derivatives, by t = a^2.
_SINE, _COSINE = (1.0, -1 / 6, 1 / 120, -1 / 5040), (1 / 2, -1 / 24, 1 / 720, -1 / 40320)


class Turns(NamedTuple):
    """Rotations of the four joints and their derivatives, as in JointMotion."""

    rotations: Tensor  # (4, 3, 3) neck, jaw, left eye, right eye
    derivatives: Tensor  # (8, 3, 3) by left yaw, pitch, right yaw, pitch, neck xyz, jawOpen


def crosses(device: torch.device) -> Tensor:
    """Return the cross product matrices (3, 3, 3) of the three axes."""
    axes = [[(0, 2, 1), (0, 1, 2)], [(1, 0, 2), (1, 2, 0)], [(2, 1, 0), (2, 0, 1)]]
    result = torch.zeros(3, 3, 3, dtype=torch.float64)
    for plus, minus in axes:
        result[plus], result[minus] = 1.0, -1.0
    return result.to(device)


def turned_by(vector: Tensor, axes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rotation (3, 3) of a rotation vector (3,), and its derivatives (3, 3, 3).

    axes  from `crosses`
    """
    t = vector @ vector
    sine, cosine, by_sine, by_cosine = _coefficients(t)
    cross = (vector[:, None, None] * axes).sum(dim=0)
    square = cross @ cross
    rotation = sine * cross + cosine * square
    rotation = rotation + torch.diag(torch.ones_like(vector))
    inner = by_sine * cross + by_cosine * square
    both = axes @ cross + cross @ axes
    return rotation, 2.0 * vector[:, None, None] * inner + sine * axes + cosine * both


def _coefficients(t: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    near = t < _SMALL
    safe = torch.where(near, torch.ones_like(t), t)
    angle = safe.sqrt()
    sin, cos = angle.sin(), angle.cos()
    return (
        torch.where(near, _series(_SINE, t), sin / angle),
        torch.where(near, _series(_COSINE, t), (1.0 - cos) / safe),
        torch.where(near, _slope(_SINE, t), (angle * cos - sin) / (2.0 * angle * safe)),
        torch.where(
            near, _slope(_COSINE, t), (angle * sin - 2.0 * (1.0 - cos)) / (2.0 * safe * safe)
        ),
    )


def _series(terms: tuple[float, ...], t: Tensor) -> Tensor:
    result = torch.zeros_like(t)
    for term in reversed(terms):
        result = result * t + term
    return result


def _slope(terms: tuple[float, ...], t: Tensor) -> Tensor:
    return _series(tuple(power * term for power, term in enumerate(terms))[1:], t)


def vector_of(rotation: Tensor) -> Tensor:
    """Return the rotation vector (3,) of a rotation (3, 3); less than half a turn."""
    twist = 0.5 * torch.stack(
        [
            rotation[2, 1] - rotation[1, 2],
            rotation[0, 2] - rotation[2, 0],
            rotation[1, 0] - rotation[0, 1],
        ]
    )
    sine = (twist @ twist).sqrt()
    angle = torch.atan2(sine, 0.5 * (rotation.diagonal().sum() - 1.0))
    ratio = angle / sine.clamp_min(1e-9)
    return twist * torch.where(sine < 1e-9, torch.ones_like(ratio), ratio)


def joint_turns(
    jaw_open: Tensor, gaze: Tensor, neck: Tensor, jaw_open_rad: float, axes: Tensor
) -> Turns:
    """Return rotations of the joints and derivatives.

    jaw_open () coefficient; gaze (4,) left yaw, pitch, right yaw, pitch; neck (3,) rad
    """
    zero = torch.zeros_like(jaw_open)
    bent, by_neck = turned_by(neck, axes)
    jaw = _about(zero, jaw_open * jaw_open_rad)
    eyes = [_about(gaze[at], gaze[at + 1]) for at in (0, 2)]
    by_gaze = [turn for eye in eyes for turn in (-axes[1] @ eye, eye @ axes[0])]
    by_jaw = jaw_open_rad * axes[0] @ jaw
    return Turns(torch.stack([bent, jaw, *eyes]), torch.stack([*by_gaze, *by_neck, by_jaw]))


def _about(yaw: Tensor, pitch: Tensor) -> Tensor:
    """Return Ry(-yaw) Rx(pitch), see heads.gaze_rotation."""
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    about_y = torch.stack([cy, zero, -sy, zero, one, zero, sy, zero, cy]).reshape(3, 3)
    about_x = torch.stack([one, zero, zero, zero, cp, -sp, zero, sp, cp]).reshape(3, 3)
    return about_y @ about_x
