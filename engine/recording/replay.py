"""Plays the results of a take again, as if they came from a tracker: the very values, in its order.

What is drawn of the head is computed again from the coefficients; everything that outputs send is
what was stored.
"""

from __future__ import annotations

import numpy as np

from engine import clock
from engine.errors import PersonError
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration, StoredPerson
from engine.fit.sides import unmerged
from engine.fit.skinning import neutral_of, vertices
from engine.recording.reader import Take
from engine.types import (
    Alignment,
    Array,
    Blendshapes,
    Camera,
    Deviations,
    Frame,
    HeadState,
    Identity,
    Status,
    TrackResult,
)


class Replay:
    """A FrameTracker (engine.graph) that knows the answers.

    take  of any source
    head  the model that it was fitted with
    """

    about = "a take, played again"

    def __init__(self, take: Take, head: HeadModel) -> None:
        self._take, self._head = take, head
        self._rows = {int(index): row for row, index in enumerate(take.frame_index)}
        self._identities = _filled(take.identity, len(head.identity_basis))
        self._identity: Identity | None = None

    def step(self, frame: Frame) -> TrackResult:
        """Return what was found in a frame of the take, with the time at which it is shown now."""
        return self.result(self._rows[frame.index], frame.captured_ns)

    def expect(self, name: str, calibration: PersonCalibration | None) -> StoredPerson:
        """Raise PersonError: nobody is in front of a camera."""
        raise PersonError(f"{name}: a take is played, there is nobody to keep")

    def close(self) -> None:
        """Nothing to end."""

    def result(self, row: int, captured_ns: int) -> TrackResult:
        """Return a row's result.

        captured_ns  the time it shall carry
        """
        take, values = self._take, self._take.values
        status = Status(str(take.status[row]))
        tracking = status is Status.TRACKING
        return TrackResult(
            frame_index=int(take.frame_index[row]),
            captured_ns=captured_ns,
            finished_ns=clock.now_ns(),
            status=status,
            head=self._head_state(row) if tracking else None,
            blendshapes=self._blendshapes(row) if tracking else None,
            alignment=self._alignment(row) if tracking else None,
            camera=self._camera(row),
            identity=self._person(row) if tracking else None,
            readings=_known(values["readings"][row]),
            measured=self._measured(row) if tracking else None,
            stage_ns=take.stage_ns[row],
        )

    def _head_state(self, row: int) -> HeadState:
        values = self._take.values
        size = len(self._head.expression_names)
        expression = unmerged(
            values["expression"][row].astype(np.float64), values["expression_sides"][row], size
        )
        gaze, neck = values["gaze"][row], values["neck"][row]
        identity = self._identities[row]
        return HeadState(
            camera_from_head=values["camera_from_head"][row].copy(),
            expression=expression,
            gaze=gaze.copy(),
            neck=neck.copy(),
            points_px=values["points_px"][row].copy(),
            vertices=vertices(self._head, identity, expression, gaze, neck).astype(np.float32),
            rms_px=float(values["rms_px"][row]),
            deviations=self._deviations(row, size),
        )

    def _deviations(self, row: int, size: int) -> Deviations | None:
        values = self._take.values
        if np.isnan(values["pose_sd"][row]).any():
            return None
        unknown = np.full(4, np.nan)
        return Deviations(
            values["pose_sd"][row].copy(),
            unmerged(values["expression_sd"][row].copy(), unknown, size),
            values["gaze_sd"][row].copy(),
            values["neck_sd"][row].copy(),
        )

    def _blendshapes(self, row: int) -> Blendshapes:
        values = self._take.values
        return Blendshapes(
            values["blendshapes"][row].copy(),
            _known(values["blendshape_sides"][row]),
            _known(values["blendshapes_sd"][row]),
        )

    def _measured(self, row: int) -> Blendshapes | None:
        values = self._take.values
        weights = _known(values["blendshapes_measured"][row])
        if weights is None or np.array_equal(weights, values["blendshapes"][row]):
            return None
        return Blendshapes(weights)

    def _alignment(self, row: int) -> Alignment | None:
        values = self._take.values
        anchors = np.flatnonzero(~np.isnan(values["sigma_px"][row])).astype(np.int32)
        if len(anchors) == 0:
            return None
        return Alignment(
            values["alignment_px"][row][anchors], values["sigma_px"][row][anchors], anchors
        )

    def _camera(self, row: int) -> Camera | None:
        info, intrinsics = self._take.info, _known(self._take.values["intrinsics"][row])
        if intrinsics is None:
            return None
        distortion = np.array(info.camera.distortion or (0.0,) * 5)
        return Camera(
            intrinsics,
            distortion,
            (info.width_px, info.height_px),
            info.camera.name,
            info.camera.calibrated,
        )

    def _person(self, row: int) -> Identity:
        coefficients = self._identities[row]
        if self._identity is None or self._identity.coefficients is not coefficients:
            self._identity = Identity(coefficients, neutral_of(self._head, coefficients))
        return self._identity


def _filled(stored: list[Array], size: int) -> list[Array]:
    """Return the identity (K,) in force at every row; the mean head before the first is known."""
    known, filled = np.zeros(size), list[Array]()
    for row in stored:
        if len(row):
            known = row.astype(np.float64)
        filled.append(known)
    return filled


def _known(values: Array) -> Array | None:
    return None if np.isnan(values).any() else values.copy()
