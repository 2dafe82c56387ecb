"""Small videos whose every pixel and time is known."""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH_PX, HEIGHT_PX = 96, 64


def picture(index: int) -> np.ndarray:
    """Return a picture (64, 96, 3): its right half says units, its lower left one tens, in grey.

    The level of a digit is 20 + 20 times it; the top-left quarter is red.
    """
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), 20 + 20 * (index % 10), np.uint8)
    image[:, : WIDTH_PX // 2] = 20 + 20 * (index // 10 % 10)
    image[: HEIGHT_PX // 2, : WIDTH_PX // 2] = (200, 30, 30)
    return image


def number_of(image: np.ndarray) -> int:
    """Return the index that a picture was made with, below 100."""
    units, tens = float(image[40:, 56:].mean()), float(image[40:, 8:40].mean())
    return round((units - 20) / 20) + 10 * round((tens - 20) / 20)


def write_video(
    path: Path,
    times_ms: Sequence[int],
    codec: str = "mpeg4",
    made: Callable[[int], np.ndarray] = picture,
) -> Path:
    """Write made(0), made(1), ... shown at the given times."""
    options = {"qscale": "1"} if codec == "mpeg4" else {"g": "25"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.bit_rate = 4_000_000
        for index, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(made(index), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Write a file that FFmpeg reads but that has no picture."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    return path


def lay_on_side(path: Path, clockwise_turns: int) -> Path:
    """Tell a player, in the track header of an mp4, to turn the picture by quarter turns clockwise.

    The matrix stands 40 bytes into the body of a version 0 `tkhd` box, in 16.16 fixed point
    (2.30 for the last column); ISO/IEC 14496-12, section 8.3.2.
    """
    one = 0x10000
    (a, b), (c, d) = {0: ((1, 0), (0, 1)), 1: ((0, 1), (-1, 0)), 2: ((-1, 0), (0, -1)),
                      3: ((0, -1), (1, 0))}[clockwise_turns]  # fmt: skip
    data = bytearray(path.read_bytes())
    body = data.index(b"tkhd") + 4
    assert data[body] == 0, "version 0"
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000]
    encoded = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    data[body + 40 : body + 76] = encoded
    path.write_bytes(data)
    return path
