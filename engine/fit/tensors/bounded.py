"""A quadratic under bounds on tensors; follows engine/fit/bounded.py."""

from __future__ import annotations

import torch
from torch import Tensor

# The loops end when no free slope is left: after 2 to 8 passes in steps of a followed frame, and up
# to 17 in the first ones of a cold start, where later steps mend what an early one leaves.
PASSES = 8
_LENGTHS = 12  # halvings of a step that are tried, all at once


def minimise_bounded(hessian: Tensor, gradient: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return the x in [low, high] that minimises x'Hx/2 + g'x.

    hessian   (P, P) symmetric positive definite
    gradient  (P,)
    low, high (P,) bounds with low <= 0 <= high; may be infinite

    Source: Bertsekas 1982, Projected Newton methods for optimization problems with simple
    constraints.
    """
    x, slope = torch.zeros_like(gradient), gradient
    length = torch.exp2(-torch.arange(_LENGTHS, dtype=gradient.dtype, device=gradient.device))
    for _ in range(PASSES):
        held = ((x <= low) & (slope > 0.0)) | ((x >= high) & (slope < 0.0))
        step = _newton_step(hessian, slope, held)
        x = _descended(hessian, slope, step, low, high, x, length)
        slope = gradient + hessian @ x
    return x


def _newton_step(hessian: Tensor, slope: Tensor, held: Tensor) -> Tensor:
    """Solve for the free variables; held ones stay: their rows are those of the unit matrix."""
    free = (~held).to(slope.dtype)
    masked = hessian * free[:, None] * free + torch.diag(1.0 - free)
    lower, _ = torch.linalg.cholesky_ex(masked)  # unlike `cholesky` it does not ask how it went
    return torch.cholesky_solve(-(slope * free)[:, None], lower)[:, 0]


def _descended(
    hessian: Tensor,
    slope: Tensor,
    step: Tensor,
    low: Tensor,
    high: Tensor,
    x: Tensor,
    length: Tensor,
) -> Tensor:
    """Return x after the longest projected step that lowers the energy; x itself if none does."""
    there = (x + length[:, None] * step).clamp(low, high)  # (L, P)
    moved = there - x
    linear = moved @ slope
    bent = ((moved @ hessian) * moved).sum(dim=1)
    lower = (linear < 0.0) & (linear + 0.5 * bent <= 1e-4 * linear)
    # A mask instead of an index, which would have to be read by the host.
    first = lower & (lower.cumsum(0) == 1)
    found = torch.where(first[:, None], there, torch.zeros_like(there)).sum(dim=0)
    return torch.where(lower.any(), found, x)
