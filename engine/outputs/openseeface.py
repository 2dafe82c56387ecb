"""OpenSeeFace's packets, for VSeeFace, VTube Studio and others that take its tracker.

One packet of 1785 bytes a face, little-endian: time, id, size of the picture, openness of the right
and left eye, success, error, rotation (quaternion and angles), translation, confidences and places
of 68 points, 70 points in three dimensions, 14 features. A lost face sends nothing: the protocol
has no word for it, and receivers notice.

The points are the person's head posed by the blendshapes that are sent, so that tuning holds here
too (engine/outputs/_face_points.py, _face_features.py). In the head x is the subject's own right,
y up, z out of the face, from the tip of the nose, and 1 is the width of a face.

OpenSeeFace solves for the pose with rows and columns exchanged, and finds the solution with a
negative depth: its x counts up in the picture, its y to the left, z is minus the distance; its
quaternion is that of the inverse rotation. We send the same. What differs: its depth supposes a
lens whose focal length is the picture's width, and its centre of the picture has width and height
exchanged, which turns a face by some degrees; ours are those of the camera.

Source: OpenSeeFace, facetracker.py (packet), tracker.py (pose), OpenSee.cs and OpenSeeIKTarget.cs
(what receivers make of it).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from engine import clock
from engine.fit.heads import gaze_rotation, open_head
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.geometry import project
from engine.outputs import Delivery
from engine.outputs._datagram import DatagramSender, NetworkSettings
from engine.outputs._face_features import FaceFeatures
from engine.outputs._face_points import LEFT_EYE_CORNER, NOSE_TIP, RIGHT_EYE_CORNER, FacePoints
from engine.outputs._rate import Rate, RateSettings
from engine.settings import setting
from engine.status import Traffic
from engine.types import (
    BLENDSHAPE_NAMES,
    Alignment,
    Array,
    Blendshapes,
    Camera,
    HeadState,
    Identity,
    TrackResult,
)

BYTES = 1785
FACE_M = 0.137  # width of a face at the ears, OpenSeeFace's unit of length
EYEBALL_M = 0.012
NEAR = 0.05  # of the distance of the outer corners of the eyes: what a confidence is about
_START = struct.Struct("<di4fBf10f")
_THEIRS_FROM_OURS = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


@dataclass(frozen=True)
class Settings:
    """Where to."""

    host: str = setting("127.0.0.1", "Name or address of the receiver.")
    port: int = setting(11573, "UDP port of the receiver.", minimum=1, maximum=65535)
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    rate: RateSettings = field(default=RateSettings(), metadata={"about": "How often is sent."})
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine."}
    )


class OpenSeeFaceSink:
    """Sends every face as one packet. Raises OutputError when made, only."""

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        head = open_head.load()
        self._vertices = len(head.neutral)
        self._points = FacePoints(head)
        self._features = FaceFeatures(self._points)
        self._person: Identity | None = None
        self._smoother, self._rate = Smoother(settings.smoothing), Rate(settings.rate)
        self._sender = DatagramSender("OpenSeeFace", settings.host, settings.port, settings.network)

    @property
    def traffic(self) -> Traffic:
        """What was sent."""
        return self._sender.traffic

    def send(self, result: TrackResult) -> None:
        """Send one frame; a receiver that is down is counted."""
        for due in self._rate(self._smoother(result)):
            head, shapes, camera = due.head, due.blendshapes, due.camera
            if head is None or shapes is None or camera is None:
                self.traffic.show((), ())
                continue
            self._know(due, head)
            self._sender.send(self._packet(due, head, shapes, camera))
            self.traffic.show(BLENDSHAPE_NAMES, shapes.weights)

    def close(self) -> None:
        """Close the socket."""
        self._sender.close()

    def _know(self, result: TrackResult, head: HeadState) -> None:
        """Take the person's face, unless another head model was fitted."""
        person = result.identity if len(head.vertices) == self._vertices else None
        if person is not self._person:
            self._person = person
            self._points.know(person)

    def _packet(
        self, result: TrackResult, head: HeadState, shapes: Blendshapes, camera: Camera
    ) -> bytes:
        face = self._points.posed(shapes.weights, head.gaze, head.neck)
        flat = project(face, head.camera_from_head, camera.intrinsics) - 0.5  # centres at 0
        confidences, error_px = self._sureness(result, head, face, camera)
        at_rest = self._points.at_rest
        nose = at_rest[NOSE_TIP]
        x, y, z = (-(np.vstack([face, _eyeballs(face, head.gaze)]) - nose) / FACE_M).T
        turn, place = head.camera_from_head[:3, :3], head.camera_from_head[:3, 3]
        right, down, away = (place + turn @ nose) / FACE_M
        unix_s = (result.captured_ns + clock.wall_from_monotonic_ns()) / clock.NS_PER_S
        start = _START.pack(
            unix_s,
            0,
            *camera.size_px,
            1.0 - shapes["eyeBlinkRight"],
            1.0 - shapes["eyeBlinkLeft"],
            True,
            error_px,
            *rotation(turn),
            *(-down, -right, -away),
        )
        points = np.column_stack([x, -y, -z])
        rest = (confidences, flat, points, self._features(face, at_rest))
        return start + b"".join(part.astype("<f4").tobytes() for part in rest)

    def _sureness(
        self, result: TrackResult, head: HeadState, face: Array, camera: Camera
    ) -> tuple[Array, float]:
        """Return confidences (68,) and how far the fit is from what was seen, px.

        A confidence is the probability that a point lies within NEAR of where it was seen; 1 where
        nobody says how sure that is.
        """
        seen = result.alignment
        if seen is None or len(head.vertices) != self._vertices:
            return np.ones(len(face)), 0.0
        measured = self._points.read(_at_vertices(seen, self._vertices))
        fitted = self._points.read(head.points_px)
        apart = np.linalg.norm(face[LEFT_EYE_CORNER] - face[RIGHT_EYE_CORNER])
        near_px = NEAR * apart * camera.intrinsics[0, 0] / head.camera_from_head[2, 3]
        confidences = 1.0 - np.exp(-0.5 * (near_px / measured[:, 2]) ** 2)
        error = measured[:, :2] - fitted
        known = np.isfinite(error).all(axis=1)
        error_px = float(np.sqrt((error[known] ** 2).mean())) if known.any() else 0.0
        return np.nan_to_num(confidences, nan=0.0), error_px


def create(settings: Settings) -> OpenSeeFaceSink:
    """Look the receiver up. Raises OutputError if the host is unknown or the port impossible."""
    return OpenSeeFaceSink(settings)


def rotation(turn: Array) -> tuple[float, ...]:
    """Return OpenSeeFace's quaternion x, y, z, w and its three angles in degrees.

    turn  (3, 3) camera from head, ours
    """
    theirs = Rotation.from_matrix(_THEIRS_FROM_OURS @ turn)
    quaternion = theirs.inv().as_quat()
    # A face that looks at the camera has w near 0, where the sign of w says nothing.
    sign = -1.0 if quaternion[0] + quaternion[1] < 0 else 1.0
    return *(sign * quaternion).tolist(), *theirs.as_euler("xyz", degrees=True).tolist()


def _eyeballs(face: Array, gaze: Array) -> Array:
    """Return the centres (2, 3) of right and left eye, behind the pupils as the gaze says."""
    ahead = np.array([0.0, 0.0, -1.0])
    looks = [gaze_rotation(*map(float, gaze[side])) @ ahead for side in (1, 0)]
    return face[-2:] - EYEBALL_M * np.array(looks)


def _at_vertices(seen: Alignment, count: int) -> Array:
    """Return x, y and sigma (count, 3) in px at every vertex; NaN where nothing was seen."""
    values = np.full((count, 3), np.nan)
    values[seen.anchors, :2], values[seen.anchors, 2] = seen.points_px, seen.sigma_px
    return values
