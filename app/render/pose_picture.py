"""A pose of the guided calibration on the 3D head, as a picture."""

from __future__ import annotations

import logging

import moderngl
import numpy as np
from numpy.typing import NDArray

from app.render.look import Look, Mode
from app.render.offscreen import Canvas, create_context
from app.render.scene import Scene
from engine.errors import OutputError
from engine.fit.guided import Pose
from engine.fit.heads import JOINT_NAMES, HeadModel, gaze_rotation
from engine.geometry import assumed_camera, project, rigid
from engine.mailbox import Slot
from engine.types import Array, HeadState, Status, TrackResult
from engine.worker import Worker

_LOOK = Look(Mode.SHADED, opacity=1.0, whole_head=True, legend=False)
_LONGEST_S = 10.0  # a picture that is just being drawn by slow software
_log = logging.getLogger(__name__)
_DISTANCE_M, _ASIDE_RAD, _FOCAL = 0.8, 0.25, 2.5  # focal length as a multiple of the side


class PoseArtist:
    """Draws poses one after the other, on a thread of the engine: building the scene takes a while.

    head        the mean of this model is shown
    side_px     of the pictures
    background  sRGB
    """

    def __init__(self, head: HeadModel, side_px: int, background: tuple[int, int, int]) -> None:
        self._head, self._side_px = head, side_px
        self._empty = np.full((side_px, side_px, 3), background, np.uint8)
        self._drawn: dict[str, NDArray[np.uint8]] = {}
        self._made: tuple[moderngl.Context, Scene, Canvas] | None = None
        self._asked: Slot[Pose] = Slot()
        self._worker = Worker("poses", self._asked, self._draw, self._release)

    def picture(self, pose: Pose) -> NDArray[np.uint8] | None:
        """Return (side, side, 3) RGB; None if it is not drawn yet, or cannot be drawn here."""
        return self._drawn.get(pose.name)

    def ask(self, pose: Pose) -> None:
        """Begin to draw a pose; returns at once. A pose that is still waiting is given up."""
        self._asked.put(pose)

    def close(self) -> None:
        """End the thread and give the graphics memory back."""
        self._worker.stop(_LONGEST_S)

    def _draw(self, pose: Pose) -> None:
        try:
            context, scene, canvas = self._made or self._start()
        except OutputError as error:
            _log.info("poses are told in words alone: %s", error)
            self._asked.close()
            return
        with context:
            scene.show(self._empty, posed_result(self._head, pose, self._side_px))
            scene.draw(canvas.target, canvas.size_px, _LOOK)
            self._drawn[pose.name] = canvas.read()

    def _start(self) -> tuple[moderngl.Context, Scene, Canvas]:
        context = create_context()
        with context:
            scene = Scene(context, self._head)
            self._made = (context, scene, Canvas(context, (self._side_px, self._side_px)))
        return self._made

    def _release(self) -> None:
        if self._made is None:
            return
        context, scene, canvas = self._made
        with context:
            scene.release()
            canvas.release()
        context.release()
        self._made = None


def posed_result(head: HeadModel, pose: Pose, side_px: int) -> TrackResult:
    """Return the mean head in a pose, a little from the side, as a tracker would report it."""
    expression = np.array([float(_shows(name, pose)) for name in head.expression_names])
    gaze = np.array([[pose.gaze_rad, 0.0]] * 2)
    vertices = _posed(head, expression, pose.gaze_rad)
    turn = gaze_rotation(pose.turn_rad or (0.0 if pose.gaze_rad else _ASIDE_RAD), 0.0)
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    place = np.array([0.0, 0.0, _DISTANCE_M]) - turn @ middle
    intrinsics = np.array(assumed_camera(side_px, side_px).intrinsics)
    intrinsics[0, 0] = intrinsics[1, 1] = _FOCAL * side_px
    camera_from_head = rigid(turn, place)
    state = HeadState(
        camera_from_head=camera_from_head,
        expression=expression,
        gaze=gaze,
        neck=np.zeros(3),
        points_px=project(vertices, camera_from_head, intrinsics),
        vertices=vertices,
        rms_px=0.0,
    )
    return TrackResult(0, 0, 0, Status.TRACKING, head=state)


def _shows(name: str, pose: Pose) -> bool:
    """Tell whether a coefficient, perhaps half of a shape, belongs to a pose."""
    return name in pose.whole or name.removesuffix("Left").removesuffix("Right") in pose.whole


def _posed(head: HeadModel, expression: Array, gaze_rad: float) -> Array:
    """Linear blend skinning in plain NumPy: engine.fit.skinning may still be compiling."""
    jaw_open = float(expression[head.expression_names.index("jawOpen")])
    shaped = head.neutral + np.tensordot(expression, head.expression_basis, axes=1)
    result = shaped.astype(np.float64)
    for joint, rotation in (
        ("jaw", gaze_rotation(0.0, jaw_open * head.jaw_open_rad)),
        ("left_eye", gaze_rotation(gaze_rad, 0.0)),
        ("right_eye", gaze_rotation(gaze_rad, 0.0)),
    ):
        at = JOINT_NAMES.index(joint)
        weight = head.skin_weights[:, 1 + at, None]
        lever = shaped - head.joint_neutral[at]
        result += weight * (lever @ (rotation - np.eye(3)).T)
    return result
