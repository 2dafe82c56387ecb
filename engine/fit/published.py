"""What leaves the tracker of a fit that is believed."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.fit.fitted import Fitted
from engine.fit.retarget import (
    PersonCalibration,
    RetargetSettings,
    readings,
    retarget,
    straightened,
    weight_deviations,
)
from engine.fit.skinning import LEFT_EYE, RIGHT_EYE
from engine.fit.solver import Solver
from engine.types import Array, Blendshapes, Deviations, HeadState


class Published(NamedTuple):
    """Of one frame."""

    head: HeadState
    blendshapes: Blendshapes
    readings: Array  # (52,) before the person's calibration
    at_camera: Array  # (2, 2) see TrackResult


def published(
    solver: Solver,
    fitted: Fitted,
    settings: RetargetSettings,
    person: PersonCalibration,
    deviations: Deviations,
) -> Published:
    """Return what is sent of a fit.

    person      what the person in front of the camera reads at rest
    deviations  how sure the fit is
    """
    state, names = fitted.state, solver.head.expression_names
    traits = fitted.alignment.traits
    asked = settings, None if traits is None else traits.tongue
    touching = solver.touching(state)
    head = HeadState(
        camera_from_head=state.camera_from_head,
        expression=state.expression,
        gaze=state.gaze,
        neck=state.neck,
        points_px=fitted.points_px,
        vertices=fitted.vertices,
        rms_px=fitted.quality.rms_px,
        deviations=deviations,
    )
    shown = retarget(state.expression, names, state.gaze, *asked, touching=touching, person=person)
    return Published(
        replace(head, gaze=straightened(state.gaze, person, settings)),
        replace(shown, sd=weight_deviations(head, names, *asked, touching, person)),
        readings(state.expression, names, state.gaze, *asked, touching),
        gaze_at_camera(solver, state.camera_from_head),
    )


def gaze_at_camera(solver: Solver, camera_from_head: Array) -> Array:
    """Return the gaze (2, 2) of a head whose eyes look into the camera, as FitState.gaze.

    camera_from_head  (4, 4); heads.gaze_rotation says what the angles are
    """
    camera = -camera_from_head[:3, :3].T @ camera_from_head[:3, 3]
    way = camera - solver.joints[[LEFT_EYE, RIGHT_EYE]]
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return np.column_stack([np.arctan2(way[:, 0], -way[:, 2]), np.arcsin(way[:, 1])])
