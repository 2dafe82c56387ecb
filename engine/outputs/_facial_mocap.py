"""The text of iFacialMocap, versions 1 and 2, and what a receiver asks for.

One frame: `name-37|...|=head#rx,ry,rz,x,y,z|rightEye#rx,ry,rz|leftEye#rx,ry,rz|`. Shapes are whole
numbers, 0 to 100, named in ARKit's way but for `_L` and `_R`; version 2 has & instead of -. Angles
are degrees and places metres in ARKit's axes: a turn about x is positive down, about y towards the
subject's own left, about z towards the own right shoulder; a face before the camera has z < 0.
In the example of the maker's page, eyes that look down and inwards tell these signs.

Source: ifacialmocap.com/for-developer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine import axes
from engine.types import BLENDSHAPE_NAMES, Array, Blendshapes, HeadState

TOKEN = "sahuasouryya9218sauhuiayeta91555dy3719"
FRAME_END = b"___iFacialMocap"  # after every frame over TCP
SECOND_VERSION = "|sendDataVersion=v2"
_REQUESTS = {
    f"iFacialMocap_{TOKEN}": "udp",
    f"iFacialMocap_UDPTCP_{TOKEN}": "tcp",
    f"iFacialMocap_UDPTCPSTOP_{TOKEN}": "stop",
    "iFacialMocap_lookForward": "look forward",
}


@dataclass(frozen=True)
class Request:
    """What a receiver asks for."""

    wish: str  # udp, tcp, stop, look forward
    version: int  # of the text


@dataclass(frozen=True)
class Face:
    """A decoded frame: shapes 0 to 1 by ARKit's names; degrees and metres in ARKit's axes."""

    shapes: dict[str, float]
    head: tuple[float, ...]  # six numbers
    right_eye: tuple[float, ...]  # three numbers
    left_eye: tuple[float, ...]


def spelled(name: str) -> str:
    """Return iFacialMocap's name of a shape."""
    for side, ending in (("Left", "_L"), ("Right", "_R")):
        if name.endswith(side) and name not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
            return name.removesuffix(side) + ending
    return name


NAMES = tuple(spelled(name) for name in BLENDSHAPE_NAMES)
_ARKIT_NAMES = dict(zip(NAMES, BLENDSHAPE_NAMES, strict=True))


def request(packet: bytes) -> Request | None:
    """Read what a receiver asks for; None if it is nothing of this protocol."""
    longest = max(map(len, _REQUESTS)) + len(SECOND_VERSION)
    text = packet[: longest + 1].decode("ascii", errors="replace").rstrip("\0\r\n ")
    wish = _REQUESTS.get(text.removesuffix(SECOND_VERSION))
    return None if wish is None else Request(wish, 2 if text.endswith(SECOND_VERSION) else 1)


def encode(head: HeadState, blendshapes: Blendshapes, version: int) -> bytes:
    """Return the text of one face."""
    mark = "-" if version == 1 else "&"
    percent = np.rint(np.clip(blendshapes.weights, 0.0, 1.0) * 100).astype(int).tolist()
    shapes = "".join(f"{n}{mark}{p}|" for n, p in zip(NAMES, percent, strict=True))
    place = head.camera_from_head[:3, 3] * (1.0, -1.0, -1.0)
    left, right = (_numbers(_eye(gaze)) for gaze in head.gaze)
    turned = _numbers(_turned(head.camera_from_head[:3, :3]), place)
    return f"{shapes}=head#{turned}|rightEye#{right}|leftEye#{left}|".encode("ascii")


def decode(packet: bytes) -> Face:
    """Read one frame of either version. Raises ValueError saying what is wrong with it."""
    shapes_text, found, rest = packet.decode("utf-8").partition("=")
    if not found:
        raise ValueError("no = between shapes and head")
    shapes = dict(_shape(part) for part in shapes_text.split("|") if part)
    turns = {name: numbers for name, _, numbers in (p.partition("#") for p in rest.split("|") if p)}
    try:
        head, right, left = (
            tuple(map(float, turns[name].split(","))) for name in ("head", "rightEye", "leftEye")
        )
    except KeyError as error:
        raise ValueError(f"no {error}") from None
    if (len(head), len(right), len(left)) != (6, 3, 3):
        raise ValueError("needs six numbers for the head and three for each eye")
    return Face(shapes, head, right, left)


def _shape(part: str) -> tuple[str, float]:
    name, mark, value = part.partition("&" if "&" in part else "-")
    if not mark:
        raise ValueError(f"{part!r} is no shape")
    return _ARKIT_NAMES.get(name, name), float(value) / 100


def _turned(rotation: Array) -> Array:
    yaw, pitch, roll = axes.turns(rotation)
    return np.rad2deg([pitch, -yaw, -roll])


def _eye(gaze: Array) -> Array:
    yaw, pitch = np.rad2deg(gaze)
    return np.array([pitch, yaw, 0.0])


def _numbers(*vectors: Array) -> str:
    # Adding 0 makes -0 plain.
    return ",".join(f"{value + 0.0:.6f}" for value in np.concatenate(vectors))
