"""OSC as bytes: messages, templates whose floats change, bundles of limited size, time tags.

Source: Open Sound Control 1.0, opensoundcontrol.org/spec-1_0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from pythonosc.osc_message_builder import OscMessageBuilder

from engine import clock

PAYLOAD_BYTES = 1200  # passes every network unsplit; the original VMC sender's limit as well
IMMEDIATELY = struct.pack(">Q", 1)
_NTP_FROM_UNIX_S = 2_208_988_800  # seconds from 1900 to 1970

Argument = str | int | float | bool | bytes


def message(address: str, *arguments: Argument) -> bytes:
    """Return one message. A bool becomes T or F, an int i, a float f, a text s."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    return builder.build().dgram


class Template:
    """A message whose trailing floats change: built once, since building takes python-osc 20 us.

    address  OSC address
    leading  arguments that stay
    floats   how many floats follow
    """

    def __init__(self, address: str, *leading: Argument, floats: int) -> None:
        whole = message(address, *leading, *((0.0,) * floats))
        self._head, self._tail = whole[: len(whole) - 4 * floats], struct.Struct(f">{floats}f")

    def filled(self, *values: float) -> bytes:
        """Return the message with these values."""
        return self._head + self._tail.pack(*values)


def time_tag(monotonic_ns: int) -> bytes:
    """Return the time tag of a moment on the monotonic clock: 32.32 seconds since 1900, UTC."""
    unix_ns = monotonic_ns + clock.wall_from_monotonic_ns()
    seconds, rest_ns = divmod(unix_ns, clock.NS_PER_S)
    return struct.pack(">II", seconds + _NTP_FROM_UNIX_S, (rest_ns << 32) // clock.NS_PER_S)


def bundles(
    messages: Iterable[bytes], tag: bytes = IMMEDIATELY, limit: int = PAYLOAD_BYTES
) -> Iterator[bytes]:
    """Pack messages, in order, into as few bundles as fit `limit` bytes each.

    tag  the time tag of every bundle
    """
    start = b"#bundle\0" + tag
    parts, size = [start], len(start)
    for one in messages:
        if len(parts) > 1 and size + 4 + len(one) > limit:
            yield b"".join(parts)
            parts, size = [start], len(start)
        parts += struct.pack(">i", len(one)), one
        size += 4 + len(one)
    if len(parts) > 1:
        yield b"".join(parts)
