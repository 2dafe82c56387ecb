"""Packets over TCP to one receiver, framed by SLIP as OSC 1.1 wants it: an END on either side.

A sender never waits and never raises once it is made. While nobody is connected packets are lost
and counted, as over UDP: what a face did a second ago is of no use. A receiver that is too slow
loses the packets for which there is no room. One that went away is called again, with growing
pauses, and gets whole packets from the first byte on.

Source: OSC 1.1, Freed and Schmeder 2009; RFC 1055 (SLIP).
"""

from __future__ import annotations

import os
import socket
from collections import deque

from engine import clock
from engine.outputs._datagram import NO_ROOM, Lookup, is_address, receiver, target
from engine.status import Traffic

FIRST_PAUSE_NS = clock.NS_PER_S // 2
LONGEST_PAUSE_NS = 8 * clock.NS_PER_S
PATIENCE_NS = 5 * clock.NS_PER_S  # for a connection to come about
ROOM_BYTES = 1 << 16  # what may wait here, beside what the system holds
END, ESC, ESC_END, ESC_ESC = b"\xc0", b"\xdb", b"\xdb\xdc", b"\xdb\xdd"


def framed(packet: bytes) -> bytes:
    """Return a packet between two ENDs, with what looks like END or ESC in it replaced."""
    return END + packet.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


class StreamSender:
    """Sends packets to one receiver.

    what      names the output in messages
    host      name or address; a name is looked up now and whenever the connection was lost
    port      1 to 65535
    Raises OutputError if the host is unknown or the port impossible.
    """

    def __init__(self, what: str, host: str, port: int) -> None:
        self._address = receiver(what, host, port)
        self.traffic = Traffic(target(host, port))
        self._lookup = None if is_address(host) else Lookup(host, port)
        self._waiting: deque[bytes] = deque()
        self._begun = 0  # bytes of the first waiting packet that are on their way
        self._socket: socket.socket | None = None
        self._connected, self._why = False, "not connected yet"
        self._pause_ns, self._retry_ns, self._deadline_ns = FIRST_PAUSE_NS, 0, 0
        self._open()

    def send(self, packet: bytes) -> bool:
        """Take one packet; False if it is lost, which is counted."""
        self._look_after()
        if not self._connected:
            self.traffic.fail(f"{self.traffic.target}: {self._why}")
            return False
        whole = framed(packet)
        if self.waiting_bytes + len(whole) > ROOM_BYTES:
            self._flush()
        if self.waiting_bytes + len(whole) > ROOM_BYTES:
            self.traffic.dropped += 1
            return False
        self._waiting.append(whole)
        self._flush()
        return self._connected

    @property
    def waiting_bytes(self) -> int:
        """How much is held back for a slow receiver."""
        return sum(map(len, self._waiting)) - self._begun

    def close(self) -> None:
        """Close the connection."""
        if self._lookup is not None:
            self._lookup.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _look_after(self) -> None:
        """Find out what became of the connection; begin another when it is time."""
        if self._socket is None:
            if clock.now_ns() >= self._retry_ns:
                self._open()
        elif not self._connected:
            self._await(self._socket)
        if self._connected and self._socket is not None:
            try:
                if not self._socket.recv(4096):  # what a receiver says is not for us
                    self._lose("closed the connection")
            except OSError as error:
                if error.errno not in NO_ROOM:
                    self._lose(error.strerror or str(error))

    def _open(self) -> None:
        if self._lookup is not None:
            self._address = self._lookup.answer() or self._address
        family, address = self._address
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._deadline_ns = clock.now_ns() + PATIENCE_NS
        self._socket.connect_ex(address)
        self._await(self._socket)

    def _await(self, opened: socket.socket) -> None:
        failure = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            self._lose(os.strerror(failure))
            return
        try:
            opened.getpeername()
        except OSError:
            if clock.now_ns() > self._deadline_ns:
                self._lose("does not answer")
            return
        self._connected, self._pause_ns = True, FIRST_PAUSE_NS

    def _flush(self) -> None:
        while self._waiting and self._socket is not None:
            first = self._waiting[0]
            try:
                self._begun += self._socket.send(first[self._begun :])
            except OSError as error:
                if error.errno not in NO_ROOM:
                    self._lose(error.strerror or str(error))
                return
            if self._begun == len(first):
                self._waiting.popleft()
                self._begun = 0
                self.traffic.count(len(first))

    def _lose(self, why: str) -> None:
        """Let go of the connection; half a packet is of no use to the next one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.traffic.dropped += len(self._waiting)
        self._waiting.clear()
        self._begun, self._connected, self._why = 0, False, why
        self._retry_ns = clock.now_ns() + self._pause_ns
        self._pause_ns = min(2 * self._pause_ns, LONGEST_PAUSE_NS)
        if self._lookup is not None:
            self._lookup.ask()
