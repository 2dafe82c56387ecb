"""What a camera offers, asked of Linux's video driver: formats, sizes and rates.

Source: Linux media user-space API, ioctls VIDIOC_ENUM_FMT, VIDIOC_ENUM_FRAMESIZES and
VIDIOC_ENUM_FRAMEINTERVALS; layouts as in linux/videodev2.h, which are the same on all machines.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Iterator

Ioctl = Callable[[int, bytes], bytes]  # request, argument -> argument as the driver left it
Mode = tuple[str, int, int, float]  # four letters of the pixel format, width, height, frames/s

ENUM_FORMATS, ENUM_SIZES, ENUM_INTERVALS = 0xC0405602, 0xC02C564A, 0xC034564B
CAPTURE, DISCRETE = 1, 1
MOST = 256  # entries of one list; a driver that never ends one is broken

_FORMAT = struct.Struct("=3I32sI16x")  # index, type, flags, description, pixel format
_SIZE = struct.Struct("=9I8x")  # index, pixel format, type, then one size or a range of sizes
_INTERVAL = struct.Struct("=11I8x")  # index, format, width, height, type, then one or a range

# Where a driver gives a range, these are offered of it.
USUAL_SIZES = ((320, 240), (640, 480), (800, 600), (1280, 720), (1920, 1080), (3840, 2160))
USUAL_RATES = (15.0, 24.0, 25.0, 30.0, 50.0, 60.0, 120.0)


def modes_of_device(path: str) -> list[Mode]:
    """Return what the driver of a device file offers; nothing if it cannot be asked."""
    import fcntl  # is only there where there are such device files

    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        return modes(lambda request, argument: fcntl.ioctl(handle, request, argument))
    except OSError:
        return []
    finally:
        os.close(handle)


def modes(ioctl: Ioctl) -> list[Mode]:
    """Return all that a driver lists, in its order.

    ioctl  calls the driver; raises OSError, with EINVAL after the end of a list
    """
    return [
        (_letters(code), width, height, rate)
        for code in _formats(ioctl)
        for width, height in _sizes(ioctl, code)
        for rate in _rates(ioctl, code, width, height)
    ]


def _formats(ioctl: Ioctl) -> Iterator[int]:
    for answer in _listed(ioctl, ENUM_FORMATS, lambda i: _FORMAT.pack(i, CAPTURE, 0, b"", 0)):
        yield _FORMAT.unpack(answer)[4]


def _sizes(ioctl: Ioctl, code: int) -> Iterator[tuple[int, int]]:
    empty = (0,) * 7
    for answer in _listed(ioctl, ENUM_SIZES, lambda i: _SIZE.pack(i, code, *empty)):
        _, _, kind, *numbers = _SIZE.unpack(answer)
        if kind == DISCRETE:
            yield numbers[0], numbers[1]
            continue
        across, down = numbers[:3], numbers[3:]
        yield from ((w, h) for w, h in USUAL_SIZES if _within(w, across) and _within(h, down))
        return  # a range is the only entry of its list


def _rates(ioctl: Ioctl, code: int, width: int, height: int) -> Iterator[float]:
    empty = (0,) * 7

    def asked(index: int) -> bytes:
        return _INTERVAL.pack(index, code, width, height, *empty)

    for answer in _listed(ioctl, ENUM_INTERVALS, asked):
        *_, kind, above, below, most_above, most_below, _, _ = _INTERVAL.unpack(answer)
        if kind == DISCRETE:
            if above and below:
                yield below / above
            continue
        # The longest interval is the lowest rate; 1 % for 30 where the driver means 29.97.
        if above and most_above:
            fastest, slowest = 1.01 * below / above, 0.99 * most_below / most_above
            yield from (rate for rate in USUAL_RATES if slowest <= rate <= fastest)
        return


def _listed(ioctl: Ioctl, request: int, asked: Callable[[int], bytes]) -> Iterator[bytes]:
    for index in range(MOST):
        try:
            yield ioctl(request, asked(index))
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):  # the end; or no such list
                return
            raise


def _within(value: int, span: list[int]) -> bool:
    least, most, step = span
    return least <= value <= most and (value - least) % max(step, 1) == 0


def _letters(code: int) -> str:
    return struct.pack("<I", code & 0x7FFFFFFF).decode("latin-1").strip()
