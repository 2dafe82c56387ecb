"""Shapes that ARKit has once, split into an independent left and right for the fit.

A half is the shape's deltas under a smooth mask, so that both halves together are the shape. The
left half takes the shape's place and the right half is appended: all other coefficients keep their
index, and what speaks of the 52 shapes (networks, outputs, takes) is translated here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.fit.heads import HeadModel
from engine.types import BLENDSHAPE_NAMES, Array

SPLIT_NAMES = ("browInnerUp", "cheekPuff")
_BLEND_M = 0.012  # from the middle of the face to where a half acts fully
_HALVES = [(BLENDSHAPE_NAMES.index(name), len(BLENDSHAPE_NAMES) + i)
           for i, name in enumerate(SPLIT_NAMES)]  # fmt: skip


def split(head: HeadModel) -> HeadModel:
    """Return the head, a dataclass, with 54 shapes; itself if its shapes are not ARKit's 52."""
    if head.expression_names != BLENDSHAPE_NAMES:
        return head
    names, basis = list(head.expression_names), [*head.expression_basis]
    left = left_share(head.neutral)[:, None]
    for name in SPLIT_NAMES:
        index = names.index(name)
        whole = basis[index]
        names[index], basis[index] = f"{name}Left", left * whole
        names.append(f"{name}Right")
        basis.append((1.0 - left) * whole)
    return replace(
        head,  # pyright: ignore[reportArgumentType, reportCallIssue]
        expression_names=tuple(names),
        expression_basis=np.stack(basis),
    )


def left_share(points: Array) -> Array:
    """Return how much of a delta at points (V, 3) m belongs to the left half, (V,) in [0, 1]."""
    way = np.clip((points[:, 0] / _BLEND_M + 1.0) / 2.0, 0.0, 1.0)
    return way * way * (3.0 - 2.0 * way)


def spread(expression: Array, size: int) -> Array:
    """Return coefficients (52,) of whole shapes as those (size,) of a head; halves are alike."""
    if len(expression) == size:
        return expression
    return np.append(expression, expression[[left for left, _ in _HALVES]])


def shares(size: int) -> Array:
    """Return what part of a whole shape's information each coefficient (size,) of a head gets."""
    part = np.ones(size)
    if size > len(BLENDSHAPE_NAMES):
        part[[index for pair in _HALVES for index in pair]] = 0.5
    return part


def merged(expression: Array) -> Array:
    """Return a head's coefficients as those (52,) of whole shapes: the mean of two halves."""
    if len(expression) == len(BLENDSHAPE_NAMES):
        return expression
    whole = expression[: len(BLENDSHAPE_NAMES)].copy()
    for left, right in _HALVES:
        whole[left] = (expression[left] + expression[right]) / 2
    return whole


def halves(expression: Array) -> Array | None:
    """Return the coefficients (4,) in the order of SIDE_NAMES; None of a head with whole shapes."""
    if len(expression) == len(BLENDSHAPE_NAMES):
        return None
    return expression[[index for pair in _HALVES for index in pair]]


def unmerged(expression: Array, sides: Array, size: int) -> Array:
    """Return the coefficients (size,) of a head from whole shapes (52,) and their halves (4,).

    The inverse of `merged` and `halves`; where the halves are not known (NaN), they are alike.
    """
    whole = spread(expression, size)
    if size > len(BLENDSHAPE_NAMES) and not np.isnan(sides).any():
        whole[[index for pair in _HALVES for index in pair]] = sides
    return whole
