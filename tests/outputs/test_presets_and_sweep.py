"""Presets that can be opened; a test performance that moves as it says; the measure that counts."""

from __future__ import annotations

import socket

import numpy as np

import engine.outputs
from engine import assembly, axes, output_presets, plugins, sweep
from engine.config import output_choice
from engine.evaluation import outputs


def test_every_preset_opens_and_is_named() -> None:
    presets = output_presets.listed()
    assert {"VSeeFace", "Unreal", "Unity", "Warudo", "VMagicMirror", "TouchDesigner"} <= {
        preset.name for preset in presets
    }
    assert {preset.output.kind for preset in presets} == set(plugins.kinds(engine.outputs))
    for preset in presets:
        assert preset.output.settings.name == preset.name
        assert preset.about.endswith(".")
        plugins.load(engine.outputs, preset.output.kind).create(preset.output.settings).close()


def test_sweep_moves_as_it_says() -> None:
    head = assembly.load_head("open")
    shapes = {
        at: max(sweep.frame(head, at).blendshapes.items(), key=lambda item: item[1])[0]  # type: ignore[union-attr]
        for at in (0.4, 1.8, 2.2)
    }
    assert shapes == {0.4: "jawOpen", 1.8: "eyeBlinkLeft", 2.2: "eyeBlinkRight"}
    angles = [
        axes.head_angles("live_link", sweep.frame(head, at).head.camera_from_head[:3, :3])  # type: ignore[union-attr]
        for at in (2.65, 3.15, 3.7)
    ]  # + left, + up
    expected = [[0.4, 0, 0], [-0.4, 0, 0], [0, -0.25, 0]]
    np.testing.assert_allclose(angles, expected, atol=1e-9)


def test_sweep_is_played_through_an_output() -> None:
    head = assembly.load_head("open")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1.0)
        choice = output_choice("osc", port=receiver.getsockname()[1], style="list")
        traffic = sweep.play(choice, head, seconds=0.2)
        assert traffic.packets == 12
        assert [receiver.recv(4096)[:8] for _ in range(12)] == [b"#bundle\0"] * 12


def test_measure_counts_what_arrives() -> None:
    head = assembly.load_head("open")
    figures = outputs._played(head, 0.2, 60, outputs.FIVE)
    assert figures[1] == figures[2] >= 12 * len(outputs.FIVE)
