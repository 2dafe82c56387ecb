"""OSCQuery with VRChat: finds it, learns what its avatar has, and is told when that changes.

We announce an HTTP server, whose tree has /avatar/change alone, and an OSC port; VRChat then sends
the name of a new avatar to that port. What the avatar has is read from VRChat's own HTTP server:
after every change, and every few seconds in case something was missed.

Source: Vidvox OSCQuery proposal; vrchat-community/vrc-oscquery-lib.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import logging
import select
import socket
import socketserver
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from zeroconf import InterfaceChoice, ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from engine import clock, osc_reader
from engine.door import LARGEST, Pace
from engine.errors import OutputError
from engine.mailbox import Backlog, Slot
from engine.outputs._datagram import look_up
from engine.worker import Worker

HTTP_SERVICE, OSC_SERVICE = "_oscjson._tcp.local.", "_osc._udp.local."
VRCHAT = "VRChat-Client"
CHANGE = "/avatar/change"
CHECK_NS, SOON_NS = 10 * clock.NS_PER_S, clock.NS_PER_S
PATIENCE_S, TICK_S = 1.5, 0.1
LARGEST_TREE = 4 * 2**20
MOST_FAILURES = 3
STOP_TIMEOUT_S = 4.0
_log = logging.getLogger(__name__)

TREE: dict[str, Any] = {
    "DESCRIPTION": "FlowFace Live", "FULL_PATH": "/", "ACCESS": 0,
    "CONTENTS": {"avatar": {"FULL_PATH": "/avatar", "ACCESS": 0, "CONTENTS": {"change": {
        "DESCRIPTION": "Name of the new avatar", "FULL_PATH": CHANGE, "ACCESS": 2, "TYPE": "s",
    }}}},
}  # fmt: skip


@dataclass(frozen=True)
class Avatar:
    """What VRChat says; `types` maps every parameter's address to its type, None if nobody says."""

    types: Mapping[str, str] | None


class Ready(NamedTuple):
    """Where somebody is: both are served, so that a flood at one does not close the other."""

    http: bool
    osc: bool


class AvatarWatch:
    """Runs until it is closed.

    host       of VRChat; others that call themselves so are not asked
    listen     address of this machine at which VRChat reaches us
    interface  address of the network card on which we look for it; all if empty
    avatars    the newest, whenever it has changed
    trouble    why it does not work; empty if it does
    strange    packets and requests that nobody can read
    Raises OutputError if `listen` is no address of this machine.
    """

    def __init__(self, host: str, listen: str, interface: str) -> None:
        self.avatars: Slot[Avatar] = Slot()
        self.trouble, self.strange = "", 0
        self._interface, self._vrchat = interface, (host, listen)
        self._wishes: Backlog[tuple[str, str]] = Backlog(32)
        self._doors = _Doors(listen)
        self.http_port, self.osc_port = self._doors.http_port, self._doors.osc_port
        self._zeroconf: Zeroconf | None = None
        self._service, self._endpoint = "", ("", 0)
        self._types: Mapping[str, str] | None = None
        self._failures, self._check_ns = 0, clock.now_ns() + CHECK_NS
        self._wishes.put(("open", ""))
        self._seeker = Worker("OSCQuery", self._wishes, self._obey, self._end)
        self._porter = Worker("OSCQuery ports", self._doors, self._open, self._doors.release)

    def close(self) -> None:
        """Withdraw the announcement and give the ports back."""
        self._doors.close()
        self._wishes.close()
        for worker in (self._porter, self._seeker):
            if not worker.join(STOP_TIMEOUT_S):
                _log.warning("OSCQuery did not end in time")

    def _open(self, ready: Ready) -> None:
        """Serve a request, read a packet, see what is due; on the thread of the ports."""
        if ready.http:
            self._doors.serve()
        if ready.osc:
            try:
                for message in osc_reader.read(self._doors.packet()):
                    if message.address == CHANGE:
                        self._wishes.put(("changed", ""))
            except ValueError:
                self.strange += 1
        if clock.now_ns() >= self._check_ns:
            self._check_ns = clock.now_ns() + CHECK_NS
            self._wishes.put(("check", ""))

    def _obey(self, wish: tuple[str, str]) -> None:
        """Do what takes its time, on a thread for that."""
        what, name = wish
        if self._doors.closing:
            return
        if what == "open":
            self._announce()
        elif what == "found":
            self._meet(name)
        elif what == "gone" and name == self._service:
            self._service = ""
            self._tell(None)
        elif self._service:
            if what == "changed":
                self._check_ns = clock.now_ns() + SOON_NS  # the avatar may still be loading
            self._ask(anew=what == "changed")

    def _announce(self) -> None:
        _, listen = self._vrchat
        try:
            found = self._zeroconf = Zeroconf([self._interface] if self._interface
                                              else InterfaceChoice.All)  # fmt: skip
            name = f"FlowFace-{self.http_port}"
            for service, port in ((HTTP_SERVICE, self.http_port), (OSC_SERVICE, self.osc_port)):
                info = ServiceInfo(
                    service,
                    f"{name}.{service}",
                    port=port,
                    properties={"txtvers": "1"},
                    server=f"{name}.local.",
                    parsed_addresses=[listen],
                )
                found.register_service(info, allow_name_change=True)
        except (OSError, RuntimeError) as error:
            self.trouble = f"OSCQuery does not work here: {error}"
            _log.warning("%s", self.trouble)
            return
        ServiceBrowser(found, HTTP_SERVICE, handlers=[self._on_service])

    def _on_service(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if name.startswith(VRCHAT):
            gone = state_change is ServiceStateChange.Removed
            self._wishes.put(("gone" if gone else "found", name))

    def _meet(self, name: str) -> None:
        if self._zeroconf is None:
            return
        info = self._zeroconf.get_service_info(HTTP_SERVICE, name, round(PATIENCE_S * 1000))
        if info is None or info.port is None:
            return
        for address in info.parsed_addresses():
            if self._is_vrchat(address):
                self._service, self._endpoint = name, (address, info.port)
                self._ask(anew=True)
                return

    def _is_vrchat(self, address: str) -> bool:
        if ipaddress.ip_address(address).is_loopback:
            return True
        try:
            return look_up(self._vrchat[0], 0)[1][0] == address
        except OSError:
            return False

    def _ask(self, *, anew: bool) -> None:
        """Read the avatar's tree; told on if it is another one, or `anew`."""
        try:
            types = parameter_types(_fetched(*self._endpoint, "/avatar"))
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            self._failures += 1
            _log.info("VRChat does not tell what the avatar has: %s", error)
            if self._failures == MOST_FAILURES:
                self._tell(None)
            return
        self._failures = 0
        if anew or types != self._types:
            self._tell(types)

    def _tell(self, types: Mapping[str, str] | None) -> None:
        self._types = types
        self.avatars.put(Avatar(types))

    def _end(self) -> None:
        if self._zeroconf is not None:
            self._zeroconf.close()


def parameter_types(tree: Any) -> dict[str, str]:
    """Return address and type of every parameter in an OSCQuery tree."""
    found: dict[str, str] = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            raise ValueError("no OSCQuery tree")
        address, kind, contents = (node.get(key) for key in ("FULL_PATH", "TYPE", "CONTENTS"))
        if isinstance(address, str) and isinstance(kind, str):
            found[address] = kind
        if isinstance(contents, dict):
            waiting += contents.values()
    return found


def _fetched(host: str, port: int, path: str) -> Any:
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read(LARGEST_TREE + 1)
    finally:
        connection.close()
    if answer.status != http.client.OK or len(content) > LARGEST_TREE:
        raise ValueError(f"answer {answer.status}, {len(content)} bytes")
    return json.loads(content)


class _Server(socketserver.TCPServer):
    """An HTTP server that looks no host name up and keeps errors of its clients to itself."""

    osc_address = ("", 0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.info("OSCQuery request broke off")


class _Handler(BaseHTTPRequestHandler):
    """Answers with the tree, a node of it, one attribute, or HOST_INFO."""

    timeout = PATIENCE_S

    def do_GET(self) -> None:
        """Answer one request."""
        path, _, attribute = self.path.partition("?")
        node = _node(path)
        if attribute == "HOST_INFO":
            self._send(200, _host_info(self.server))
        elif node is None:
            self._send(404, {})
        elif not attribute:
            self._send(200, node)
        elif attribute in node:
            self._send(200, {attribute: node[attribute]})
        else:
            self._send(204, None)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _send(self, status: int, content: Any) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        if content is not None:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _node(path: str) -> dict[str, Any] | None:
    node: dict[str, Any] | None = TREE
    for name in filter(None, path.split("/")):
        node = None if node is None else node.get("CONTENTS", {}).get(name)
    return node


def _host_info(server: Any) -> dict[str, Any]:
    host, port = server.osc_address
    extensions = {"ACCESS": True, "CLIPMODE": False, "RANGE": False, "TYPE": True, "VALUE": True}
    return {
        "NAME": "FlowFace Live", "EXTENSIONS": extensions,
        "OSC_IP": host, "OSC_PORT": port, "OSC_TRANSPORT": "UDP",
    }  # fmt: skip


class _Doors:
    """The HTTP server and the OSC port: the mailbox that tells at which of them somebody is."""

    def __init__(self, listen: str) -> None:
        self.closing, self._pace = False, Pace(50, 20)
        try:
            self._osc = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._osc.bind((listen, 0))
            self._server = _Server((listen, 0), _Handler)
        except OSError as error:
            self._osc.close()
            raise OutputError(f"VRChat listen {listen!r}: no address of this machine") from error
        self._server.timeout = 0.0
        self._server.osc_address = self._osc.getsockname()
        self.http_port: int = self._server.server_address[1]
        self.osc_port: int = self._osc.getsockname()[1]

    def take(self) -> Ready | None:
        """Wait a little for somebody; None once closed."""
        if self.closing:
            return None
        time.sleep(self._pace.wait_ns(clock.now_ns()) / clock.NS_PER_S)
        ready, _, _ = select.select([self._server, self._osc], [], [], TICK_S)
        return Ready(self._server in ready, self._osc in ready)

    def serve(self) -> None:
        self._server.handle_request()

    def packet(self) -> bytes:
        try:
            return self._osc.recv(LARGEST)
        except OSError:  # the answer to a packet that found nobody
            return b""

    def close(self) -> None:
        self.closing = True

    def release(self) -> None:
        self._server.server_close()
        self._osc.close()
