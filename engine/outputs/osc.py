"""Plain OSC with addresses of your own: TouchDesigner, Max, Blender, your own programs.

Per frame, over UDP or TCP: whether a face is tracked, all 52 shapes, head and gaze in the axes and
units of the receiver. A face that is lost sends its state alone.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engine import axes
from engine.errors import OutputError
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery
from engine.outputs._datagram import DatagramSender, NetworkSettings
from engine.outputs._osc import IMMEDIATELY, PAYLOAD_BYTES, Template, bundles, message, time_tag
from engine.outputs._rate import Rate, RateSettings
from engine.outputs._stream import ROOM_BYTES, StreamSender
from engine.settings import setting
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, SIDE_NAMES, HeadState, TrackResult

CM_PER_M = 100.0


@dataclass(frozen=True)
class Settings:
    """Where to, which addresses, which axes and units."""

    host: str = setting("127.0.0.1", "Name or address of the receiver.")
    port: int = setting(7000, "Port of the receiver.", minimum=1, maximum=65535)
    transport: str = setting(
        "udp", "UDP, or TCP with SLIP (OSC 1.1): the network loses nothing.", choices=("udp", "tcp")
    )
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    style: str = setting(
        "bundle",
        "A frame as bundles, as one packet for every message, or with all shapes in one list.",
        choices=("bundle", "messages", "list"),
    )
    shape_address: str = setting("/face/{shape}", "Address of a shape; {shape} is its name.")
    list_address: str = setting("/face", "Address of the list of all shapes, in style `list`.")
    head: bool = setting(True, "Send /head/position and /head/rotation.")
    gaze: bool = setting(True, "Send /gaze/left and /gaze/right: yaw and pitch.")
    deviations: bool = setting(False, "Send each shape's standard deviation under .../sd.")
    halves: bool = setting(False, "Send the left and right halves of inner brows and cheeks too.")
    axes: str = setting("unity", "Axes and signs of head and gaze.", choices=axes.PLACED)
    rotation: str = setting(
        "degrees",
        "Rotations as yaw, pitch, roll in degrees or radians; the head's also as a quaternion "
        "x, y, z, w, with gaze in radians.",
        choices=("degrees", "radians", "quaternion"),
    )
    length: str = setting("metres", "Unit of the head's position.", choices=("metres", "cm"))
    time_tags: bool = setting(False, "Stamp bundles with the time of capture, not `immediately`.")
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    rate: RateSettings = field(default=RateSettings(), metadata={"about": "How often is sent."})
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine; UDP only."}
    )


class OscSink:
    """Sends every result under the addresses of the settings."""

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        names = BLENDSHAPE_NAMES + (SIDE_NAMES if settings.halves else ())
        addresses = [shape_address(settings.shape_address, name) for name in names]
        self._names = names
        self._shapes = [Template(address, floats=1) for address in addresses]
        self._sds = [Template(f"{a}/sd", floats=1) for a in addresses[: len(BLENDSHAPE_NAMES)]]
        _checked(settings.list_address)
        self._lists = {
            n: Template(settings.list_address, floats=n)
            for n in (len(BLENDSHAPE_NAMES), len(names))
        }
        self._list_sd = Template(f"{settings.list_address}/sd", floats=len(BLENDSHAPE_NAMES))
        self._position = Template("/head/position", floats=3)
        turns = 4 if settings.rotation == "quaternion" else 3
        self._rotation = Template("/head/rotation", floats=turns)
        self._eyes = [Template(f"/gaze/{side}", floats=2) for side in ("left", "right")]
        self._states = {on: message("/face/tracking", int(on)) for on in (False, True)}
        self._smoother, self._rate = Smoother(settings.smoothing), Rate(settings.rate)
        self._sender: DatagramSender | StreamSender
        if settings.transport == "tcp":
            self._sender = StreamSender("OSC", settings.host, settings.port)
            self._limit = ROOM_BYTES // 4
        else:
            self._sender = DatagramSender("OSC", settings.host, settings.port, settings.network)
            self._limit = PAYLOAD_BYTES

    @property
    def traffic(self) -> Traffic:
        """What was sent."""
        return self._sender.traffic

    def send(self, result: TrackResult) -> None:
        """Send one frame; a receiver that is down is counted."""
        for due in self._rate(self._smoother(result)):
            messages = self._messages(due)
            if self._settings.style == "messages":
                packets = messages
            else:
                stamped = self._settings.time_tags
                tag = time_tag(due.captured_ns) if stamped else IMMEDIATELY
                packets = bundles(messages, tag, self._limit)
            for packet in packets:
                self._sender.send(packet)
            values = self._values(due)
            self.traffic.show(self._names[: len(values)], values)

    def close(self) -> None:
        """Close the connection."""
        self._sender.close()

    def _values(self, result: TrackResult) -> list[float]:
        shapes = result.blendshapes
        if shapes is None:
            return []
        values: list[float] = shapes.weights.tolist()
        if self._settings.halves and shapes.sides is not None:
            values += shapes.sides.tolist()
        return values

    def _messages(self, result: TrackResult) -> Iterator[bytes]:
        head, shapes = result.head, result.blendshapes
        yield self._states[head is not None]
        if head is None or shapes is None:
            return
        values = self._values(result)
        sd: list[float] | None = None
        if self._settings.deviations and shapes.sd is not None:
            sd = shapes.sd.tolist()
        if self._settings.style == "list":
            yield self._lists[len(values)].filled(*values)
            if sd is not None:
                yield self._list_sd.filled(*sd)
        else:
            for template, value in zip(self._shapes, values, strict=False):
                yield template.filled(value)
            for template, value in zip(self._sds, sd or (), strict=False):
                yield template.filled(value)
        yield from self._pose(head)

    def _pose(self, head: HeadState) -> Iterator[bytes]:
        wish = self._settings
        unit = np.degrees(1.0) if wish.rotation == "degrees" else 1.0
        if wish.head:
            scale = CM_PER_M if wish.length == "cm" else 1.0
            place = axes.system_from_ours(wish.axes) @ head.camera_from_head[:3, 3] * scale
            yield self._position.filled(*map(float, place))
            turn = head.camera_from_head[:3, :3]
            if wish.rotation == "quaternion":
                w, x, y, z = axes.quaternion(axes.rotation_in(wish.axes, turn))
                yield self._rotation.filled(x, y, z, w)
            else:
                yield self._rotation.filled(*(unit * a for a in axes.head_angles(wish.axes, turn)))
        if wish.gaze:
            for template, eye in zip(self._eyes, head.gaze, strict=True):
                yield template.filled(*(unit * a for a in axes.gaze_angles(wish.axes, eye)))


def create(settings: Settings) -> OscSink:
    """Look the receiver up. Raises OutputError for an unknown host or an impossible address."""
    return OscSink(settings)


def shape_address(template: str, shape: str) -> str:
    """Put the name of a shape into a template. Raises OutputError if it has no place for it."""
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise OutputError(f"OSC address {template!r}: {error}") from error
    if fields != {"shape"}:
        raise OutputError(f"OSC address {template!r}: needs {{shape}} and no other braces")
    return _checked(template.format(shape=shape))


def _checked(address: str) -> str:
    if not address.startswith("/") or any(c in " #*,?[]{}" or not c.isascii() for c in address):
        raise OutputError(f"OSC address {address!r}: begins with / and is ASCII without #*,?[]{{}}")
    return address
