"""The real tracker is put together; only the network is made up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine import assembly, plugins
from engine.assembly import TrackerFactory
from engine.config import Config, TrackerConfig, source_choice
from engine.describing import take_info
from engine.errors import AssetError, ConfigError
from engine.fit.rest import Rest
from engine.fit.retarget import RetargetSettings
from engine.geometry import assumed_camera
from engine.network.backends import auto
from engine.resources import sha256
from engine.types import Alignment, AlignmentMemory, Crop, Frame, Status


class MadeUpBackend:
    crop_side_px, about, on_card = 192, "an abacus, 2 threads", False

    def __init__(self, threads: int) -> None:
        self.threads, self.warmed, self.closed = threads, False, False

    def warm_up(self) -> None:
        self.warmed = True

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        raise AssertionError("there is no face to align")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> list[MadeUpBackend]:
    """Exchange the backend modules for one that keeps what it made."""
    made: list[MadeUpBackend] = []

    def create(_weights: object, threads: int, half: bool) -> MadeUpBackend:
        assert half == (TrackerConfig().precision == "half")
        made.append(MadeUpBackend(threads))
        return made[-1]

    real = plugins.load

    def load(package: object, kind: str) -> object:
        if package is assembly.engine.network.backends:
            return SimpleNamespace(create=create)
        return real(package, kind)  # type: ignore[arg-type]

    monkeypatch.setattr(plugins, "load", load)
    made_for = sha256(assembly.head_file("open"))
    monkeypatch.setattr(
        assembly.weights,
        "load",
        lambda name: SimpleNamespace(name=name, head_sha256=made_for, folder=Path(name)),
    )
    return made


def test_tracker_finds_nobody_in_an_empty_room(backends: list[MadeUpBackend]) -> None:
    factory = TrackerFactory()
    assert factory.about == ""
    tracker = factory(TrackerConfig(threads=1), assumed_camera(64, 48))
    assert factory.about == "an abacus, 2 threads"
    result = tracker.step(Frame(np.full((48, 64, 3), 90, np.uint8), 5, 1_000))
    assert (result.status, result.frame_index) == (Status.SEARCHING, 5)
    assert result.head is None
    assert backends[0].warmed
    assert backends[0].threads == 1
    factory.close()
    assert backends[0].closed


def test_network_stays_loaded_while_only_the_camera_changes(backends: list[MadeUpBackend]) -> None:
    factory = TrackerFactory()
    factory(TrackerConfig(), assumed_camera(64, 48))
    factory(TrackerConfig(), assumed_camera(128, 96))
    assert len(backends) == 1
    factory(TrackerConfig(threads=1), assumed_camera(128, 96))
    assert len(backends) == 2
    assert backends[0].closed
    factory.close()


@pytest.mark.parametrize("learns", [True, False])
def test_rest_is_learnt_as_the_settings_say_on_the_same_network(
    backends: list[MadeUpBackend], monkeypatch: pytest.MonkeyPatch, learns: bool
) -> None:
    made: list[bool] = []
    original = RetargetSettings.resting

    def resting(settings: RetargetSettings) -> Rest:
        made.append(settings.rest.on)
        return original(settings)

    monkeypatch.setattr(RetargetSettings, "resting", resting)
    factory = TrackerFactory()
    factory(TrackerConfig(learn_rest=not learns), assumed_camera(64, 48))
    factory(TrackerConfig(learn_rest=learns), assumed_camera(64, 48))
    assert made == [not learns, learns]
    assert len(backends) == 1
    factory.close()


def test_unknown_parts_are_named() -> None:
    with pytest.raises(ConfigError, match="unknown kind 'hydra_head'"):
        TrackerFactory()(TrackerConfig(head="hydra"), assumed_camera(64, 48))
    with pytest.raises(AssetError, match="no weights named 'giant'"):
        TrackerFactory()(TrackerConfig(weights="giant"), assumed_camera(64, 48))
    with pytest.raises(ConfigError, match="unknown kind 'abacus'"):
        assembly.plugins.load(assembly.engine.network.backends, "abacus")


def test_weights_of_another_head_are_refused(
    backends: list[MadeUpBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        assembly.weights,
        "load",
        lambda name: SimpleNamespace(head_sha256="0" * 64, folder=Path("weights") / name),
    )
    with pytest.raises(AssetError, match=r"card\.yaml: trained for a head with checksum 000000"):
        TrackerFactory()(TrackerConfig(threads=1), assumed_camera(64, 48))
    assert not backends


def test_the_fit_can_be_run_on_tensors_and_says_so(backends: list[MadeUpBackend]) -> None:
    factory = TrackerFactory()
    factory(TrackerConfig(solver="torch"), assumed_camera(64, 48))
    assert factory.about.startswith("an abacus, 2 threads; the fit: PyTorch ")
    factory(TrackerConfig(solver="cpu"), assumed_camera(64, 48))
    assert factory.about == "an abacus, 2 threads"
    assert len(backends) == 1  # the network stays
    with pytest.raises(ConfigError, match="solver 'abacus': allowed are auto, cpu, torch"):
        factory(TrackerConfig(solver="abacus"), assumed_camera(64, 48))
    factory.close()


@pytest.mark.parametrize(
    ("backend", "cards", "cuda", "installed", "expected"),
    [
        ("auto", 1, True, ["base", "nano"], "base"),
        ("torch_eager", 1, True, ["base", "nano"], "base"),
        ("auto", 1, True, ["nano"], "nano"),
        ("auto", 1, False, ["base", "nano"], "nano"),  # PyTorch of a build for processors
        ("auto", 0, True, ["base", "nano"], "nano"),
        ("onnx_runtime", 1, True, ["base", "nano"], "nano"),
    ],
)
def test_the_network_fits_the_machine(
    backend: str,
    cards: int,
    cuda: bool,
    installed: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auto, "card_count", lambda: cards)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(assembly.weights, "names", lambda: installed)
    assert assembly.resolved(TrackerConfig(backend=backend)).weights == expected
    named = TrackerConfig(backend=backend, weights="mine")
    assert assembly.resolved(named) == named


def test_a_tracker_loads_the_network_that_fits(
    backends: list[MadeUpBackend], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = assembly.weights.load
    monkeypatch.setattr(assembly.weights, "load", lambda name: loaded.append(name) or load(name))
    maker = TrackerFactory()
    maker(TrackerConfig(), assumed_camera(640, 480))
    maker(TrackerConfig(weights="auto", threads=2), assumed_camera(320, 240))
    assert loaded == ["nano"]
    assert len(backends) == 1


def test_a_recorded_take_names_the_network_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "card_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    info = take_info(Config(source=source_choice("demo")), assumed_camera(64, 48), "a test", 30.0)
    assert info.weights == "base"
    assert {file.path.split("/")[0] for file in info.weight_files} == {"base"}
