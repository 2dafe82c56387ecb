"""Every byte of OSC that goes out, read by hand; and the bytes of the specification itself."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from made_results import lost, tracked
from plain_osc import read

import engine.outputs
from engine import clock, plugins
from engine.config import output_choice
from engine.outputs import _osc

# The two examples of OSC 1.0, "OSC Message Examples", byte by byte as printed there.
OSCILLATOR = bytes.fromhex(
    "2f6f7363 696c6c61 746f722f 342f6672 65717565 6e637900 2c660000 43dc0000"
)
FOO = bytes.fromhex(
    "2f666f6f 00000000 2c696973 66660000 000003e8 ffffffff 68656c6c 6f000000 3f9df3b6 40b5b22d"
)


def test_bytes_of_the_specification_are_written() -> None:
    assert _osc.message("/oscillator/4/frequency", 440.0) == OSCILLATOR
    assert _osc.message("/foo", 1000, -1, "hello", 1.234, 5.678) == FOO
    assert _osc.Template("/oscillator/4/frequency", floats=1).filled(440.0) == OSCILLATOR
    assert _osc.Template("/foo", 1000, -1, "hello", floats=2).filled(1.234, 5.678) == FOO


def test_bytes_of_the_specification_are_read() -> None:
    assert read(OSCILLATOR) == [("/oscillator/4/frequency", [440.0])]
    ((address, values),) = read(FOO)
    assert (address, values[:3]) == ("/foo", [1000, -1, "hello"])
    assert values[3:] == [struct.unpack(">f", struct.pack(">f", v))[0] for v in (1.234, 5.678)]


def test_a_bundle_is_sized_parts_after_its_time() -> None:
    (packed,) = _osc.bundles([OSCILLATOR, FOO])
    now = bytes(7) + b"\x01"
    sizes = struct.pack(">i", 32), struct.pack(">i", 40)
    assert packed == b"#bundle\0" + now + sizes[0] + OSCILLATOR + sizes[1] + FOO
    assert read(packed) == read(OSCILLATOR) + read(FOO)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("vmc", {}),
        ("vmc", {"shapes": "both", "root_scale": True, "names": "camelCase"}),
        ("osc", {}),
        ("osc", {"style": "messages", "deviations": True, "rotation": "quaternion"}),
        ("osc", {"style": "list", "deviations": True, "time_tags": True}),
        ("face_cap", {}),
        ("vrchat", {"form": "both"}),
    ],
)
def test_all_that_is_sent_is_well_formed(kind: str, settings: dict[str, Any]) -> None:
    """The reader refuses whatever is not padded, sized and typed as the specification says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1.0)
        choice = output_choice(kind, port=receiver.getsockname()[1], **settings)
        sink = plugins.load(engine.outputs, kind).create(choice.settings)
        count = 0
        for index in range(8):
            make = lost if index == 4 else tracked
            sink.send(make(index, index * clock.NS_PER_S // 30))
            while count < sink.traffic.packets:
                packet = receiver.recv(65536)
                assert len(packet) % 4 == 0
                assert len(packet) <= 1200
                assert read(packet)
                count += 1
        sink.close()
    assert count >= 7
