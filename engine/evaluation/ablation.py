"""`flowface bench ablation`: what encoder, UV side, steps and start are worth, and what they cost.

Every trained network is run with each number of steps that it has parts for, cold, and once warm.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.config import TrackerConfig
from engine.evaluation import sequence
from engine.evaluation.align import on_portraits, summary
from engine.evaluation.openings import OPENINGS
from engine.evaluation.tables import table
from engine.evaluation.variants import backend_of, trained
from engine.fit.heads import HeadModel
from engine.network.aligner import Memory
from engine.network.point_aligner import PointAligner

MOST_STEPS = 3
PICTURES = 100
_RUNS, _FIRST_RUNS = 9, 2


@dataclass(frozen=True)
class Variant:
    """One way of running a network."""

    steps: int
    warm: bool

    def start(self, network: PointAligner) -> str:
        """Return what tables call the start."""
        return "warm" if self.warm else network.aligner.config.start


def variants(network: PointAligner) -> list[Variant]:
    """Return the ways in which a network can be run."""
    config = network.aligner.config
    least = 0 if config.start == "matching" else 1
    most = MOST_STEPS if config.iterations else 0
    cold = [Variant(steps, warm=False) for steps in range(least, most + 1)]
    return cold + ([Variant(1, warm=True)] if config.iterations else [])


class _Once(torch.nn.Module):
    """One run of a variant, from an image alone or from a memory of zeros."""

    def __init__(self, network: PointAligner, variant: Variant) -> None:
        super().__init__()
        self.network, self.variant = network, variant

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        start = None
        if self.variant.warm:
            start = Memory(*(picture.new_zeros(size) for size in self.network.memory_sizes))
        return self.network.answer(picture, start, self.variant.steps).points


def gflop(network: PointAligner, variant: Variant) -> float:
    """Return thousand millions of floating-point operations of one picture.

    A multiplication with its addition counts as two, as PyTorch's counter has it; sampling,
    normalisation and activations do not count.
    """
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        _Once(network, variant)(_picture(network, "cpu"))
    return counter.get_total_flops() / 1e9


def milliseconds(network: PointAligner, variant: Variant, device: str) -> float:
    """Return the median time of one picture in plain PyTorch."""
    once, picture = _Once(network, variant).to(device), _picture(network, device)
    times: list[float] = []
    with torch.inference_mode():
        for _ in range(_RUNS + _FIRST_RUNS):
            start = time.perf_counter()
            once(picture)
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(1e3 * (time.perf_counter() - start))
    once.to("cpu")
    return float(np.median(times[_FIRST_RUNS:]))


def _picture(network: PointAligner, device: str) -> torch.Tensor:
    side = network.aligner.config.image_side_px
    return torch.rand(1, 3, side, side, device=device)


def run(
    names: list[str],
    head: HeadModel,
    data: Path,
    sequences: Path | None,
    threads: int,
    limit: int | None,
) -> dict[str, Any]:
    """Measure every variant of several networks.

    names      folders of training runs, or installed weights
    data       the measuring data, for the validation portraits
    sequences  rendered sequences; no SSME if None
    limit      so many portraits, and frames of each sequence
    Raises AssetError if a network or the data are missing.
    """
    torch.set_num_threads(threads)
    rows: list[dict[str, Any]] = []
    for name in names:
        network = trained(name)
        for variant in variants(network):
            cost = _row(name, network, variant)
            rows.append(cost | _accuracy(network, variant, head, data, sequences, limit, threads))
    return {"rows": rows, "threads": threads}


def _row(name: str, network: PointAligner, variant: Variant) -> dict[str, Any]:
    config = network.aligner.config
    cuda = torch.cuda.is_available()
    return {
        "run": Path(name).name,
        "encoder": config.encoder,
        "image_side_px": config.image_side_px,
        "uv_side": config.uv_side,
        "start": variant.start(network),
        "steps": variant.steps,
        "warm": variant.warm,
        "trained_steps": config.iterations,
        "parameters": sum(p.numel() for p in network.parameters()),
        "gflop": gflop(network, variant),
        "cpu_ms": milliseconds(network, variant, "cpu"),
        "gpu_ms": milliseconds(network, variant, "cuda") if cuda else float("nan"),
    }


def _accuracy(
    network: PointAligner, variant: Variant, head: HeadModel, data: Path, sequences: Path | None,
    limit: int | None, threads: int,
) -> dict[str, Any]:  # fmt: skip
    warm = variant.warm
    backend = backend_of(network, None if warm else variant.steps, threads)
    figures: dict[str, Any] = {}
    if not warm:  # a single picture has no frame before
        still = summary(on_portraits(head, backend, data, None, limit or PICTURES)[0])
        figures["portraits"] = {key: still[key] for key in ("nme_percent", "openings")}
    if sequences is not None:
        networks = {"network": (backend, warm)}
        moving = sequence.run(sequences, head, networks, None, TrackerConfig(), limit)
        figures["sequences"] = moving["ways"]["network"]
    return figures


def text(result: dict[str, Any]) -> str:
    """Return the table of `bench ablation`."""
    header = ("run", "encoder", "D_img", "D_uv", "start", "N", "params M", "GFLOP", "CPU ms",
              "GPU ms", "NME %", "lids %", "lips %", "video NME %", "SSME px", "SSME h=1",
              "video lids %", "video lips %")  # fmt: skip
    lines = [tuple(_cells(row)) for row in result["rows"]]
    note = f"CPU ms: PyTorch, --threads {result['threads']}; video: the rendered sequences\n"
    return table(header, lines) + note


def _cells(row: dict[str, Any]) -> Iterator[object]:
    yield from (row[key] for key in ("run", "encoder", "image_side_px", "uv_side", "start"))
    yield f"{row['steps']}" + ("*" if row["steps"] == row["trained_steps"] else "")
    yield from (row["parameters"] / 1e6, row["gflop"], row["cpu_ms"], row["gpu_ms"])
    still, moving = row.get("portraits"), row.get("sequences")
    yield still["nme_percent"] if still else float("nan")
    yield from _openings(still)
    yield moving["nme_percent"] if moving else float("nan")
    yield moving["ssme_px"]["face"] if moving else float("nan")
    yield moving["ssme_curve_px"]["face"][0] if moving else float("nan")
    yield from _openings(moving)


def _openings(figures: dict[str, Any] | None) -> tuple[float, float]:
    """Return the mean error of both lids and that of the lips, %."""
    if figures is None:
        return float("nan"), float("nan")
    error = {name: figures["openings"][name]["error_percent"] for name in OPENINGS}
    return (error["left_eye"] + error["right_eye"]) / 2, error["mouth"]
