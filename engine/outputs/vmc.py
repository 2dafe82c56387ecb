"""The VMC protocol over OSC, which the avatar programs of VTubers understand.

Per frame: whether a face is tracked, the time, root, head, neck and eye bones, all 52 shapes, and
Apply at the end. Local bone rotations in Unity's axes (engine.axes). A frame is larger than one
network packet, so it is split into bundles of at most PAYLOAD_BYTES; Apply stands in the last only.
A face that is lost sends its state and the time, and no values.

Source: VirtualMotionCaptureProtocol, docs/specification.markdown and performer specification.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from pythonosc.osc_message_builder import OscMessageBuilder

from engine import axes, clock
from engine.errors import OutputError
from engine.fit.heads import gaze_rotation
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery
from engine.settings import setting
from engine.types import BLENDSHAPE_NAMES, Array, HeadState, TrackResult

PAYLOAD_BYTES = 1200  # as the original sender; the specification allows a packet of 1500
BUNDLE_START = b"#bundle\0" + struct.pack(">Q", 1)  # the time tag 1 means "immediately"
EYE_BONES = ("LeftEye", "RightEye")  # in the order of HeadState.gaze
NO_PLACE = (0.0, 0.0, 0.0)
NO_TURN = (0.0, 0.0, 0.0, 1.0)  # x, y, z, w
LOADED, CALIBRATED, NORMAL_MODE = 1, 3, 0


@dataclass(frozen=True)
class Settings:
    """Where to, and in which dialect."""

    host: str = setting("127.0.0.1", "Name or address of the receiver.")
    port: int = setting(39539, "UDP port of the receiver.", minimum=1, maximum=65535)
    names: str = setting(
        "PascalCase", "Spelling of the 52 shapes.", choices=("PascalCase", "camelCase")
    )
    neck_share: float = setting(
        0.3, "Share of the head's turn that the neck makes.", minimum=0.0, maximum=1.0
    )
    root_follows: bool = setting(False, "Move the avatar as the head moves before the camera.")
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )


class VmcSink:
    """Sends every result as the bundles of one VMC frame. Raises OutputError when made, not later.

    undelivered  packets that the system refused, for example because nobody listens
    """

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smoother = Smoother(settings.smoothing)
        self._socket = _connected(settings.host, settings.port)
        self._first_ns: int | None = None
        self._home: Array | None = None
        self.undelivered = 0
        self._values = [_Template("/VMC/Ext/Blend/Val", n, 1) for n in _spelled(settings.names)]
        self._bones = {
            name: _Template("/VMC/Ext/Bone/Pos", name, 7) for name in ("Neck", "Head", *EYE_BONES)
        }
        self._root = _Template("/VMC/Ext/Root/Pos", "root", 7)
        self._time = _Template("/VMC/Ext/T", None, 1)
        self._apply = _message("/VMC/Ext/Blend/Apply")
        self._states = {
            tracked: _message("/VMC/Ext/OK", LOADED, CALIBRATED, NORMAL_MODE, int(tracked))
            for tracked in (False, True)
        }

    def send(self, result: TrackResult) -> None:
        """Send one frame; a receiver that is down is counted in `undelivered`."""
        for packet in _bundles(self._messages(self._smoother(result))):
            try:
                self._send_packet(packet)
            except OSError:
                self.undelivered += 1

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send_packet(self, packet: bytes) -> None:
        try:
            self._socket.send(packet)
        except ConnectionRefusedError:
            # This is the answer to an earlier packet; the present one has not been sent yet.
            self.undelivered += 1
            self._socket.send(packet)

    def _messages(self, result: TrackResult) -> Iterator[bytes]:
        if self._first_ns is None:
            self._first_ns = result.captured_ns
        head, blendshapes = result.head, result.blendshapes
        yield self._states[head is not None]
        yield self._time.filled((result.captured_ns - self._first_ns) / clock.NS_PER_S)
        if head is None or blendshapes is None:
            return
        yield self._root.filled(*self._root_place(head), *NO_TURN)
        yield from self._bone_messages(head)
        for template, weight in zip(self._values, blendshapes.weights, strict=True):
            yield template.filled(float(weight))
        yield self._apply

    def _bone_messages(self, head: HeadState) -> Iterator[bytes]:
        turn, neck_share = head.camera_from_head[:3, :3], self._settings.neck_share
        turns = {"Neck": axes.share(turn, neck_share), "Head": axes.share(turn, 1.0 - neck_share)}
        for bone, (yaw, pitch) in zip(EYE_BONES, head.gaze, strict=True):
            turns[bone] = axes.quaternion(gaze_rotation(float(yaw), float(pitch)))
        for bone, (w, x, y, z) in turns.items():
            yield self._bones[bone].filled(*NO_PLACE, float(x), float(y), float(z), float(w))

    def _root_place(self, head: HeadState) -> tuple[float, float, float]:
        """Return how far the head is from where it was first seen, in Unity's axes."""
        if not self._settings.root_follows:
            return NO_PLACE
        place = head.camera_from_head[:3, 3]
        if self._home is None:
            self._home = np.array(place)
        x, y, z = axes.unity_from_ours(place - self._home)
        return float(x), float(y), float(z)


def create(settings: Settings) -> VmcSink:
    """Look the receiver up. Raises OutputError if the host is unknown or the port impossible."""
    return VmcSink(settings)


class _Template:
    """A message whose trailing floats change: built once, since building takes python-osc 20 us."""

    def __init__(self, address: str, name: str | None, floats: int) -> None:
        arguments = (() if name is None else (name,)) + (0.0,) * floats
        message = _message(address, *arguments)
        self._head, self._tail = message[: -4 * floats], struct.Struct(f">{floats}f")

    def filled(self, *values: float) -> bytes:
        return self._head + self._tail.pack(*values)


def _message(address: str, *arguments: str | int | float) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


def _bundles(messages: Iterator[bytes]) -> Iterator[bytes]:
    """Pack messages, in order, into as few bundles as fit PAYLOAD_BYTES."""
    bundle = BUNDLE_START
    for message in messages:
        element = struct.pack(">i", len(message)) + message
        if len(bundle) + len(element) > PAYLOAD_BYTES:
            yield bundle
            bundle = BUNDLE_START
        bundle += element
    yield bundle


def _spelled(names: str) -> tuple[str, ...]:
    if names == "camelCase":
        return BLENDSHAPE_NAMES
    return tuple(name[0].upper() + name[1:] for name in BLENDSHAPE_NAMES)


def _connected(host: str, port: int) -> socket.socket:
    if not 1 <= port <= 65535:
        raise OutputError(f"VMC port {port}: allowed are 1 to 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (socket.gaierror, UnicodeError) as error:
        raise OutputError(f"VMC receiver {host!r}: unknown host name ({error})") from error
    family, kind, protocol, _, address = found[0]
    # Connected, so that the name is looked up once and a closed port is reported back.
    connection = socket.socket(family, kind, protocol)
    try:
        connection.connect(address)
        connection.setblocking(False)
    except OSError as error:
        connection.close()
        raise OutputError(f"VMC receiver {host!r}: cannot be reached ({error})") from error
    return connection
