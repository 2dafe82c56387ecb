"""Counts what arrives, and says what to check when nothing does."""

from __future__ import annotations

from collections import deque

from engine import clock
from engine.door import Packet
from engine.listening.reading import AUTO, read, recognised

GAP_NS = clock.NS_PER_S // 4  # a pause that an avatar shows
WINDOW_NS = 2 * clock.NS_PER_S
MOST_NAMES, MOST_SENDERS = 512, 8
_PATIENCE_NS = 3 * clock.NS_PER_S


class Tally:
    """Of one port; what it keeps does not grow.

    protocol   of PROTOCOLS
    values     the latest number of every name; MOST_NAMES of them at most
    gaps       pauses of more than GAP_NS
    malformed  packets that are not of the protocol, and why the latest was not
    """

    def __init__(self, protocol: str = AUTO) -> None:
        self._asked, self.protocol = protocol, ""
        self.packets = self.octets = self.malformed = self.gaps = 0
        self.longest_ms, self.why = 0.0, ""
        self.values: dict[str, float] = {}
        self.senders: set[str] = set()
        self.no_face = False  # whether the latest packet said so
        self._started_ns = clock.now_ns()
        self._last_ns: int | None = None
        self._times: deque[int] = deque(maxlen=4096)

    def add(self, packet: Packet) -> None:
        """Count a packet."""
        if packet.sender is None:
            return
        self._note_time(packet.at_ns)
        self.packets += 1
        self.octets += len(packet.data)
        if len(self.senders) < MOST_SENDERS:
            self.senders.add(packet.sender[0])
        try:
            protocol = recognised(packet.data) if self._asked == AUTO else self._asked
            values = read(protocol, packet.data)
        except ValueError as error:
            self.malformed += 1
            self.why = str(error)
            return
        self.protocol, self.no_face = protocol, not values
        for name, value in values.items():
            if name in self.values or len(self.values) < MOST_NAMES:
                self.values[name] = value

    def rate(self, now_ns: int) -> float:
        """Return packets a second, over the last WINDOW_NS."""
        recent = sum(at > now_ns - WINDOW_NS for at in self._times)
        return recent * clock.NS_PER_S / min(WINDOW_NS, max(now_ns - self._started_ns, 1))

    def line(self, now_ns: int) -> str:
        """Return the state in one line."""
        if self._last_ns is None:
            return "nothing yet"
        silent_s = (now_ns - self._last_ns) / clock.NS_PER_S
        parts = [
            self.protocol or "unknown",
            f"{self.rate(now_ns):.0f} packets/s",
            f"{self.packets} packets, {self.octets / 1000:.0f} kB",
            f"from {', '.join(sorted(self.senders))}",
            f"{self.gaps} gaps" + (f" (longest {self.longest_ms:.0f} ms)" if self.gaps else ""),
            f"{self.malformed} malformed" + (f" ({self.why})" if self.malformed else ""),
        ]
        if silent_s * clock.NS_PER_S > GAP_NS:
            parts.append(f"silent for {silent_s:.1f} s")
        if self.no_face:
            parts.append("no face")
        return " · ".join(parts)

    def advice(self, now_ns: int, host: str, port: int) -> list[str]:
        """Return what to check, if nothing that can be read has come for a while."""
        if now_ns - self._started_ns < _PATIENCE_NS or self.packets > self.malformed:
            return []
        if self.packets:
            return [
                f"Packets arrive, but none is {self._asked} that can be read: {self.why}.",
                "Check the sender's protocol, or listen with --protocol auto.",
            ]
        hints = [
            f"Nothing has come to {host}:{port}. Check:",
            f"- that the sender runs, has a face, and sends over UDP to port {port};",
            "- that it sends to this machine's address: 127.0.0.1 only from this machine;",
            "- that no firewall blocks the port, and both machines are in the same network;",
        ]
        if host.startswith("127.") or host in ("::1", "localhost"):
            hints.append("- with a sender on another machine, listen with --host 0.0.0.0.")
        return hints

    def _note_time(self, at_ns: int) -> None:
        if self._last_ns is not None and at_ns - self._last_ns > GAP_NS:
            self.gaps += 1
            self.longest_ms = max(self.longest_ms, (at_ns - self._last_ns) / clock.NS_PER_MS)
        self._last_ns = at_ns
        self._times.append(at_ns)
