"""OSCQuery against a made-up VRChat: zeroconf's own browser, urllib, the tests' own OSC reader."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from made_results import tracked
from plain_osc import read
from pythonosc.osc_message_builder import OscMessageBuilder
from zeroconf import ServiceBrowser, ServiceInfo, ServiceStateChange, Zeroconf

from engine.errors import OutputError
from engine.outputs import vrchat
from engine.outputs._datagram import NetworkSettings
from engine.outputs._oscquery import parameter_types

START = "/avatar/parameters/"
HTTP, OSC = "_oscjson._tcp.local.", "_osc._udp.local."


def _tree(types: dict[str, str]) -> dict:
    """Return VRChat's tree below /avatar: folders, parameters, and the name of the avatar."""
    root: dict = {"FULL_PATH": "/avatar", "ACCESS": 0, "CONTENTS": {}}
    for address, kind in {"/avatar/change": "s", **types}.items():
        node, path = root, "/avatar"
        for part in address.split("/")[2:]:
            path += f"/{part}"
            node = node.setdefault("CONTENTS", {}).setdefault(part, {"FULL_PATH": path})
        node |= {"ACCESS": 3, "TYPE": kind, "VALUE": [0]}
    return root


class MadeUpVrchat:
    """Announces itself as VRChat does, serves its avatar, hears parameters."""

    def __init__(self) -> None:
        self.types: dict[str, str] = {}
        self.heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.heard.bind(("127.0.0.1", 0))
        self.heard.settimeout(0.02)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(_tree(outer.types)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._serving.start()
        self.zeroconf = Zeroconf(["127.0.0.1"])
        port = self._server.server_address[1]
        self._info = ServiceInfo(
            HTTP, f"VRChat-Client-{port}.{HTTP}", port=port, properties={"txtvers": "1"},
            server=f"VRChat-Client-{port}.local.", parsed_addresses=["127.0.0.1"],
        )  # fmt: skip
        self.zeroconf.register_service(self._info)

    def leave(self) -> None:
        self.zeroconf.unregister_service(self._info)

    def close(self) -> None:
        self.zeroconf.close()
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        self.heard.close()


@pytest.fixture
def game() -> Iterator[MadeUpVrchat]:
    made = MadeUpVrchat()
    yield made
    made.close()


@pytest.fixture
def sink(game: MadeUpVrchat) -> Iterator[vrchat.VrchatSink]:
    made = vrchat.create(
        vrchat.Settings(
            port=game.heard.getsockname()[1], oscquery=True, resend_s=0.0,
            network=NetworkSettings(interface="127.0.0.1"),
        )
    )  # fmt: skip
    yield made
    made.close()


def _sent(game: MadeUpVrchat, sink: vrchat.VrchatSink) -> dict[str, list]:
    """Return what one and the same face sends now."""
    sink.send(tracked(1))
    heard: dict[str, list] = {}
    while True:
        try:
            heard |= dict(read(game.heard.recv(65536)))
        except TimeoutError:
            return heard


def _parameters(heard: dict[str, list]) -> set[str]:
    return {address.removeprefix(START) for address in heard if address.startswith(START)}


def _until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _found(zeroconf: Zeroconf, service: str) -> ServiceInfo:
    names: list[str] = []

    def note(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange):  # type: ignore[no-untyped-def]
        if name.startswith("FlowFace") and state_change is not ServiceStateChange.Removed:
            names.append(name)

    browser = ServiceBrowser(zeroconf, service, handlers=[note])
    _until(lambda: names)
    browser.cancel()
    info = zeroconf.get_service_info(service, names[0])
    assert info is not None
    return info


def _got(port: int, path: str) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_only_what_the_avatar_has_is_sent_and_all_of_it_anew_after_a_change(
    game: MadeUpVrchat, sink: vrchat.VrchatSink
) -> None:
    assert len(_parameters(_sent(game, sink))) > 100  # nobody has told yet
    game.types = {START + "My/v2/JawOpen": "f", START + "v2/MouthX1": "T", START + "Hat": "T"}
    _until(lambda: sink._told or _sent(game, sink) is None)
    sink._parameters.forget()
    game.types = {START + "My/v2/JawOpen": "f", START + "Hat": "T"}
    info = _found(game.zeroconf, OSC)
    assert info.port is not None

    def change() -> None:
        builder = OscMessageBuilder("/avatar/change")
        builder.add_arg("avtr_another")
        game.heard.sendto(builder.build().dgram, ("127.0.0.1", info.port))

    change()
    _until(lambda: _parameters(_sent(game, sink)) == {"My/v2/JawOpen"})
    assert _parameters(_sent(game, sink)) == set()  # the face has not moved
    change()  # the same avatar again has lost its values
    _until(lambda: _parameters(_sent(game, sink)) == {"My/v2/JawOpen"})
    assert "/tracking/eye/LeftRightPitchYaw" in _sent(game, sink)
    game.types = {START + "v2/EyeLeftX": "f", START + "v2/EyeOpenLeft": "f"}
    change()
    _until(lambda: _parameters(_sent(game, sink)) == {"v2/EyeLeftX", "v2/EyeOpenLeft"})
    assert _sent(game, sink) == {}  # the eyes are the avatar's own
    game.leave()
    _until(lambda: len(_parameters(_sent(game, sink))) > 100)


def test_we_are_found_and_say_what_we_want(game: MadeUpVrchat, sink: vrchat.VrchatSink) -> None:
    http_info, osc_info = (_found(game.zeroconf, service) for service in (HTTP, OSC))
    assert http_info.parsed_addresses() == ["127.0.0.1"]
    assert http_info.properties == {b"txtvers": b"1"}
    assert http_info.port is not None
    status, body = _got(http_info.port, "/?HOST_INFO")
    host = json.loads(body)
    assert status == 200
    assert (host["OSC_IP"], host["OSC_PORT"], host["OSC_TRANSPORT"]) == (
        "127.0.0.1", osc_info.port, "UDP",
    )  # fmt: skip
    status, body = _got(http_info.port, "/")
    assert parameter_types(json.loads(body)) == {"/avatar/change": "s"}
    status, body = _got(http_info.port, "/avatar/change?ACCESS")
    assert (status, json.loads(body)) == (200, {"ACCESS": 2})
    assert _got(http_info.port, "/avatar/change?VALUE")[0] == 204  # nobody may read it
    assert _got(http_info.port, "/avatar/none")[0] == 404


@pytest.mark.parametrize("count", [300, pytest.param(100_000, marks=pytest.mark.slow)])
def test_rubbish_at_both_ports_breaks_nothing(
    game: MadeUpVrchat, sink: vrchat.VrchatSink, count: int
) -> None:
    watch, rng = sink._watch, np.random.default_rng(0)
    assert watch is not None
    for index in range(count):
        packet = rng.bytes(int(rng.integers(1, 300)))
        game.heard.sendto(packet, ("127.0.0.1", watch.osc_port))
        if index % 30 == 0:
            with socket.create_connection(("127.0.0.1", watch.http_port), timeout=5) as caller:
                caller.sendall((b"GET /" if index % 60 else b"") + packet + b"\r\n\r\n")
    _until(lambda: watch.strange > 0)
    assert _got(watch.http_port, "/")[0] == 200
    assert watch._seeker.alive
    assert watch._porter.alive


def test_it_is_off_unless_it_is_wished_and_leaves_nothing_behind(game: MadeUpVrchat) -> None:
    plain = vrchat.create(vrchat.Settings())
    assert plain._watch is None
    plain.close()
    made = vrchat.create(
        vrchat.Settings(oscquery=True, network=NetworkSettings(interface="127.0.0.1"))
    )
    info = _found(game.zeroconf, HTTP)
    made.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", info.port or 0), timeout=2)
    _until(lambda: game.zeroconf.get_service_info(HTTP, info.name, 100) is None)


def test_an_impossible_address_is_told() -> None:
    with pytest.raises(OutputError, match="no address of this machine"):
        vrchat.create(vrchat.Settings(oscquery=True, listen="192.0.2.1"))


@pytest.mark.parametrize("tree", ["[]", "1", '{"CONTENTS": {"a": 1}}'])
def test_a_tree_that_is_none_is_refused(tree: str) -> None:
    with pytest.raises(ValueError, match="no OSCQuery tree"):
        parameter_types(json.loads(tree))
