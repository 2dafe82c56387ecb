"""Straight ahead is where the user says: turns the head pose that is sent, not what is drawn.

A camera beside the screen sees a face that looks at the screen turned. `here` takes the next pose
as straight ahead, before the middle of the camera; only outputs get the pose seen from there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.types import Array, TrackResult


class Centre:
    """Recentres one result after the other. Called on one thread; told what to do from any."""

    def __init__(self) -> None:
        self._wanted, self._count = False, 0
        self._centred_from_camera: Array | None = None  # (4, 4)

    @property
    def set(self) -> bool:
        """Whether poses are changed, or will be with the next face."""
        return self._wanted or self._centred_from_camera is not None

    def here(self) -> None:
        """Take the pose of the next face that is tracked as straight ahead."""
        self._wanted = True

    def reset(self) -> None:
        """Straight ahead is into the camera again."""
        self._wanted, self._centred_from_camera = False, None

    def __call__(self, result: TrackResult) -> TrackResult:
        """Return a result with its head pose recentred; without a face the result itself."""
        if result.head is None:
            return result
        if self._wanted:
            self._wanted = False
            self._count += 1
            self._centred_from_camera = _centring(result.head.camera_from_head)
        centring = self._centred_from_camera
        if centring is None:
            return result
        pose = centring @ result.head.camera_from_head
        head = replace(result.head, camera_from_head=pose)
        return replace(result, head=head, centring=self._count)


def _centring(camera_from_head: Array) -> Array:
    """Return the (4, 4) transform that makes this pose unturned, in the middle, as far as it is."""
    turn, place = camera_from_head[:3, :3], camera_from_head[:3, 3]
    centring = np.eye(4)
    centring[:3, :3] = turn.T
    centring[:3, 3] = np.array([0.0, 0.0, np.linalg.norm(place)]) - turn.T @ place
    return centring
