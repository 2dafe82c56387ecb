"""Which cameras this machine has, and what they are called."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2

from engine.errors import SourceError

MOST_CAMERAS = 10  # tried by number where the system does not list them


@dataclass(frozen=True)
class Device:
    """A camera. OpenCV opens it by number."""

    number: int
    name: str


def listed(system: Path = Path("/sys/class/video4linux")) -> list[Device]:
    """Return the cameras of this machine, by number.

    system  where Linux describes its video devices; elsewhere numbers are tried one by one
    """
    return _from_linux(system) if sys.platform.startswith("linux") else _by_trying()


def resolve(wanted: str, devices: list[Device]) -> Device:
    """Return the camera that the user named.

    wanted   a number ("0"), a device file ("/dev/video0"), or a name or the start of one
    Raises SourceError naming the cameras that there are.
    """
    number = wanted.removeprefix("/dev/video")
    for device in devices:
        same_number = number.isdecimal() and int(number) == device.number
        same_name = wanted and device.name.casefold().startswith(wanted.casefold())
        if same_number or same_name:
            return device
    there = ", ".join(f"{device.number} ({device.name})" for device in devices) or "none"
    raise SourceError(f"camera {wanted!r}: no such camera; found: {there}")


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
