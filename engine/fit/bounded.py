"""A quadratic under bounds, solved exactly: the inner problem of every Gauss-Newton step."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.types import Array

_MOST_PASSES = 60


@njit(cache=True)
def minimise_bounded(hessian: Array, gradient: Array, low: Array, high: Array) -> Array:
    """Return the x in [low, high] that minimises x'Hx/2 + g'x.

    hessian   (P, P) symmetric positive definite
    gradient  (P,)
    low, high (P,) bounds with low <= 0 <= high; may be infinite

    Projected Newton: variables that push against a bound are held, the rest takes a Newton step,
    cut back along the projection until the energy falls; ends when no free gradient is left.
    Source: Bertsekas 1982, Projected Newton methods for optimization problems with simple
    constraints.
    """
    size = gradient.shape[0]
    x = np.zeros(size)
    slope = gradient.copy()
    scale = 1e-10 * (np.max(np.abs(gradient)) + 1e-30)
    held = np.zeros(size, np.bool_)
    for _ in range(_MOST_PASSES):
        open_slope = 0.0
        for i in range(size):
            held[i] = (x[i] <= low[i] and slope[i] > 0.0) or (x[i] >= high[i] and slope[i] < 0.0)
            if not held[i]:
                open_slope = max(open_slope, abs(slope[i]))
        if open_slope <= scale:
            break
        step = _newton_step(hessian, slope, held)
        if not _descend(hessian, slope, step, low, high, x):
            break
        slope = _slope(hessian, gradient, x)
    return x


@njit(cache=True)
def _slope(hessian: Array, gradient: Array, x: Array) -> Array:
    slope = gradient.copy()
    for i in range(x.shape[0]):
        if x[i] != 0.0:
            for j in range(x.shape[0]):
                slope[j] += hessian[i, j] * x[i]
    return slope


@njit(cache=True)
def _descend(hessian: Array, slope: Array, step: Array, low: Array, high: Array, x: Array) -> bool:
    """Move x along the projected step; False if not even a tiny step lowers the energy."""
    moved = np.empty_like(x)
    length = 1.0
    for _ in range(30):
        for i in range(x.shape[0]):
            moved[i] = min(max(x[i] + length * step[i], low[i]), high[i]) - x[i]
        linear = _product(slope, moved, x.shape[0])
        bent = 0.0
        for i in range(x.shape[0]):
            if moved[i] != 0.0:
                bent += moved[i] * _product(hessian[i], moved, x.shape[0])
        if linear < 0.0 and linear + 0.5 * bent <= 1e-4 * linear:
            for i in range(x.shape[0]):
                x[i] = min(max(x[i] + moved[i], low[i]), high[i])
            return True
        length *= 0.5
    return False


@njit(cache=True)
def _newton_step(hessian: Array, slope: Array, held: NDArray[np.bool_]) -> Array:
    """Solve for the free variables by Cholesky's factorisation; held ones stay."""
    free = np.flatnonzero(~held)
    n = free.shape[0]
    lower = np.empty((n, n))
    y = np.empty(n)
    for i in range(n):
        for j in range(i + 1):
            total = hessian[free[i], free[j]] - _product(lower[i], lower[j], j)
            if i == j:
                lower[i, i] = np.sqrt(max(total, 1e-30))
            else:
                lower[i, j] = total / lower[j, j]
        y[i] = (-slope[free[i]] - _product(lower[i], y, i)) / lower[i, i]
    step = np.zeros(slope.shape[0])
    for i in range(n - 1, -1, -1):
        y[i] /= lower[i, i]
        for j in range(i):
            y[j] -= lower[i, j] * y[i]
        step[free[i]] = y[i]
    return step


@njit(cache=True, fastmath=True)
def _product(a: Array, b: Array, count: int) -> float:
    """Return the scalar product of the first entries; in any order, so that it is vectorised."""
    total = 0.0
    for i in range(count):
        total += a[i] * b[i]
    return total
