"""Packets of the Live Link Face app (version 6), which Unreal Engine receives.

Big-endian: version, device id, subject name, frame number, sub-frame, frame rate, and 61 values:
the 52 shapes in the order of BLENDSHAPE_NAMES, then yaw, pitch, roll of head, left, right eye.
A packet that ends before the count of values says that the frame has no face.

Angles are radians. Measured on a recorded stream of the app: an eye's yaw is positive towards the
subject's own right and its pitch down; the head's yaw is positive towards the own left, its pitch
up, its roll towards the own right shoulder.
Source: the packets of LLV's recorded example and PyLiveLinkFace 0.1.
"""

from __future__ import annotations

import struct
import time
import uuid
from dataclasses import dataclass

import numpy as np

from engine import axes, clock
from engine.errors import OutputError
from engine.types import Array, Blendshapes, HeadState

VERSION = 6
LONGEST_TEXT = 256  # what Unreal keeps of a name
TURN_NAMES = tuple(
    f"{part}{turn}" for part in ("Head", "LeftEye", "RightEye") for turn in ("Yaw", "Pitch", "Roll")
)
VALUES = 61
RATES: dict[str, tuple[int, int]] = {
    "23.976": (24000, 1001), "24": (24, 1), "25": (25, 1), "29.97": (30000, 1001), "30": (30, 1),
    "48": (48, 1), "50": (50, 1), "59.94": (60000, 1001), "60": (60, 1), "90": (90, 1),
    "100": (100, 1), "120": (120, 1),
}  # fmt: skip

_TIME = struct.Struct(">ifii")
_FACE = struct.Struct(f">B{VALUES}f")


@dataclass(frozen=True)
class Turns:
    """How angles are written: as the app does unless changed."""

    half_turns: bool = False  # degrees / 180 instead of radians, as the engine's own publisher
    flip_yaw: bool = False  # of the head
    flip_pitch: bool = False
    flip_roll: bool = False


@dataclass(frozen=True)
class FrameTime:
    """A moment, counted in frames."""

    frame: int
    sub_frame: float  # of a frame, 0 to 1
    rate: tuple[int, int]  # numerator, denominator


@dataclass(frozen=True)
class Packet:
    """A decoded packet; `values` (61,) are None if the frame has no face."""

    device: str
    subject: str
    time: FrameTime
    values: tuple[float, ...] | None


def device_id(subject: str) -> str:
    """Return an id, a UUID, that is always the same for this computer and subject.

    Unreal keeps one subject for each device, hence an id for each.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"flowface-live {uuid.getnode():012x} {subject}"))


def head_of_packet(device: str, subject: str) -> bytes:
    """Return what is the same in every packet. Raises OutputError for a name that hosts misread."""
    head = bytes([VERSION])
    for what, text in (("device id", device), ("subject", subject)):
        # Some receivers count characters where the packet counts bytes.
        if not text.isascii() or not 1 <= len(text) <= LONGEST_TEXT or not text.isprintable():
            raise OutputError(
                f"Live Link Face {what} {text!r}: allowed are 1 to {LONGEST_TEXT} ASCII characters"
            )
        head += struct.pack(">i", len(text)) + text.encode("ascii")
    return head


def time_of_day(unix_ns: int, rate: tuple[int, int]) -> FrameTime:
    """Count frames since midnight, local time, as time code does.

    unix_ns  Unix time in nanoseconds
    rate     frames a second: numerator, denominator
    """
    seconds, rest_ns = divmod(unix_ns, clock.NS_PER_S)
    local = time.localtime(seconds)
    since_midnight = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec
    numerator, denominator = rate
    ticks = (since_midnight * clock.NS_PER_S + rest_ns) * numerator
    frame, rest = divmod(ticks, denominator * clock.NS_PER_S)
    return FrameTime(frame, rest / (denominator * clock.NS_PER_S), rate)


def values_of(head: HeadState, blendshapes: Blendshapes, turns: Turns) -> Array:
    """Return the 61 values of a face."""
    yaw, pitch, roll = axes.turns(head.camera_from_head[:3, :3])
    signs = np.where([turns.flip_yaw, turns.flip_pitch, turns.flip_roll], 1.0, -1.0)
    angles = np.zeros((3, 3))
    angles[0] = signs * (yaw, pitch, roll)
    angles[1:, 0], angles[1:, 1] = -head.gaze[:, 0], head.gaze[:, 1]
    unit = np.pi if turns.half_turns else 1.0
    return np.concatenate([blendshapes.weights, angles.ravel() / unit])


def encode(start: bytes, moment: FrameTime, values: Array | None) -> bytes:
    """Return one packet.

    start   of `head_of_packet`
    values  (61,), None for a frame without a face
    """
    # A sub-frame that rounds up to 1 would belong to the next frame.
    sub_frame = min(float(np.float32(moment.sub_frame)), float(np.nextafter(np.float32(1), 0)))
    packet = start + _TIME.pack(moment.frame, sub_frame, *moment.rate)
    return packet if values is None else packet + _FACE.pack(VALUES, *values.tolist())


def decode(packet: bytes) -> Packet:
    """Read a packet. Raises ValueError saying what is wrong with it."""
    if packet[:1] != bytes([VERSION]):
        raise ValueError(f"not a Live Link Face packet of version {VERSION}")
    device, position = _text(packet, 1)
    subject, position = _text(packet, position)
    try:
        frame, sub_frame, numerator, denominator = _TIME.unpack_from(packet, position)
    except struct.error:
        raise ValueError("cut before the frame time") from None
    moment = FrameTime(frame, sub_frame, (numerator, denominator))
    rest = packet[position + _TIME.size :]
    if not rest:
        return Packet(device, subject, moment, None)
    if rest[0] != VALUES or len(rest) != _FACE.size:
        raise ValueError(f"{rest[0]} values in {len(rest)} bytes; needs {VALUES} in {_FACE.size}")
    return Packet(device, subject, moment, _FACE.unpack(rest)[1:])


def _text(packet: bytes, position: int) -> tuple[str, int]:
    try:
        (length,) = struct.unpack_from(">i", packet, position)
    except struct.error:
        raise ValueError("cut before a name") from None
    start, end = position + 4, position + 4 + length
    if not 0 <= length <= LONGEST_TEXT or end > len(packet):
        raise ValueError(f"a name of {length} bytes")
    try:
        return packet[start:end].decode("utf-8"), end
    except UnicodeDecodeError:
        raise ValueError("a name that is no text") from None
