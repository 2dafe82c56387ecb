"""Which cameras this machine has, and what they are called."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2

from engine.capture import _v4l2
from engine.errors import SourceError

MOST_CAMERAS = 10  # tried by number where the system does not list them
COMPRESSED = "MJPG"
_INTERFACE = 100  # OpenCV's numbers of interfaces are its multiples
_RATE_SLACK = 0.5  # 29.97 passes for 30
# What OpenCV can turn into a picture, and how it is called.
FORMAT_NAMES = {
    "YUYV": "YUYV",
    "NV12": "NV12",
    "UYVY": "UYVY",
    "YU12": "YU12",
    "GREY": "grey",
    COMPRESSED: "MJPEG",
}


@dataclass(frozen=True)
class Device:
    """A camera. OpenCV opens it by number."""

    number: int
    name: str


@dataclass(frozen=True, order=True)
class Mode:
    """One way in which a camera sends pictures."""

    width_px: int
    height_px: int
    frame_rate: float
    pixel_format: str  # four letters, a key of FORMAT_NAMES


def listed(system: Path = Path("/sys/class/video4linux")) -> list[Device]:
    """Return the cameras of this machine, by number.

    system  where Linux describes its video devices; elsewhere a library asks the system, and
            without it numbers are tried one by one
    """
    if sys.platform.startswith("linux"):
        return _from_linux(system)
    named = _by_library()
    return _by_trying() if named is None else named


def resolve(wanted: str, devices: list[Device]) -> Device:
    """Return the camera that the user named.

    wanted   a number ("0"), a device file ("/dev/video0"), or a name or the start of one
    Raises SourceError naming the cameras that there are.
    """
    number = wanted.removeprefix("/dev/video")
    for device in devices:
        numbers = (device.number, device.number % _INTERFACE)
        same_number = number.isdecimal() and int(number) in numbers
        same_name = wanted and device.name.casefold().startswith(wanted.casefold())
        if same_number or same_name:
            return device
    there = ", ".join(f"{device.number} ({device.name})" for device in devices) or "none"
    raise SourceError(f"camera {wanted!r}: no such camera; found: {there}")


def modes(device: Device, wanted_rate: float) -> tuple[Mode, ...]:
    """Return what a camera offers, large and fast first; nothing where the system does not say.

    wanted_rate  frames a second: for a size that raw formats do not carry so fast, MJPEG is first
    """
    if not sys.platform.startswith("linux"):
        return ()
    return in_order(_v4l2.modes_of_device(f"/dev/video{device.number}"), wanted_rate)


def in_order(offered: list[_v4l2.Mode], wanted_rate: float) -> tuple[Mode, ...]:
    """Return what can be used of what a driver lists, the best first; see `modes`."""
    usable = {
        Mode(width, height, round(rate, 3), letters)
        for letters, width, height, rate in offered
        if letters in FORMAT_NAMES
    }
    fast_raw = {
        (mode.width_px, mode.height_px)
        for mode in usable
        if mode.pixel_format != COMPRESSED and mode.frame_rate >= wanted_rate - _RATE_SLACK
    }

    def rank(mode: Mode) -> tuple[object, ...]:
        size = mode.width_px, mode.height_px
        second = (mode.pixel_format == COMPRESSED) == (size in fast_raw)
        order = list(FORMAT_NAMES).index(mode.pixel_format)
        return (-size[0] * size[1], size, second, order, -mode.frame_rate)

    return tuple(sorted(usable, key=rank))


def lasting_name(device: Device, devices: list[Device]) -> str:
    """Return by what to remember a camera: its name, or its number where two have the same."""
    same = sum(other.name == device.name for other in devices)
    return device.name if same == 1 else str(device.number)


def _from_linux(system: Path) -> list[Device]:
    found: list[Device] = []
    for folder in system.glob("video*"):
        number = folder.name.removeprefix("video")
        # A camera also registers device files for metadata; those have a higher index.
        index = _text(folder / "index") or "0"
        if number.isdecimal() and index == "0":
            found.append(Device(int(number), _text(folder / "name") or folder.name))
    return sorted(found, key=lambda device: device.number)


def _by_library() -> list[Device] | None:
    """Return what the system calls its cameras; None if the library is not there.

    Where a system has several interfaces, every camera is listed once for each, with the interface
    in the hundreds of its number, by which OpenCV opens it: those of the first are taken.
    """
    try:
        library = importlib.import_module("cv2_enumerate_cameras")
    except ImportError:
        return None
    found = [Device(int(info.index), str(info.name)) for info in library.enumerate_cameras()]
    return [one for one in found if one.number // _INTERFACE == found[0].number // _INTERFACE]


def _by_trying() -> list[Device]:
    found: list[Device] = []
    for number in range(MOST_CAMERAS):
        capture = cv2.VideoCapture(number)
        if not capture.isOpened():
            break
        found.append(Device(number, f"camera {number}"))
        capture.release()
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if os.access(path, os.R_OK) else ""
