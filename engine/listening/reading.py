"""Packets of every protocol that the outputs speak, as names and numbers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from engine import osc_reader
from engine.osc_reader import Message
from engine.outputs import _facial_mocap, _live_link
from engine.outputs.face_cap import SHAPES as FACE_CAP_SHAPES
from engine.types import BLENDSHAPE_NAMES

AUTO = "auto"
_PARAMETERS, _EYES = "/avatar/parameters/", "/tracking/eye/"
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
_FACE_CAP_TURNS = {
    "/HT": ("head.x", "head.y", "head.z"), "/HR": ("head.rx", "head.ry", "head.rz"),
    "/HRQ": ("head.qx", "head.qy", "head.qz", "head.qw"),
    "/ELR": ("leftEye.1", "leftEye.2"), "/ERR": ("rightEye.1", "rightEye.2"),
}  # fmt: skip
_OPEN_SEE_FACE = struct.Struct("<di4fBf10f")
_OPEN_SEE_FACE_BYTES = 1785
_OPEN_SEE_FACE_NAMES = (
    "time", "face", "width", "height", "rightEyeOpen", "leftEyeOpen", "success", "error",
    "head.qx", "head.qy", "head.qz", "head.qw", "head.rx", "head.ry", "head.rz",
    "head.x", "head.y", "head.z",
)  # fmt: skip
_FEATURES = (
    "eye_l", "eye_r", "eyebrow_steepness_l", "eyebrow_updown_l", "eyebrow_quirk_l",
    "eyebrow_steepness_r", "eyebrow_updown_r", "eyebrow_quirk_r", "mouth_corner_updown_l",
    "mouth_corner_inout_l", "mouth_corner_updown_r", "mouth_corner_inout_r", "mouth_open",
    "mouth_wide",
)  # fmt: skip

Values = dict[str, float]


def recognised(packet: bytes) -> str:
    """Return the protocol of a packet. Raises ValueError if it is none of ours."""
    if packet[:1] == b"/" or packet.startswith(b"#bundle\0"):
        return _osc_dialect({message.address for message in osc_reader.read(packet)})
    if packet[:1] == bytes([_live_link.VERSION]):
        _live_link.decode(packet)
        return "live_link_face"
    if b"=head#" in packet or _facial_mocap.request(packet) is not None:
        return "ifacialmocap"
    if packet and len(packet) % _OPEN_SEE_FACE_BYTES == 0:
        return "openseeface"
    raise ValueError("no protocol that is known here")


def read(protocol: str, packet: bytes) -> Values:
    """Return the numbers of a packet by name; none for one that says that there is no face.

    Raises ValueError saying why it is no packet of that protocol.
    """
    return _READERS[protocol](packet)


def _osc_dialect(addresses: set[str]) -> str:
    if any(address.startswith("/VMC/") for address in addresses):
        return "vmc"
    if any(address.startswith((_PARAMETERS, _EYES)) for address in addresses):
        return "vrchat"
    if addresses & ({"/W"} | _FACE_CAP_TURNS.keys()):
        return "face_cap"
    return "osc"


def _numbers(message: Message) -> list[float]:
    return [float(a) for a in message.arguments if isinstance(a, int | float)]


def _plain(message: Message) -> Iterator[tuple[str, float]]:
    numbers = _numbers(message)
    for place, number in enumerate(numbers):
        yield message.address if len(numbers) == 1 else f"{message.address}/{place}", number


def _vmc(message: Message) -> Iterator[tuple[str, float]]:
    name = message.arguments[0] if message.arguments else None
    numbers = _numbers(message)
    if message.address == "/VMC/Ext/Blend/Val" and isinstance(name, str):
        yield from zip((name,), numbers, strict=False)
    elif message.address.endswith("/Pos") and isinstance(name, str):
        yield from ((f"{name}.{part}", n) for part, n in zip(_POSE, numbers, strict=False))
    elif message.address == "/VMC/Ext/OK":
        yield from zip(("loaded", "calibrated", "mode", "tracked"), numbers, strict=False)
    else:
        yield from _plain(message)


def _vrchat(message: Message) -> Iterator[tuple[str, float]]:
    for name, number in _plain(message):
        yield name.removeprefix(_PARAMETERS).removeprefix("/tracking/"), number


def _face_cap(message: Message) -> Iterator[tuple[str, float]]:
    numbers = _numbers(message)
    if message.address == "/W" and len(numbers) == 2:
        index = message.arguments[0]
        if not isinstance(index, int) or not 0 <= index < len(FACE_CAP_SHAPES):
            raise ValueError(f"shape {index}; Face Cap has 0 to {len(FACE_CAP_SHAPES) - 1}")
        yield FACE_CAP_SHAPES[index], numbers[1]
    elif message.address in _FACE_CAP_TURNS:
        yield from zip(_FACE_CAP_TURNS[message.address], numbers, strict=False)
    else:
        yield from _plain(message)


def _osc(part: Callable[[Message], Iterator[tuple[str, float]]]) -> Callable[[bytes], Values]:
    return lambda packet: dict(pair for m in osc_reader.read(packet) for pair in part(m))


def _live_link_face(packet: bytes) -> Values:
    values = _live_link.decode(packet).values
    names = BLENDSHAPE_NAMES + _live_link.TURN_NAMES
    return {} if values is None else dict(zip(names, values, strict=True))


def _ifacialmocap(packet: bytes) -> Values:
    if _facial_mocap.request(packet) is not None:
        return {}
    face = _facial_mocap.decode(packet.removesuffix(_facial_mocap.FRAME_END))
    values = dict(face.shapes)
    turns = (("head", face.head), ("rightEye", face.right_eye), ("leftEye", face.left_eye))
    for part, numbers in turns:
        named = zip(("rx", "ry", "rz", "x", "y", "z"), numbers, strict=False)
        values |= {f"{part}.{name}": number for name, number in named}
    return values


def _openseeface(packet: bytes) -> Values:
    if not packet or len(packet) % _OPEN_SEE_FACE_BYTES:
        raise ValueError(f"{len(packet)} bytes; a face has {_OPEN_SEE_FACE_BYTES}")
    start = dict(zip(_OPEN_SEE_FACE_NAMES, _OPEN_SEE_FACE.unpack_from(packet), strict=True))
    at = _OPEN_SEE_FACE_BYTES - 4 * len(_FEATURES)
    features = struct.unpack_from(f"<{len(_FEATURES)}f", packet, at)
    return {name: float(n) for name, n in start.items()} | dict(
        zip(_FEATURES, features, strict=True)
    )


_READERS: dict[str, Callable[[bytes], Values]] = {
    "vmc": _osc(_vmc),
    "osc": _osc(_plain),
    "vrchat": _osc(_vrchat),
    "face_cap": _osc(_face_cap),
    "live_link_face": _live_link_face,
    "ifacialmocap": _ifacialmocap,
    "openseeface": _openseeface,
}
PROTOCOLS = (AUTO, *_READERS)
