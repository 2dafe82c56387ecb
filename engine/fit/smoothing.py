"""The One Euro filter, an option of every output: calmer where the receiver adds none, but later.

It is off unless asked for: the fit itself is still without being late, and every filter that only
sees the past adds lag.
Source: Casiez, Roussel and Vogel 2012, 1 Euro filter: a simple speed-based low-pass filter for
noisy input in interactive systems.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.clock import NS_PER_S
from engine.geometry import rigid, rotation_from_vector
from engine.settings import setting
from engine.types import Array, Blendshapes, HeadState, TrackResult

_SPEED_CUTOFF_HZ = 1.0  # as in the paper


@dataclass(frozen=True)
class SmoothingSettings:
    """How firmly an output's values are smoothed."""

    on: bool = setting(False, "Smooth what is sent: calmer, but later.")
    cutoff_hz: float = setting(1.5, "Smaller is calmer where nothing moves.", minimum=0.01)
    shapes_beta: float = setting(
        3.0, "Larger follows quick shapes sooner, Hz for each whole shape a second.", minimum=0.0
    )
    turn_beta: float = setting(
        3.0, "Larger follows quick turns sooner, Hz for each radian a second.", minimum=0.0
    )
    shift_beta: float = setting(
        20.0, "Larger follows quick moves sooner, Hz for each metre a second.", minimum=0.0
    )


def share(cutoff_hz: Array | float, interval_s: float) -> Array:
    """Return how much of the way a first-order low-pass goes in one interval."""
    return np.asarray(1.0 / (1.0 + 1.0 / (2.0 * np.pi * np.asarray(cutoff_hz) * interval_s)))


class OneEuro:
    """Smooths a vector, every component with a speed and thus a cutoff of its own.

    cutoff_hz  where nothing moves; of every component (N,), or of all
    beta       by how much the cutoff grows with the speed, Hz per unit a second
    """

    def __init__(self, cutoff_hz: Array | float, beta: float) -> None:
        self._cutoff_hz, self._beta = cutoff_hz, beta
        self._smooth: Array | None = None

    def __call__(self, values: Array, interval_s: float) -> Array:
        """Return values (N,) smoothed; interval_s since those before, ignored for the first."""
        if self._smooth is None:
            self._raw = self._smooth = values.astype(np.float64)
            self._speed = np.zeros(len(values))
            return self._smooth.copy()
        speed = (values - self._raw) / interval_s
        self._raw = values.astype(np.float64)
        self._speed = self._speed + share(_SPEED_CUTOFF_HZ, interval_s) * (speed - self._speed)
        cutoff = self._cutoff_hz + self._beta * np.abs(self._speed)
        self._smooth = self._smooth + share(cutoff, interval_s) * (values - self._smooth)
        return self._smooth.copy()


class OneEuroRotation:
    """Smooths a rotation along the shortest turn, as slerp of quaternions does; one speed for all.

    cutoff_hz, beta  as of OneEuro, the speed in rad/s
    """

    def __init__(self, cutoff_hz: float, beta: float) -> None:
        self._cutoff_hz, self._beta = cutoff_hz, beta
        self._smooth: Array | None = None

    def __call__(self, rotation: Array, interval_s: float) -> Array:
        """Return a rotation (3, 3) smoothed; interval_s since the one before."""
        if self._smooth is None:
            self._raw = self._smooth = rotation.astype(np.float64)
            self._speed = np.zeros(3)
            return self._smooth.copy()
        turned = _vector(rotation @ self._raw.T) / interval_s
        self._raw = rotation.astype(np.float64)
        self._speed = self._speed + share(_SPEED_CUTOFF_HZ, interval_s) * (turned - self._speed)
        cutoff = self._cutoff_hz + self._beta * float(np.linalg.norm(self._speed))
        way = float(share(cutoff, interval_s)) * _vector(rotation @ self._smooth.T)
        self._smooth = rotation_from_vector(way) @ self._smooth
        return self._smooth.copy()


class Smoother:
    """Smooths results for one output: the 52 weights, and the head's rotation and position.

    A face that is lost is forgotten: the next one starts where it is seen.
    """

    def __init__(self, settings: SmoothingSettings) -> None:
        self._settings = settings
        self._forget()

    def __call__(self, result: TrackResult) -> TrackResult:
        """Return a result smoothed, or as it is if smoothing is off."""
        head, blendshapes = result.head, result.blendshapes
        if not self._settings.on:
            return result
        if head is None or blendshapes is None:
            self._forget()
            return result
        interval_s = (result.captured_ns - self._last_ns) / NS_PER_S
        if interval_s <= 0.0:  # a source that has started again
            self._forget()
            interval_s = 1.0
        self._last_ns = result.captured_ns
        weights = np.clip(self._weights(blendshapes.weights, interval_s), 0.0, 1.0)
        return replace(
            result,
            head=self._smooth_head(head, interval_s),
            blendshapes=Blendshapes(weights),
        )

    def _smooth_head(self, head: HeadState, interval_s: float) -> HeadState:
        pose = head.camera_from_head
        turn, place = (
            self._turn(pose[:3, :3], interval_s),
            self._place(pose[:3, 3], interval_s),
        )
        return replace(head, camera_from_head=rigid(turn, place))

    def _forget(self) -> None:
        settings = self._settings
        self._last_ns = -1
        self._weights = OneEuro(settings.cutoff_hz, settings.shapes_beta)
        self._place = OneEuro(settings.cutoff_hz, settings.shift_beta)
        self._turn = OneEuroRotation(settings.cutoff_hz, settings.turn_beta)


def _vector(rotation: Array) -> Array:
    return np.asarray(cv2.Rodrigues(rotation)[0][:, 0], np.float64)
