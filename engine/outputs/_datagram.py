"""UDP to one receiver: IPv4, IPv6, multicast; broadcast only where it is asked for.

A sender never blocks and never raises once it is made. A receiver that is down is counted and costs
one refused packet; the socket is opened again, and a name looked up again, with growing pauses.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass

from engine import clock
from engine.errors import OutputError
from engine.mailbox import Slot
from engine.settings import setting
from engine.status import Traffic
from engine.worker import Worker

FIRST_PAUSE_NS = clock.NS_PER_S
LONGEST_PAUSE_NS = 60 * clock.NS_PER_S
NO_ROOM = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)

Address = tuple[socket.AddressFamily, tuple[object, ...]]  # family; what `connect` takes


@dataclass(frozen=True)
class NetworkSettings:
    """How packets leave this machine."""

    interface: str = setting(
        "", "Multicast only: address (IPv4) or name (IPv6) of the network card; empty for any."
    )
    hops: int = setting(
        1, "Multicast only: how many routers a packet may pass, plus one.", minimum=0, maximum=255
    )
    broadcast: bool = setting(False, "Allow a broadcast address, which every machine hears.")


class DatagramSender:
    """Sends packets to one receiver.

    what      names the output in messages
    host      name or address; a name is looked up now and whenever sending fails
    port      1 to 65535
    Raises OutputError if the host is unknown, the port impossible, or broadcast is not allowed.
    """

    def __init__(
        self, what: str, host: str, port: int, network: NetworkSettings | None = None
    ) -> None:
        self._address = receiver(what, host, port)
        self.traffic = Traffic(target(host, port))
        self._what, self._host, self._network = what, host, network or NetworkSettings()
        self._lookup = None if is_address(host) else Lookup(host, port)
        self._pause_ns, self._retry_ns = FIRST_PAUSE_NS, 0
        self._socket: socket.socket | None = None
        self._open()

    def send(self, packet: bytes) -> bool:
        """Hand one packet to the system; False if it was not taken, which is counted."""
        if self._retry_ns and clock.now_ns() >= self._retry_ns:
            self._retry()
        if self._socket is None:
            self.traffic.failed += 1
            return False
        try:
            try:
                self._socket.send(packet)
            except ConnectionError:
                # The answer to an earlier packet; the present one has not been sent yet.
                self._fail(f"nobody listens at {self.traffic.target}")
                self._socket.send(packet)
        except OSError as error:
            self._refused(error)
            return False
        self.traffic.count(len(packet))
        return True

    def close(self) -> None:
        """Close the socket."""
        if self._lookup is not None:
            self._lookup.close()
        self._let_go()

    def _refused(self, error: OSError) -> None:
        if error.errno in NO_ROOM:
            self.traffic.dropped += 1
        else:
            self._fail(f"{self.traffic.target}: {error.strerror or error}")

    def _fail(self, why: str) -> None:
        self.traffic.fail(why)
        if not self._retry_ns:
            self._retry_ns = clock.now_ns() + self._pause_ns

    def _retry(self) -> None:
        """Ask for the name again, or open the socket anew at the address that it now has."""
        self._retry_ns = 0
        if not self.traffic.failing and self._socket is not None:
            self._pause_ns = FIRST_PAUSE_NS
            return
        self._pause_ns = min(2 * self._pause_ns, LONGEST_PAUSE_NS)
        found = None if self._lookup is None else self._lookup.answer()
        if found is not None and found != self._address:
            self._address = found
            self._let_go()
        if self._lookup is not None:
            self._lookup.ask()
        if self._socket is None:
            self._open()

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        family, address = self._address
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            _configure(opened, address, self._network)
            # Connected, so that a closed port is reported back.
            opened.connect(address)
        except PermissionError as error:
            opened.close()
            raise OutputError(
                f"{self._what} receiver {self._host!r}: is a broadcast address; "
                "`network.broadcast` allows it"
            ) from error
        except OSError as error:
            opened.close()
            self._fail(f"{self.traffic.target}: {error.strerror or error}")
            return
        self._socket = opened


class Lookup:
    """Looks a name up on a thread of its own, since a name server may take long to answer."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._questions: Slot[bool] = Slot()
        self._answers: Slot[Address] = Slot()
        self._worker: Worker[bool] | None = None

    def ask(self) -> None:
        """Look it up again; returns at once."""
        if self._worker is None:
            self._worker = Worker(f"lookup {self._host}", self._questions, self._find)
        self._questions.put(True)

    def answer(self) -> Address | None:
        """Return the latest answer, once."""
        return self._answers.poll()

    def close(self) -> None:
        """End its thread."""
        self._questions.close()

    def _find(self, _: bool) -> None:
        try:
            self._answers.put(look_up(self._host, self._port))
        except OSError:
            return  # asked again later


def receiver(what: str, host: str, port: int) -> Address:
    """Return the address of a receiver; `what` names the output in messages.

    Raises OutputError if the host is unknown or the port impossible.
    """
    if not 1 <= port <= 65535:
        raise OutputError(f"{what} port {port}: allowed are 1 to 65535")
    try:
        return look_up(host, port)
    except OSError as error:
        raise OutputError(f"{what} receiver {host!r}: unknown host name ({error})") from error


def target(host: str, port: int) -> str:
    """Return host and port as a user reads them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def look_up(host: str, port: int) -> Address:
    """Return the first address of a host. Raises OSError if it is unknown."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    family, _, _, _, address = found[0]
    return family, address


def is_address(host: str) -> bool:
    """Tell whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _configure(opened: socket.socket, address: tuple[object, ...], wish: NetworkSettings) -> None:
    """Set what multicast and broadcast need. Raises OSError for an interface that is not there."""
    if wish.broadcast and opened.family == socket.AF_INET:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_multicast:
        return
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, wish.hops)
        if wish.interface:
            index = socket.if_nametoindex(wish.interface)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        return
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, wish.hops)
    if wish.interface:
        card = socket.inet_aton(wish.interface)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, card)
