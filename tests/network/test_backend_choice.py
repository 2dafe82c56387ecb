"""Which backend is taken, what is said where one cannot run, and the buffers of a card."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.errors import AssetError, BackendError
from engine.network import weights
from engine.network.backends import auto, onnx_runtime, tensorrt_engine, torch_eager
from engine.network.backends._cuda import StaticRun, card_count
from engine.network.backends._tensorrt_build import build, engine_path


class MadeUp:
    def __init__(self, about: str, error: Exception | None = None) -> None:
        self.about, self._error = about, error

    def warm_up(self) -> None:
        if self._error is not None:
            raise self._error


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A machine with a card on which what a test puts here is made, or raised."""
    made: dict[str, object] = {}

    def create(kind: str) -> object:
        def make(_weights: object, _threads: int, _half: bool) -> object:
            found = made.get(kind, MadeUp(kind))
            if isinstance(found, Exception):
                raise found
            return found

        return make

    monkeypatch.setattr(auto, "card_count", lambda: 1)
    for module in (tensorrt_engine, torch_eager, onnx_runtime):
        kind = module.__name__.rsplit(".", 1)[1]
        monkeypatch.setattr(module, "create", create(kind))
    return made


def test_the_fastest_that_works_is_taken(
    machine: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert auto.create(weights.load(), 1).about.startswith("tensorrt_engine")
    assert "network: tensorrt_engine (the fastest here)" in caplog.text
    machine["tensorrt_engine"] = BackendError("is not installed")
    assert auto.create(weights.load(), 1).about.startswith("torch_eager")
    assert "network: torch_eager (tensorrt_engine: is not installed)" in caplog.text
    machine["torch_eager"] = MadeUp("torch_eager", RuntimeError("CUDA out of memory"))
    assert auto.create(weights.load(), 1).about.startswith("onnx_runtime")
    assert "torch_eager: CUDA out of memory" in caplog.text


def test_a_damaged_file_is_not_passed_over(machine: dict[str, object]) -> None:
    machine["tensorrt_engine"] = AssetError("wrong checksum")
    with pytest.raises(AssetError, match="wrong checksum"):
        auto.create(weights.load(), 1)


def test_where_nothing_works_every_reason_is_given(machine: dict[str, object]) -> None:
    for kind in auto.candidates(1):
        machine[kind] = BackendError(f"no {kind}")
    with pytest.raises(BackendError, match=r"no tensorrt_engine.*no torch_eager.*no onnx_runtime"):
        auto.create(weights.load(), 1)


def test_without_a_card_only_the_processor_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "card_count", lambda: 0)
    monkeypatch.setattr(onnx_runtime, "create", lambda *_: MadeUp("the processor"))
    for module in (tensorrt_engine, torch_eager):
        monkeypatch.setattr(module, "create", lambda *_: pytest.fail("was tried"))
    assert auto.create(weights.load(), 1).about.startswith("the processor")


def test_tensorrt_says_that_it_needs_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt_engine, "card_count", lambda: 0)
    with pytest.raises(BackendError, match=r"needs an NVIDIA graphics card.*allowed here are"):
        tensorrt_engine.create(weights.load(), 1)


def test_tensorrt_says_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt_engine, "card_count", lambda: 1)
    for name in tensorrt_engine.MODULES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BackendError, match=r"needs one of tensorrt, tensorrt_rtx; .*pip install"):
        tensorrt_engine.create(weights.load(), 1)


def test_a_package_without_its_libraries_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = SimpleNamespace(Builder=object)
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", whole)  # type: ignore[arg-type]
    assert tensorrt_engine.find_tensorrt() is whole


def test_pytorch_without_cuda_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("this PyTorch has CUDA")
    monkeypatch.setattr(tensorrt_engine, "card_count", lambda: 1)
    monkeypatch.setattr(tensorrt_engine, "find_tensorrt", lambda: SimpleNamespace())
    with pytest.raises(BackendError, match=r"has no CUDA; install a build that has"):
        tensorrt_engine.create(weights.load(), 1)


def test_an_engine_is_kept_under_all_that_it_depends_on(tmp_path: Path) -> None:
    cold, warm = tmp_path / "model.onnx", tmp_path / "model_warm.onnx"
    cold.write_bytes(b"one")
    warm.write_bytes(b"one")
    old, new, rtx = (
        SimpleNamespace(__name__=name, __version__=version)
        for name, version in (("tensorrt", "10.1"), ("tensorrt", "11.4"), ("tensorrt_rtx", "11.4"))
    )
    names = {engine_path(old, cold, "Card 1 sm89"), engine_path(old, warm, "Card 1 sm89")}
    names |= {engine_path(trt, cold, "Card 1 sm89") for trt in (new, rtx)}
    names |= {engine_path(old, cold, "Card 1 sm90"), engine_path(old, cold, "Card 2 sm89")}
    cold.write_bytes(b"two")
    names.add(engine_path(old, cold, "Card 1 sm89"))
    assert len(names) == 7
    assert all(" " not in path.name for path in names)


def test_card_count_is_what_pytorch_sees() -> None:
    if torch.version.cuda is None:
        assert card_count() >= 0  # this build of PyTorch cannot say
    else:
        assert card_count() == torch.cuda.device_count()


def test_answers_of_a_static_run_are_copies() -> None:
    """On the processor there is no stream, but the same buffers."""
    inputs = {"x": torch.zeros(2, 3), "y": torch.zeros(3, dtype=torch.uint8)}
    outputs = {"sum": torch.zeros(2, 3), "empty": torch.zeros(1, 0)}
    run = StaticRun(
        inputs, outputs, lambda: torch.add(inputs["x"], inputs["y"], out=outputs["sum"]), None
    )
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2, 3], np.uint8)
    first = run({"x": x, "y": y})
    second = run({"x": -x, "y": y})
    np.testing.assert_array_equal(first["sum"], x + y)
    np.testing.assert_array_equal(second["sum"], -x + y)
    assert first["empty"].shape == (1, 0)
    with pytest.raises(TypeError):
        run({"x": x.astype(np.float64), "y": y})


@pytest.mark.slow
@pytest.mark.skipif(find_spec("tensorrt_rtx") is None, reason="TensorRT for RTX is not installed")
def test_tensorrt_builds_every_graph(exported: dict[str, dict[str, Path]], tmp_path: Path) -> None:
    """TensorRT for RTX builds without a card: it judges our graphs itself."""
    import onnx
    import tensorrt_rtx as trt

    from engine.network.half_graph import halved

    for graphs in exported.values():
        for path in graphs.values():
            half = tmp_path / f"{path.stem}_half.onnx"
            onnx.save(halved(onnx.load(path)), half)
            assert len(build(trt, half, for_this_card=False)) > 100_000
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no graph")
    with pytest.raises(AssetError, match=r"broken\.onnx: tensorrt_rtx .* cannot read it"):
        build(trt, broken, for_this_card=False)
