"""The guided calibration: a neutral face, then a few poses; how this person's face reads in each.

A pose is announced, then held. The clock runs only while the face is tracked. At the end every
shape has the reading it has at rest, and those that a pose is about the factor that makes the
pose whole: a lid or lip that closes reaches 1 where it closes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.clock import NS_PER_S
from engine.errors import CalibrationError
from engine.fit.person import PersonCalibration
from engine.fit.retarget import RetargetSettings, gaze_of
from engine.types import BLENDSHAPE_NAMES, Array, TrackResult

_LONGEST_STEP_S = 0.25  # a gap in the frames does not count as held
_FEWEST_READINGS = 8
_FULL_PERCENTILE = 80.0
_OFFSET_LIMITS = (-0.3, 0.4)
_GAIN_LIMITS = (0.5, 2.5)
_MOST_GAZE_RAD = float(np.deg2rad(12.0))  # by which a gaze may be read wrong
_LEAST_RANGE = 0.15  # of a reading over its rest: less is no pose, and would be blown up
_CHANGED = 0.03
_SEEN = 0.005  # less is not worth a line


@dataclass(frozen=True)
class Pose:
    """What the user is asked to do, and which shapes are then whole."""

    name: str
    prompt: str
    whole: tuple[str, ...] = ()
    gaze_rad: float = 0.0  # of both eyes towards the subject's left, for the picture of it
    turn_rad: float = 0.0  # of the head, likewise


POSES = (
    Pose("neutral", "Look into the camera with a relaxed face"),
    Pose("smile", "Smile as broadly as you can", ("mouthSmileLeft", "mouthSmileRight")),
    Pose("brows up", "Raise your brows", ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")),
    Pose("jaw open", "Open your mouth wide", ("jawOpen",)),
    Pose("cheeks puffed", "Puff your cheeks, lips closed", ("cheekPuff",)),
    Pose("eyes closed", "Close your eyes until the next step", ("eyeBlinkLeft", "eyeBlinkRight")),
    Pose("look left", "Look to your left without turning the head", gaze_rad=0.6),
    Pose("look right", "Look to your right without turning the head", gaze_rad=-0.6),
    Pose("turn head", "Turn your head slowly to both sides", turn_rad=0.6),
)


@dataclass(frozen=True)
class Prompt:
    """What to show now."""

    text: str
    step: int  # from 0
    steps: int
    holding: bool  # False while the user gets ready
    seconds_left: float
    done: bool
    share: float = 0.0  # of the whole that is done, in steps: 1.5 is half of the second


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the calibration found, to be kept or discarded."""

    calibration: PersonCalibration
    changes: tuple[str, ...]  # a line each, in words
    unchanged: tuple[str, ...] = ()  # of these, poses that were not seen to be performed


@dataclass(frozen=True)
class ShapeChange:
    """How one shape is read before and after a calibration."""

    name: str
    rest: tuple[float, float]  # reading that is sent as 0, before and after
    full: tuple[float, float]  # reading that is whole


def compared(
    before: PersonCalibration | None, after: PersonCalibration, settings: RetargetSettings
) -> tuple[ShapeChange, ...]:
    """Return the shapes that two calibrations read differently, in ARKit's order.

    before  None: of somebody who has none
    """
    old = before or settings.usual
    answers = {row.name: row.gain for row in settings.shapes}
    found: list[ShapeChange] = []
    for i, name in enumerate(BLENDSHAPE_NAMES):
        answer = answers.get(name, 1.0)
        rest = float(old.offset[i]), float(after.offset[i])
        full = tuple(float(each.offset[i] + 1.0 / (answer * each.gain[i])) for each in (old, after))
        if abs(rest[1] - rest[0]) > _SEEN or abs(full[1] - full[0]) > _SEEN:
            found.append(ShapeChange(name, rest, (full[0], full[1])))
    return tuple(found)


class GuidedCalibration:
    """Leads through the poses as results come in; knows no window and no clock but the frames'.

    ready_s  time to get into a pose
    hold_s   time that it is held
    """

    def __init__(
        self, poses: tuple[Pose, ...] = POSES, ready_s: float = 2.5, hold_s: float = 2.5
    ) -> None:
        self._poses, self._ready_s, self._hold_s = poses, ready_s, hold_s
        self._readings: list[list[Array]] = [[] for _ in poses]
        self._at_camera: list[Array] = []  # of the first pose, (2, 2) each
        self._step, self._spent_s = 0, 0.0
        self._last_ns: int | None = None

    @property
    def prompt(self) -> Prompt:
        """What to ask of the user now."""
        if self._step == len(self._poses):
            return Prompt("Done", self._step, len(self._poses), False, 0.0, True, len(self._poses))
        holding = self._spent_s >= self._ready_s
        until_s = self._ready_s + (self._hold_s if holding else 0.0)
        return Prompt(
            self._poses[self._step].prompt,
            self._step,
            len(self._poses),
            holding,
            until_s - self._spent_s,
            False,
            self._step + self._spent_s / (self._ready_s + self._hold_s),
        )

    def offer(self, result: TrackResult) -> None:
        """Take in a result; one without a face stops the clock."""
        if self._step == len(self._poses) or result.readings is None:
            self._last_ns = None
            return
        if self._last_ns is not None:
            self._spent_s += min((result.captured_ns - self._last_ns) / NS_PER_S, _LONGEST_STEP_S)
        self._last_ns = result.captured_ns
        if self._spent_s >= self._ready_s + self._hold_s:
            self._step, self._spent_s = self._step + 1, 0.0
        elif self._spent_s >= self._ready_s:
            self._readings[self._step].append(result.readings)
            if self._step == 0 and result.at_camera is not None:
                self._at_camera.append(result.at_camera)

    def outcome(self, settings: RetargetSettings) -> Outcome:
        """Return offsets and gains. Raises CalibrationError if a pose was hardly seen."""
        for pose, readings in zip(self._poses, self._readings, strict=True):
            if len(readings) < _FEWEST_READINGS:
                raise CalibrationError(
                    f"calibration: the face was seen in {len(readings)} pictures of the pose "
                    f"{pose.name!r}, {_FEWEST_READINGS} are needed; begin again"
                )
        offset, gain = self._at_rest(settings), np.ones(len(BLENDSHAPE_NAMES))
        answers = {row.name: row.gain for row in settings.shapes}
        changes: list[str] = []
        still: list[str] = []
        for pose, readings in zip(self._poses, self._readings, strict=True):
            full = np.percentile(np.stack(readings), _FULL_PERCENTILE, axis=0)
            for name in pose.whole:
                i = BLENDSHAPE_NAMES.index(name)
                reach = float(full[i] - offset[i])
                if reach < _LEAST_RANGE:
                    still.append(f"{name}: hardly moved at {pose.name!r}; left as it was")
                    continue
                gain[i] = np.clip(1.0 / (answers.get(name, 1.0) * reach), *_GAIN_LIMITS)
                if abs(gain[i] - 1.0) > _CHANGED:
                    changes.append(f"{name}: full at {full[i]:.2f}, times {gain[i]:.2f}")
        at_rest = [
            f"{name}: {value:+.2f} at rest, taken off"
            for name, value in zip(BLENDSHAPE_NAMES, offset, strict=True)
            if abs(value) > _CHANGED
        ]
        return Outcome(PersonCalibration(offset, gain), (*at_rest, *changes, *still), tuple(still))

    def _at_rest(self, settings: RetargetSettings) -> Array:
        """Return what a relaxed face reads that looks straight ahead, (52,).

        It looks into the camera, wherever that is from the head: the eyes are off by what their
        gaze is read apart from that.
        """
        rest = np.median(np.stack(self._readings[0]), axis=0)
        offset, looks = np.clip(rest, *_OFFSET_LIMITS), settings.looks
        off = gaze_of(rest, settings)
        if self._at_camera:
            off -= np.median(np.stack(self._at_camera), axis=0)
        off = np.clip(off, -_MOST_GAZE_RAD, _MOST_GAZE_RAD)
        offset[looks.shape] = off.ravel()[looks.angle] * looks.slope
        return offset
