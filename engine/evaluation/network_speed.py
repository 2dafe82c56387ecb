"""`flowface bench network`: what one crop costs in every backend that works on this machine.

Times are of `Backend.align`, as the tracker pays them: crop, copies, network, read-back; one crop
at a time. Where the fit goes right behind the network on its device, there is a time of both as
well: what it is longer is what a followed frame's fit costs there. Agreement is the largest
distance of any vertex from PyTorch's answer in single precision on a processor, for two consecutive
frames of the demo.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from types import ModuleType
from typing import Any

import numpy as np
import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

import engine.network.backends
from engine import plugins
from engine.capture.sources import demo
from engine.clock import NS_PER_MS, NS_PER_S
from engine.errors import BackendError, TrackingError
from engine.evaluation.tables import table
from engine.fit.heads import open_head
from engine.fit.motion import Shares
from engine.fit.settings import FitSettings, MotionSettings
from engine.fit.sides import split
from engine.fit.solver import Past, Solver
from engine.fit.start import first_state
from engine.fit.step_choice import StepsMaker
from engine.geometry import assumed_camera
from engine.network import weights
from engine.network.backends import Backend
from engine.network.backends._cuda import card_count
from engine.network.backends._two_graphs import OnDevice, TwoGraphs
from engine.network.backends.torch_eager import on_card, on_processor
from engine.network.build import build_point_aligner, untrained_point_aligner
from engine.network.config import NetworkConfig, configuration
from engine.network.crop import crop_from_box
from engine.network.detector import Detector
from engine.network.export import example_inputs, export_onnx
from engine.network.point_aligner import PointAligner
from engine.network.shards import save_sharded
from engine.network.weights import WeightFile
from engine.resources import sha256
from engine.types import Alignment, AlignmentMemory, Crop, Frame

_LOG = logging.getLogger(__name__)

UNCAPTURED = "torch, no CUDA graph"
_BEFORE, _LEAST_ROUNDS, _LONGEST_S = 3, 5, 15.0  # rounds not timed; then of every start


@dataclass(frozen=True)
class Scene:
    """Two consecutive frames, where the network looks in them, and what it should answer."""

    frames: tuple[Frame, Frame]
    crop: Crop
    cold: Alignment  # of the first frame
    warm: Alignment  # of the second, from the first

    @property
    def memory(self) -> AlignmentMemory | None:
        """What the second frame starts from."""
        return self.cold.memory


def run(name: str, kinds: Sequence[str] | None, threads: int, rounds: int | None) -> dict[str, Any]:
    """Return the figures of one configuration.

    kinds   the backends; None for all
    rounds  timed calls of every start; fewer where they would take over 15 s

    Raises ConfigError for an unknown configuration or backend.
    """
    config = configuration(name)
    chosen = list(kinds or (k for k in plugins.kinds(engine.network.backends) if k != "auto"))
    modules = {kind: plugins.load(engine.network.backends, kind) for kind in chosen}
    with tempfile.TemporaryDirectory() as folder:
        trained = name in weights.names()
        files = weights.load(name) if trained else random_weights(config, Path(folder))
        network = build_point_aligner(files)
        torch.set_num_threads(threads)
        scene = _scene(network, files.config)
        rows: list[dict[str, Any]] = []
        skipped: dict[str, str] = {}
        for kind, module in modules.items():
            try:
                rows += _rows(kind, module, files, threads, scene, rounds or 50)
            except (BackendError, RuntimeError) as error:  # RuntimeError: a card's library
                skipped[kind] = str(error)
        if "torch_eager" in chosen and card_count() and torch.cuda.is_available():
            for half in (True, False):
                backend = _uncaptured(build_point_aligner(files), half)
                rows += _timed(UNCAPTURED, half, backend, scene, rounds or 50)
    return {
        "configuration": asdict(files.config),
        "weights": name if trained else "random",
        "parameters_m": sum(p.numel() for p in network.parameters()) / 1e6,
        "gflop": {start: gflop(network, start == "warm") for start in ("cold", "warm")},
        "threads": threads,
        "rows": rows,
        "skipped": skipped,
        "tensorrt_to_torch_ratio": _ratios(rows),
    }


def random_weights(config: NetworkConfig, folder: Path) -> WeightFile:
    """Write a folder of weights as they ship, graphs included, with random parameters."""
    torch.manual_seed(0)
    network = untrained_point_aligner(config).eval()
    # Rounded as the file will be, so that graph and parameters are of one network.
    network.load_state_dict(
        {k: v.half().float() if v.is_floating_point() else v for k, v in _state(network).items()}
    )
    files = save_sharded(_state(network), folder)
    for name, warm in (("model.onnx", False), ("model_warm.onnx", True)):
        export_onnx(network, config.image_side_px, folder / name, warm)
        files.append(folder / name)
    manifest = folder / "manifest.yaml"
    listed = {path.name: {"sha256": sha256(path)} for path in files}
    manifest.write_text(yaml.safe_dump({"files": listed}), encoding="utf-8")
    return WeightFile(folder, config, sha256(open_head.DEFAULT_PATH), {}, manifest)


def _state(network: PointAligner) -> dict[str, torch.Tensor]:
    return network.state_dict()


def gflop(network: PointAligner, warm: bool) -> float:
    """Return the floating-point operations of one crop in 1e9, a multiply-add counted as two."""
    side_px = network.aligner.config.image_side_px
    inputs = example_inputs(network, side_px, warm)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(*inputs)
    return counter.get_total_flops() / 1e9


def _scene(network: PointAligner, config: NetworkConfig) -> Scene:
    first, second = demo_frames()
    faces = Detector().detect(first.image)
    if not faces:
        raise TrackingError("bench network: no face is found in the demo")
    crop = crop_from_box(faces[0].box_px, config.image_side_px, faces[0].roll_rad or 0.0)
    graph = on_processor(network)
    reference = TwoGraphs(graph, graph, config.image_side_px, "reference")
    cold = reference.align(first, crop)
    return Scene((first, second), crop, cold, reference.align(second, crop, cold.memory))


def demo_frames() -> tuple[Frame, Frame]:
    """Return the first two frames of the demo."""
    source = demo.create(demo.Settings(loop=False))
    try:
        first, second = source.take(), source.take()
    finally:
        source.close()
        source.take()  # a closed source lets go of its file when it is next read
    if first is None or second is None:
        raise TrackingError("bench network: the demo has fewer than two frames")
    return first, second


def _rows(
    kind: str, module: ModuleType, files: WeightFile, threads: int, scene: Scene, rounds: int
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for half in (True, False) if card_count() else (False,):
        backend: Backend = module.create(files, threads, half)
        rows += _timed(kind, half, backend, scene, rounds)
    return rows


def _timed(
    kind: str, half: bool, backend: Backend, scene: Scene, rounds: int
) -> list[dict[str, Any]]:
    """Time both starts of a backend, which is closed afterwards."""
    rows: list[dict[str, Any]] = []
    try:
        for start, frame, memory, expected in (
            ("cold", scene.frames[0], None, scene.cold),
            ("warm", scene.frames[1], scene.memory, scene.warm),
        ):
            crop = replace(scene.crop)
            off = backend.align(frame, crop, memory).points_px - expected.points_px
            times_ms = time_ms(partial(backend.align, frame, crop, memory), rounds)
            median, p95 = np.percentile(times_ms, [50, 95])
            rows.append(
                {
                    "backend": kind,
                    "about": backend.about,
                    "precision": "half" if half else "single",
                    "start": start,
                    "median_ms": float(median),
                    "p95_ms": float(p95),
                    "with_fit_ms": _with_fit_ms(backend, scene, frame, memory, rounds),
                    "rounds": len(times_ms),
                    "off_px": float(np.linalg.norm(off, axis=1).max()),
                }
            )
    finally:
        backend.close()
    return rows


def _with_fit_ms(
    backend: Backend, scene: Scene, frame: Frame, memory: AlignmentMemory | None, rounds: int
) -> float | None:
    """Return the median time of network and fit in one go; None where they cannot."""
    if not isinstance(backend, OnDevice):
        return None
    try:
        call = followed_by_fit(backend, scene, frame, memory)
    except BackendError as error:
        _LOG.warning("%s: %s", backend.about, error)
        return None
    return float(np.median(time_ms(call, rounds)))


def followed_by_fit(
    backend: OnDevice, scene: Scene, frame: Frame, memory: AlignmentMemory | None
) -> Callable[[], object]:
    """Return what aligns a frame and fits the head to it, from the fit of the scene's first frame.

    Raises BackendError if the device refuses.
    """
    solver = Solver(split(open_head.load(open_head.DEFAULT_PATH)))
    height, width = frame.image.shape[:2]
    camera = assumed_camera(width, height)
    maker = StepsMaker("torch", backend)
    solver.steps = maker(solver)
    whole = maker.whole(solver, Shares(solver.head, solver.chosen, MotionSettings()), camera)
    seen = solver.measured(scene.cold)
    start = first_state(solver, seen, camera.intrinsics)
    if whole is None or start is None:
        raise BackendError("network and fit do not run in one go here; the log says why")
    past = Past(
        solver.solve(seen, camera.intrinsics, start, steps=FitSettings().cold_steps), 1 / 30
    )
    return partial(whole.followed, frame, scene.crop, memory, camera.intrinsics, past, None)


def time_ms(call: Callable[[], object], rounds: int) -> list[float]:
    """Return the time of every timed call; at least 5, then until `rounds` or 15 s are over."""
    for _ in range(_BEFORE):
        call()
    times_ms: list[float] = []
    begin_ns = perf_counter_ns()
    while len(times_ms) < rounds:
        start_ns = perf_counter_ns()
        if len(times_ms) >= _LEAST_ROUNDS and start_ns - begin_ns > _LONGEST_S * NS_PER_S:
            break
        call()
        times_ms.append((perf_counter_ns() - start_ns) / NS_PER_MS)
    return times_ms


def _uncaptured(network: PointAligner, half: bool) -> Backend:
    side = network.aligner.config.image_side_px
    cold, warm = (on_card(network, side, warm, half, capture=False) for warm in (False, True))
    about = f"PyTorch {torch.__version__} on {torch.cuda.get_device_name()}, kernel by kernel"
    return TwoGraphs(cold, warm, side, about)


def _ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return how many times TensorRT is faster than PyTorch, by start, precision and PyTorch."""
    found = {(r["backend"], r["start"], r["precision"]): r["median_ms"] for r in rows}
    return {
        f"{start}, {precision}, {other}": time / found["tensorrt_engine", start, precision]
        for (other, start, precision), time in found.items()
        if other in ("torch_eager", UNCAPTURED) and ("tensorrt_engine", start, precision) in found
    }


def text(figures: dict[str, Any]) -> str:
    """Return the figures as a table."""
    config, gflops = figures["configuration"], figures["gflop"]
    header = (
        "backend", "precision", "start", "median ms", "p95 ms", "with fit ms", "off px", "runs on"
    )  # fmt: skip
    rows = [
        (
            *(r[key] for key in ("backend", "precision", "start", "median_ms", "p95_ms")),
            "" if r["with_fit_ms"] is None else r["with_fit_ms"],
            f"{r['off_px']:.4f}",
            r["about"],
        )
        for r in figures["rows"]
    ]
    lines = [
        f"{config['name']}: {figures['parameters_m']:.1f} M parameters ({figures['weights']}), "
        f"{gflops['cold']:.2f} GFLOP cold, {gflops['warm']:.2f} GFLOP warm",
        table(header, rows),
        *(f"not measured: {kind}: {why}\n" for kind, why in figures["skipped"].items()),
        *(
            f"TensorRT is {ratio:.1f} times faster: {what}\n"
            for what, ratio in figures["tensorrt_to_torch_ratio"].items()
        ),
    ]
    return "\n".join(lines)
