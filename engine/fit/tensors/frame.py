"""All that a frame's fit is given, as parts of one tensor: it crosses to the card in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from torch import Tensor

from engine.fit.residuals import NECK, POSE, Carried, Measurement
from engine.fit.solver import Solver
from engine.fit.state import FitState, Past
from engine.fit.traits import Guess
from engine.types import Array

Shapes = dict[str, tuple[int, ...]]

_LONGEST_S = 1e9  # told where there is no last frame; nothing is held to it then


def state_shapes(expressions: int) -> Shapes:
    """Return what a step changes: the unknowns. `values` has the pose's six as zeros."""
    return {"camera_from_head": (4, 4), "values": (POSE.stop + 7 + expressions,)}


def given_shapes(vertices: int, expressions: int, rims: int) -> Shapes:
    """Return what a step reads and leaves alone."""
    unknowns = state_shapes(expressions)["values"]
    return {
        "points": (vertices, 2),
        "sigma": (vertices,),
        "information": (vertices,),
        "gap_px": (3, 2),
        "gap_sigma_px": (3,),
        "carried_points": (vertices, 2),
        "carried_sigma": (vertices,),
        "carried_information": (vertices,),
        "intrinsics": (3, 3),
        "before_pose": (4, 4),
        "before_values": unknowns,
        "lead": (6,),
        "interval_s": (),
        "held": unknowns,
        "guess_mean": (expressions,),
        "guess_information": (expressions,),
        "neutral": (vertices, 3),
        "normals": (vertices, 3),
        "joints": (4, 3),
        "lid_gaps": (2, 5),
        "rims": (rims, 3),
    }


def length_of(shapes: Shapes) -> int:
    """Return how many numbers they are."""
    return sum(prod(shape) for shape in shapes.values())


def parts(flat: Tensor, shapes: Shapes) -> dict[str, Tensor]:
    """Return views of a flat tensor by name."""
    result: dict[str, Tensor] = {}
    start = 0
    for name, shape in shapes.items():
        result[name] = flat[start : start + prod(shape)].view(shape)
        start += prod(shape)
    return result


def state_of(parts: Mapping[str, Array]) -> FitState:
    """Return a state from arrays of `state_shapes`."""
    values = parts["values"]
    return FitState(
        camera_from_head=parts["camera_from_head"],
        expression=values[NECK.stop :],
        gaze=values[POSE.stop : NECK.start].reshape(2, 2),
        neck=values[NECK],
    )


def state_arrays(state: FitState) -> dict[str, Array]:
    """Return a state as arrays of `state_shapes`."""
    return {"camera_from_head": state.camera_from_head, "values": state.values()}


def given_arrays(
    solver: Solver,
    measurement: Measurement,
    intrinsics: Array,
    start: FitState,
    past: Past | None,
    guess: Guess | None,
) -> dict[str, Array]:
    """Return what a frame is fitted from as arrays of `given_shapes`."""
    motion = past.motion if past and past.motion else solver.nothing
    person, coefficients = solver.person, solver.identity.coefficients
    return {
        "points": measurement.points,
        "sigma": measurement.sigma,
        "information": measurement.information,
        "gap_px": measurement.gaps.vector_px,
        "gap_sigma_px": measurement.gaps.sigma_px,
        **_carried(motion),
        "intrinsics": intrinsics,
        **_before(start, past),
        "guess_mean": np.zeros(len(start.expression)) if guess is None else guess.mean,
        "guess_information": (
            np.zeros(len(start.expression)) if guess is None else guess.information
        ),
        "neutral": person.neutral,
        "normals": person.normals,
        "joints": person.joints,
        "lid_gaps": solver.closure.gaps_of(coefficients)[:2],
        "rims": solver.identity.neutral[solver.contact.vertex],
    }


def _carried(motion: Carried) -> dict[str, Array]:
    return {
        "carried_points": motion.points,
        "carried_sigma": motion.sigma,
        "carried_information": motion.information,
    }


def _before(start: FitState, past: Past | None) -> dict[str, Array]:
    """Return the last frame; without one the start, to which nothing is held."""
    values = start.values()
    if past is None or past.interval_s <= 0.0:
        held, interval_s, lead, before = 0.0 * values, _LONGEST_S, np.zeros(6), start
    else:
        held, interval_s, before = np.ones(len(values)), past.interval_s, past.state
        lead = past.velocity * past.interval_s
        held[: 0 if past.hold_pose else POSE.stop] = 0.0
    return {
        "before_pose": before.camera_from_head,
        "before_values": before.values(),
        "lead": lead,
        "interval_s": np.array(interval_s),
        "held": held,
    }
