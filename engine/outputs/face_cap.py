"""Face Cap's OSC, the oldest habit of ARKit faces over OSC: Blender, MotionBuilder, Unity samples.

Per frame /HT (place), /HR (head), /ELR and /ERR (eyes), and /W with index and weight for all 52
shapes, in Face Cap's own order. Metres and degrees in ARKit's axes: a turn about x is positive
down, about y towards the subject's own left, about z towards the own right shoulder; a face before
the camera has z < 0. A lost face sends nothing, since the protocol has no word for it.

Source: OpenMoBu's Face Cap device (addresses, order); Face Cap's Unity receiver (axes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engine import axes
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery
from engine.outputs._datagram import DatagramSender, NetworkSettings
from engine.outputs._osc import Template, bundles
from engine.outputs._rate import Rate, RateSettings
from engine.settings import setting
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, Blendshapes, HeadState, TrackResult

SHAPES: tuple[str, ...] = (
    "browInnerUp", "browDownLeft", "browDownRight", "browOuterUpLeft", "browOuterUpRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft",
    "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "jawOpen",
    "jawForward", "jawLeft", "jawRight", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthRollUpper", "mouthRollLower", "mouthShrugUpper", "mouthShrugLower", "mouthClose",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft",
    "mouthDimpleRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthStretchLeft",
    "mouthStretchRight", "tongueOut",
)  # fmt: skip
_OURS = [BLENDSHAPE_NAMES.index(name) for name in SHAPES]


@dataclass(frozen=True)
class Settings:
    """Where to."""

    host: str = setting("127.0.0.1", "Name or address of the receiver.")
    port: int = setting(9000, "UDP port of the receiver.", minimum=1, maximum=65535)
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    eyes: str = setting(
        "pitch, yaw",
        "Order of an eye's two angles: as Unity's sample reads them, or as MotionBuilder does.",
        choices=("pitch, yaw", "yaw, pitch"),
    )
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    rate: RateSettings = field(default=RateSettings(), metadata={"about": "How often is sent."})
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine."}
    )


class FaceCapSink:
    """Sends every face as one bundle. Raises OutputError when made, only."""

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._smoother, self._rate = Smoother(settings.smoothing), Rate(settings.rate)
        self._pitch_first = settings.eyes == "pitch, yaw"
        self._place, self._turn = Template("/HT", floats=3), Template("/HR", floats=3)
        self._eyes = [Template("/ELR", floats=2), Template("/ERR", floats=2)]
        self._weights = [Template("/W", index, floats=1) for index in range(len(SHAPES))]
        self._sender = DatagramSender("Face Cap", settings.host, settings.port, settings.network)

    @property
    def traffic(self) -> Traffic:
        """What was sent."""
        return self._sender.traffic

    def send(self, result: TrackResult) -> None:
        """Send one frame; a receiver that is down is counted."""
        for due in self._rate(self._smoother(result)):
            head, shapes = due.head, due.blendshapes
            if head is None or shapes is None:
                self.traffic.show((), ())
                continue
            for packet in bundles(self._messages(head, shapes)):
                self._sender.send(packet)
            self.traffic.show(BLENDSHAPE_NAMES, shapes.weights)

    def close(self) -> None:
        """Close the socket."""
        self._sender.close()

    def _messages(self, head: HeadState, shapes: Blendshapes) -> Iterator[bytes]:
        x, y, z = head.camera_from_head[:3, 3]
        yield self._place.filled(float(x), -float(y), -float(z))
        yaw, pitch, roll = np.rad2deg(axes.turns(head.camera_from_head[:3, :3]))
        yield self._turn.filled(float(pitch), -float(yaw), -float(roll))
        for template, (eye_yaw, eye_pitch) in zip(self._eyes, np.rad2deg(head.gaze), strict=True):
            angles = (float(eye_pitch), float(eye_yaw))
            yield template.filled(*angles if self._pitch_first else angles[::-1])
        for template, weight in zip(self._weights, shapes.weights[_OURS], strict=True):
            yield template.filled(float(weight))


def create(settings: Settings) -> FaceCapSink:
    """Look the receiver up. Raises OutputError if the host is unknown or the port impossible."""
    return FaceCapSink(settings)
