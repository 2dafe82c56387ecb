"""How far eyeBlink must go for the lids of one face to meet."""

from __future__ import annotations

from engine.fit.closure import Closure
from engine.fit.heads import HeadModel
from engine.types import Array


def closing(head: HeadModel, identity: Array, expression: Array) -> Array:
    """Return the values (2,) of eyeBlinkLeft and eyeBlinkRight at which the lids just meet.

    The rest of `expression` (52,) stays as it is; identity (K,).
    """
    return Closure(head).blinks(identity, expression)
