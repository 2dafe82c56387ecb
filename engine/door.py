"""A UDP port of this machine that hears whoever sends there, but never more than it can bear.

What comes faster than it is taken stays with the system, which drops what has no room: a flood
costs a fixed share of the processor, and no memory.
"""

from __future__ import annotations

import socket
import time
from typing import NamedTuple

from engine import clock
from engine.errors import OutputError

LARGEST = 65535  # bytes of a UDP packet
_TICK_S = 0.1


class Packet(NamedTuple):
    """What has come; no sender if nothing has come for a while."""

    data: bytes
    sender: tuple[str, int] | None
    at_ns: int = 0  # monotonic


class Pace:
    """At most `a_second` steps a second, but `burst` at once after a pause."""

    def __init__(self, a_second: float, burst: int) -> None:
        self._period_ns, self._burst = clock.NS_PER_S / a_second, burst
        self._free_ns = 0.0  # until when steps are used up

    def wait_ns(self, now_ns: int) -> float:
        """Take one step; returns how long to wait before it."""
        earliest_ns = now_ns - self._burst * self._period_ns
        self._free_ns = max(self._free_ns, earliest_ns) + self._period_ns
        return max(0.0, self._free_ns - now_ns)


class Door:
    """A bound socket, and the mailbox of the worker that reads it.

    what  names the listener in messages
    pace  how fast is read; as fast as it comes if None
    Raises OutputError if the address is none of this machine or the port is taken.
    """

    def __init__(self, what: str, host: str, port: int, pace: Pace | None = None) -> None:
        self._pace, self._closing = pace, False
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise OutputError(f"{what} {host!r}: no address of this machine ({error})") from error
        try:
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            raise OutputError(f"{what} {host}:{port}: cannot be used ({error.strerror})") from error
        self._socket.settimeout(_TICK_S)
        self.port = int(self._socket.getsockname()[1])

    def take(self) -> Packet | None:
        """Wait for a packet, a little while only; None once the door is closed."""
        if self._closing:
            return None
        if self._pace is not None:
            time.sleep(self._pace.wait_ns(clock.now_ns()) / clock.NS_PER_S)
        try:
            data, sender = self._socket.recvfrom(LARGEST)
        except TimeoutError:
            return Packet(b"", None, clock.now_ns())
        except OSError:  # the answer to a packet that found nobody
            time.sleep(_TICK_S)
            return None if self._closing else Packet(b"", None, clock.now_ns())
        return Packet(data, (str(sender[0]), int(sender[1])), clock.now_ns())

    def poll(self) -> Packet | None:
        """Take a packet that has come, without waiting."""
        self._socket.setblocking(False)
        try:
            data, sender = self._socket.recvfrom(LARGEST)
        except OSError:
            return None
        finally:
            self._socket.settimeout(_TICK_S)
        return Packet(data, (str(sender[0]), int(sender[1])), clock.now_ns())

    def answer(self, data: bytes, receiver: tuple[str, int]) -> None:
        """Send a packet from this port; whether it arrives is not known."""
        try:
            self._socket.sendto(data, receiver)
        except OSError:
            return

    def close(self) -> None:
        """Ask for the end."""
        self._closing = True

    def release(self) -> None:
        """Give the port back; on the thread that reads."""
        self._socket.close()
