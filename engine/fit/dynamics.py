"""How a head moves on by itself: the velocity of its pose, kept from frame to frame."""

from __future__ import annotations

import numpy as np

from engine.fit.residuals import POSE, ROTATION, SHIFT
from engine.fit.settings import FitSettings
from engine.fit.solver import FitState, Past
from engine.types import Array

_USUAL_INTERVAL_S = 1 / 30


def velocity_after(past: Past | None, state: FitState, settings: FitSettings) -> Array:
    """Return the pose's velocity (6,), rad/s and m/s in camera axes, after a frame.

    past  what the frame was fitted with; a face just found stands still

    A filter of constant velocity that moves `velocity_gain` of the way to what was seen, and less
    the less likely that is under the heavy-tailed step: a jump is no velocity, and is not carried
    on into the next frame.
    Source: Bar-Shalom et al. 2001, Estimation with applications to tracking, section 6.5 (the
    alpha-beta filter).
    """
    if past is None:
        return np.zeros(6)
    if not past.hold_pose:  # the pose moved with the person's shape, not with the head
        return past.velocity
    seen = state.change_since(past.state)[POSE]
    surprise = seen - past.velocity * past.interval_s
    sigma = np.empty(6)
    sigma[ROTATION], sigma[SHIFT] = settings.rotation_step_sigma_rad, settings.shift_step_sigma_m
    squared = surprise**2 / (sigma**2 * past.interval_s / _USUAL_INTERVAL_S)
    trust = (settings.step_dof + 1.0) / (settings.step_dof + squared)
    return past.velocity + settings.velocity_gain * np.minimum(trust, 1.0) * (
        surprise / past.interval_s
    )
