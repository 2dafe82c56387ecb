"""What a camera offers, from a made-up driver that answers in the structures of videodev2.h."""

from __future__ import annotations

import ctypes
import errno
from typing import ClassVar

import pytest

from engine.capture import _v4l2
from engine.capture.cameras import Mode, in_order

U = ctypes.c_uint32
MJPG, YUYV, H264 = 0x47504A4D, 0x56595559, 0x34363248  # printed by a C program with the header
# From the same program: request numbers, whose upper half holds the size of the structure.
REQUESTS = {0xC0405602: 64, 0xC02C564A: 44, 0xC034564B: 52}


class Fmtdesc(ctypes.Structure):
    _fields_ = [
        ("index", U),
        ("type", U),
        ("flags", U),
        ("description", ctypes.c_char * 32),
        ("pixelformat", U),
        ("mbus_code", U),
        ("reserved", U * 3),
    ]


class Discrete(ctypes.Structure):
    _fields_ = [("width", U), ("height", U)]


class Stepwise(ctypes.Structure):
    _fields_ = [
        (name, U)
        for name in (
            *("min_width", "max_width", "step_width"),
            *("min_height", "max_height", "step_height"),
        )
    ]


class SizeUnion(ctypes.Union):
    _fields_ = [("discrete", Discrete), ("stepwise", Stepwise)]


class Frmsizeenum(ctypes.Structure):
    _fields_ = [
        ("index", U),
        ("pixel_format", U),
        ("type", U),
        ("u", SizeUnion),
        ("reserved", U * 2),
    ]


class Fract(ctypes.Structure):
    _fields_ = [("numerator", U), ("denominator", U)]


class Intervals(ctypes.Structure):
    _fields_ = [("min", Fract), ("max", Fract), ("step", Fract)]


class IntervalUnion(ctypes.Union):
    _fields_ = [("discrete", Fract), ("stepwise", Intervals)]


class Frmivalenum(ctypes.Structure):
    _fields_ = [
        ("index", U),
        ("pixel_format", U),
        ("width", U),
        ("height", U),
        ("type", U),
        ("u", IntervalUnion),
        ("reserved", U * 2),
    ]


class Driver:
    """A webcam: YUYV at two sizes, MJPEG at one, H.264 in ranges."""

    formats: ClassVar = (YUYV, MJPG, H264)
    sizes: ClassVar = {YUYV: [(640, 480), (1280, 720)], MJPG: [(1280, 720)]}
    intervals: ClassVar = {
        (YUYV, 640, 480): [(1, 30), (1, 15)],
        (YUYV, 1280, 720): [(1, 10)],
        (MJPG, 1280, 720): [(333_667, 10_000_000)],
    }

    def __call__(self, request: int, argument: bytes) -> bytes:
        assert len(argument) == REQUESTS[request]
        if request == 0xC0405602:
            return bytes(self._format(Fmtdesc.from_buffer_copy(argument)))
        if request == 0xC02C564A:
            return bytes(self._size(Frmsizeenum.from_buffer_copy(argument)))
        return bytes(self._interval(Frmivalenum.from_buffer_copy(argument)))

    def _format(self, asked: Fmtdesc) -> Fmtdesc:
        assert asked.type == 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
        asked.pixelformat = self._entry(self.formats, asked.index)
        asked.description = b"a format"
        return asked

    def _size(self, asked: Frmsizeenum) -> Frmsizeenum:
        if asked.pixel_format == H264:
            self._entry([0], asked.index)
            asked.type, asked.u.stepwise = 3, Stepwise(160, 1300, 16, 120, 1000, 8)
            return asked
        size = self._entry(self.sizes[asked.pixel_format], asked.index)
        asked.type, asked.u.discrete = 1, Discrete(*size)
        return asked

    def _interval(self, asked: Frmivalenum) -> Frmivalenum:
        if asked.pixel_format == H264:
            self._entry([0], asked.index)
            asked.type = 2
            asked.u.stepwise = Intervals(Fract(1, 50), Fract(1, 20), Fract(1, 1))
            return asked
        key = asked.pixel_format, asked.width, asked.height
        asked.type, asked.u.discrete = 1, Fract(*self._entry(self.intervals[key], asked.index))
        return asked

    @staticmethod
    def _entry(entries, index):
        if index >= len(entries):
            raise OSError(errno.EINVAL, "no such entry")
        return entries[index]


def test_all_that_the_driver_lists_is_read() -> None:
    rates = 24.0, 25.0, 30.0, 50.0
    # Of the range only sizes on its steps: 160 + n * 16 across, 120 + n * 8 down, to 1300 x 1000.
    ranged = [(320, 240), (640, 480), (800, 600), (1280, 720)]
    assert _v4l2.modes(Driver()) == [
        ("YUYV", 640, 480, 30.0),
        ("YUYV", 640, 480, 15.0),
        ("YUYV", 1280, 720, 10.0),
        ("MJPG", 1280, 720, pytest.approx(29.97, abs=1e-3)),
        *(("H264", w, h, rate) for w, h in ranged for rate in rates),
    ]


def test_mjpeg_stands_first_where_raw_is_slow_only() -> None:
    offered = [*_v4l2.modes(Driver()), ("MJPG", 640, 480, 30.0)]
    assert in_order(offered, 30.0) == (
        Mode(1280, 720, 29.97, "MJPG"),
        Mode(1280, 720, 10.0, "YUYV"),
        Mode(640, 480, 30.0, "YUYV"),
        Mode(640, 480, 15.0, "YUYV"),
        Mode(640, 480, 30.0, "MJPG"),
    )
    assert in_order(offered, 60.0)[2].pixel_format == "MJPG"
    assert in_order(offered, 10.0)[0].pixel_format == "YUYV"


def test_a_driver_without_lists_offers_nothing() -> None:
    def refuses(_request: int, _argument: bytes) -> bytes:
        raise OSError(errno.ENOTTY, "no such request")

    assert _v4l2.modes(refuses) == []


def test_a_device_that_cannot_be_asked_offers_nothing(tmp_path) -> None:
    assert _v4l2.modes_of_device(str(tmp_path / "none")) == []
    (tmp_path / "file").write_bytes(b"")
    assert _v4l2.modes_of_device(str(tmp_path / "file")) == []
