"""A made-up performance that everybody recognises: what `test` sends through an output.

Four seconds: the mouth opens, a smile, the left eye blinks, the right eye blinks, the head turns to
its own left and right and nods. Nothing of it comes from a camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import engine.outputs
from engine import clock
from engine.config import Choice
from engine.fit.heads import HeadModel
from engine.geometry import assumed_camera, project, rigid, rotation_from_vector
from engine.outputs import Sink
from engine.plugins import load
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, Blendshapes, HeadState, Status, TrackResult

SECONDS = 4.0
DISTANCE_M = 0.6
TURN_RAD, NOD_RAD = 0.4, 0.25


@dataclass(frozen=True)
class _Move:
    """From when until when which shapes rise and fall."""

    begin_s: float
    end_s: float
    shapes: tuple[str, ...]

    def __call__(self, at_s: float) -> float:
        return max(0.0, float(np.sin(np.pi * (at_s - self.begin_s) / (self.end_s - self.begin_s))))


_MOVES = (
    _Move(0.0, 0.8, ("jawOpen",)),
    _Move(0.8, 1.6, ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight")),
    _Move(1.6, 2.0, ("eyeBlinkLeft",)),
    _Move(2.0, 2.4, ("eyeBlinkRight",)),
)


def frame(head: HeadModel, at_s: float, index: int = 0, captured_ns: int = 0) -> TrackResult:
    """Return the result at a time of the sweep, which begins anew after SECONDS.

    head  whose neutral face it is
    """
    at_s %= SECONDS
    weights = np.zeros(len(BLENDSHAPE_NAMES), np.float32)
    for move in _MOVES:
        if move.begin_s <= at_s < move.end_s:
            for name in move.shapes:
                weights[BLENDSHAPE_NAMES.index(name)] = move(at_s)
    turned = at_s >= 2.4
    yaw = -TURN_RAD * np.sin(2 * np.pi * (at_s - 2.4) / 1.0) if turned and at_s < 3.4 else 0.0
    nod = NOD_RAD * np.sin(np.pi * (at_s - 3.4) / 0.6) if at_s >= 3.4 else 0.0
    pose = rigid(rotation_from_vector(np.array([nod, yaw, 0.0])), np.array([0, 0, DISTANCE_M]))
    camera, vertices = assumed_camera(640, 480), np.array(head.neutral)
    return TrackResult(
        frame_index=index,
        captured_ns=captured_ns,
        finished_ns=captured_ns,
        status=Status.TRACKING,
        head=HeadState(
            camera_from_head=pose,
            expression=np.zeros(len(head.expression_names)),
            gaze=np.zeros((2, 2)),
            neck=np.zeros(3),
            points_px=project(vertices, pose, camera.intrinsics),
            vertices=vertices,
            rms_px=0.0,
        ),
        blendshapes=Blendshapes(weights, sides=np.zeros(4, np.float32)),
        camera=camera,
    )


def send(sink: Sink, head: HeadModel, seconds: float = SECONDS, hz: float = 60.0) -> Traffic:
    """Play the sweep through an output, as it would run; returns what was put on the wire."""
    start_ns = clock.now_ns()
    for index in range(round(seconds * hz)):
        at_ns = start_ns + round(index * clock.NS_PER_S / hz)
        clock.sleep_until(at_ns)
        sink.send(frame(head, index / hz, index, at_ns))
    return sink.traffic


def play(choice: Choice, head: HeadModel, seconds: float = SECONDS) -> Traffic:
    """Open an output, play the sweep through it and close it. Raises OutputError."""
    sink: Sink = load(engine.outputs, choice.kind).create(choice.settings)
    try:
        return send(sink, head, seconds)
    finally:
        sink.close()
