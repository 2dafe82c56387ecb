"""Live Link Face over UDP, for Unreal Engine, MotionBuilder and whatever reads the app's packets.

One packet a frame (engine/outputs/_live_link.py), with the time of day of the capture counted in
frames of a chosen rate. A frame without a face is sent as a packet without values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import clock
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery
from engine.outputs._datagram import DatagramSender, NetworkSettings
from engine.outputs._live_link import (
    RATES,
    TURN_NAMES,
    Turns,
    device_id,
    encode,
    head_of_packet,
    time_of_day,
    values_of,
)
from engine.outputs._rate import Rate, RateSettings
from engine.settings import setting
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, TrackResult

_NAMES = BLENDSHAPE_NAMES + TURN_NAMES


@dataclass(frozen=True)
class Settings:
    """Where to, as which subject, in which units."""

    host: str = setting("127.0.0.1", "Name or address of the receiver.")
    port: int = setting(11111, "UDP port of the receiver.", minimum=1, maximum=65535)
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    subject: str = setting("FlowFace", "Name of the subject in Live Link; ASCII.")
    device: str = setting(
        "", "Id of the device, ASCII; empty for one of this computer and subject."
    )
    frame_rate: str = setting("60", "Frames a second of the time code.", choices=tuple(RATES))
    resample: bool = setting(
        False, "Send exactly at that rate, resampled; otherwise every frame of the camera."
    )
    unit: str = setting(
        "radians",
        "Of angles: radians as the app, or degrees / 180 as Unreal's own publisher.",
        choices=("radians", "degrees/180"),
    )
    flip_yaw: bool = setting(False, "Turn the head's yaw round.")
    flip_pitch: bool = setting(False, "Turn the head's pitch round.")
    flip_roll: bool = setting(False, "Turn the head's roll round.")
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine."}
    )


class LiveLinkFaceSink:
    """Sends a packet for every frame. Raises OutputError when made, only."""

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._frame_rate = RATES[settings.frame_rate]
        hz = self._frame_rate[0] / self._frame_rate[1] if settings.resample else 0.0
        self._smoother = Smoother(settings.smoothing)
        self._rate = Rate(RateSettings(hz=hz, fixed=settings.resample))
        self._start = head_of_packet(
            settings.device or device_id(settings.subject), settings.subject
        )
        self._turns = Turns(
            settings.unit == "degrees/180",
            settings.flip_yaw,
            settings.flip_pitch,
            settings.flip_roll,
        )
        # Taken once, so that a clock that is set meanwhile does not bend the frames' distances.
        self._unix_from_monotonic_ns = clock.wall_from_monotonic_ns()
        self._sender = DatagramSender(
            "Live Link Face", settings.host, settings.port, settings.network
        )

    @property
    def traffic(self) -> Traffic:
        """What was sent."""
        return self._sender.traffic

    def send(self, result: TrackResult) -> None:
        """Send one frame; a receiver that is down is counted."""
        for due in self._rate(self._smoother(result)):
            moment = time_of_day(due.captured_ns + self._unix_from_monotonic_ns, self._frame_rate)
            values = None
            if due.head is not None and due.blendshapes is not None:
                values = values_of(due.head, due.blendshapes, self._turns)
            self._sender.send(encode(self._start, moment, values))
            self.traffic.show(*((), ()) if values is None else (_NAMES, values))

    def close(self) -> None:
        """Close the socket."""
        self._sender.close()


def create(settings: Settings) -> LiveLinkFaceSink:
    """Look the receiver up. Raises OutputError if it cannot be addressed, or a name is no ASCII."""
    return LiveLinkFaceSink(settings)
