"""iFacialMocap over UDP and TCP, for VSeeFace, VMagicMirror, VTube Studio's bridges and others.

Frames (engine/outputs/_facial_mocap.py) go to the receiver of the settings, unasked, and to whoever
asked for them at the address `listen`: over UDP to port 49983 of the asking machine, or over TCP to
its port 49986. A lost face sends nothing, since the protocol has no word for it; identical frames
tell some receivers the same.

Source: ifacialmocap.com/for-developer.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, field

from engine.errors import OutputError
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery
from engine.outputs._datagram import NO_ROOM, DatagramSender, NetworkSettings, look_up
from engine.outputs._facial_mocap import FRAME_END, Request, encode, request
from engine.outputs._rate import Rate, RateSettings
from engine.settings import setting
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, TrackResult

UDP_PORT, TCP_PORT = 49983, 49986
MOST_ASKERS = 4  # a fifth replaces the one that asked first
REQUESTS_A_FRAME = 32  # a flood stays with the system, which drops what has no room
LONGEST_REQUEST = 256


@dataclass(frozen=True)
class Settings:
    """Where to, in which version, and who may ask."""

    host: str = setting("127.0.0.1", "Receiver that is sent to unasked; empty for none.")
    port: int = setting(UDP_PORT, "UDP port of the receivers.", minimum=1, maximum=65535)
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    version: int = setting(1, "Of the text, for the receiver that did not ask.", choices=(1, 2))
    listen: str = setting(
        "",
        "Address of this machine at which receivers may ask for frames, 0.0.0.0 for all of them; "
        "empty for none.",
    )
    listen_port: int = setting(UDP_PORT, "UDP port for those.", minimum=1, maximum=65535)
    tcp_port: int = setting(
        TCP_PORT, "TCP port of receivers that ask for TCP.", minimum=1, maximum=65535
    )
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    rate: RateSettings = field(default=RateSettings(), metadata={"about": "How often is sent."})
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine."}
    )


class FacialMocapSink:
    """Sends every face to all receivers. Raises OutputError when made, only.

    strange  packets at the listening port that were no request
    """

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smoother, self._rate = Smoother(settings.smoothing), Rate(settings.rate)
        self._asked: dict[str, _Asker] = {}
        self._door: socket.socket | None = None
        self.strange, self._centre_asked = 0, False
        self._unasked: DatagramSender | None = None
        if settings.host:
            self._unasked = DatagramSender(
                "iFacialMocap", settings.host, settings.port, settings.network
            )
        self.traffic = self._unasked.traffic if self._unasked is not None else Traffic("askers")
        if settings.listen:
            try:
                self._door = _listening(settings.listen, settings.listen_port)
            except OutputError:
                self.close()
                raise

    def send(self, result: TrackResult) -> None:
        """Hear who asks, then send one frame; receivers that are down are counted."""
        if self._door is not None:
            self._hear(self._door)
        for due in self._rate(self._smoother(result)):
            if due.head is None or due.blendshapes is None:
                self.traffic.show((), ())
                continue
            texts = {version: encode(due.head, due.blendshapes, version) for version in (1, 2)}
            if self._unasked is not None:
                self._unasked.send(texts[self._settings.version])
            for asker in self._asked.values():
                self._send_asked(asker, texts[asker.version])
            self.traffic.show(BLENDSHAPE_NAMES, due.blendshapes.weights)

    def centre_asked(self) -> bool:
        """Tell whether a receiver wants to be looked at straight ahead, since the last call."""
        asked, self._centre_asked = self._centre_asked, False
        return asked

    def close(self) -> None:
        """Close all sockets."""
        for host in list(self._asked):
            self._forget(host)
        for opened in (self._unasked, self._door):
            if opened is not None:
                opened.close()

    def _send_asked(self, asker: _Asker, text: bytes) -> None:
        if asker.receiver.send(text):
            self.traffic.count(len(text))
        else:
            self.traffic.fail(f"{asker.host} asked for frames and does not take them")

    def _hear(self, door: socket.socket) -> None:
        for _ in range(REQUESTS_A_FRAME):
            try:
                packet, address = door.recvfrom(LONGEST_REQUEST)
            except OSError:  # nothing there, or the answer to a packet that found nobody
                return
            host, asked = str(address[0]), request(packet)
            if asked is None:
                self.strange += 1
            elif asked.wish == "stop":
                self._forget(host)
            elif asked.wish in ("udp", "tcp"):
                self._serve(host, asked)
            else:
                self._centre_asked = True

    def _serve(self, host: str, asked: Request) -> None:
        known = self._asked.get(host)
        if known is not None and known.asked == asked and known.alive:
            return
        self._forget(host)
        while len(self._asked) >= MOST_ASKERS:
            self._forget(next(iter(self._asked)))
        try:
            self._asked[host] = _Asker(host, asked, self._settings)
        except (OutputError, OSError):
            self.strange += 1

    def _forget(self, host: str) -> None:
        if host in self._asked:
            self._asked.pop(host).receiver.close()


def create(settings: Settings) -> FacialMocapSink:
    """Look the receiver up. Raises OutputError if it, or the listening port, cannot be used."""
    return FacialMocapSink(settings)


class _Asker:
    """A receiver that asked, and the way to it."""

    def __init__(self, host: str, asked: Request, settings: Settings) -> None:
        self.host, self.asked, self.version = host, asked, asked.version
        self.receiver: DatagramSender | _Stream
        if asked.wish == "tcp":
            self.receiver = _Stream(host, settings.tcp_port)
        else:
            self.receiver = DatagramSender("iFacialMocap", host, settings.port, settings.network)

    @property
    def alive(self) -> bool:
        return not isinstance(self.receiver, _Stream) or self.receiver.alive


class _Stream:
    """Frames over TCP, never waiting: while a frame is under way, later ones are left out."""

    def __init__(self, host: str, port: int) -> None:
        family, address = look_up(host, port)
        self.alive, self._rest = True, b""
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.connect_ex(address)

    def send(self, frame: bytes) -> bool:
        """Send one frame, or the rest of an earlier one; False if this one is left out."""
        if not self.alive:
            return False
        taken = not self._rest
        if taken:
            self._rest = frame + FRAME_END
        try:
            sent = self._socket.send(self._rest)
        except OSError as error:
            # Not yet connected, or no room: the frame waits, and the next ones are left out.
            self.alive = error.errno in (*NO_ROOM, errno.ENOTCONN, errno.EPIPE) and self._open()
            return False
        self._rest = self._rest[sent:]
        return taken

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _open(self) -> bool:
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, address = look_up(host, port)
        door = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        raise OutputError(f"iFacialMocap listen {host!r}: no address of this machine") from error
    try:
        door.setblocking(False)
        door.bind(address)
    except OSError as error:
        door.close()
        raise OutputError(
            f"iFacialMocap listen {host}:{port}: cannot be used ({error.strerror}); "
            "a receiver on this machine may have it: it is sent to unasked"
        ) from error
    return door
