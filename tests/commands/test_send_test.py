"""`flowface send-test` to a receiver that is there, and to one that is not."""

from __future__ import annotations

import socket

import pytest

import engine.outputs
from app.cli import main
from engine import output_presets, plugins


@pytest.mark.parametrize("receiver", ["vmc", "VSeeFace", "vseeface"])
def test_a_receiver_gets_the_performance(receiver: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(1.0)
        port = bound.getsockname()[1]
        assert main(["send-test", receiver, "--port", str(port), "--seconds", "0.2"]) == 0
        assert b"/VMC/Ext/OK" in bound.recv(4096)
    said = capsys.readouterr().out
    assert f"vmc to 127.0.0.1, port {port}" in said
    assert " 0 failed" in said


def test_nobody_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    assert main(["send-test", "openseeface", "--port", str(port), "--seconds", "0.2"]) == 2
    said = capsys.readouterr().err
    assert str(port) in said
    assert "switch the receiver on" in said


def test_without_a_receiver_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send-test"]) == 0
    said = capsys.readouterr().out
    assert all(preset.name in said for preset in output_presets.listed())
    assert all(kind in said for kind in plugins.kinds(engine.outputs))


@pytest.mark.parametrize(
    ("arguments", "named"), [(["nobody"], "'VSeeFace'"), (["osc", "--port", "0"], "1 to 65535")]
)
def test_what_cannot_be_is_told_with_what_can(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["send-test", *arguments]) == 2
    assert named in capsys.readouterr().err
