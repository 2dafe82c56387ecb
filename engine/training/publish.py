"""From a checkpoint to shipped weights: calibrated sigma, float16 parameters, ONNX, a card."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from engine.fit.heads import open_head
from engine.network.build import untrained_point_aligner
from engine.network.export import export_onnx
from engine.network.point_aligner import PointAligner
from engine.network.shards import LARGEST_BYTES, save_sharded
from engine.network.weights import NOISE_FILE
from engine.resources import RESOURCES, forget_removed, record, sha256
from engine.training.batches import validation_crops
from engine.training.packs import Pack
from engine.training.train import Trainer

_RAYLEIGH_MEDIAN = math.sqrt(2.0 * math.log(2.0))


def publish(trainer: Trainer, name: str, made: str, say: Callable[[str], None]) -> Path:
    """Write resources/weights/<name> from the running average of a training run.

    made     how and on what the weights were made, for the card
    returns  the folder
    """
    network = untrained_point_aligner(trainer.config)
    # What ships is what is measured: rounded as the file will be, but for the exact UV.
    rounded = {k: v.half().float() for k, v in trainer.average.cpu().state_dict().items()}
    network.aligner.load_state_dict(rounded)
    network.eval()
    portraits = [pack for pack in trainer.measured if pack.spread is not None]
    if portraits:
        scale = torch.tensor(sigma_scale(network, trainer, portraits[0])).half()
        network.sigma_scale.copy_(scale)
        say(f"sigma scale {float(network.sigma_scale):.3f}")

    folder = RESOURCES / "weights" / name
    folder.mkdir(parents=True, exist_ok=True)
    # The noise model goes as well: it is that of the old network. `flowface bench noise --write`.
    for old in (*folder.glob("weights*.safetensors"), *folder.glob("*.onnx"), folder / NOISE_FILE):
        old.unlink(missing_ok=True)
    files = save_sharded(network.state_dict(), folder)
    # A large network ships its parameters only: its graphs are exported where they are first used.
    if 2 * sum(file.stat().st_size for file in files) <= LARGEST_BYTES:  # a graph is in float32
        for graph, warm in (("model.onnx", False), ("model_warm.onnx", True)):
            export_onnx(network, trainer.config.image_side_px, folder / graph, warm)
            files.append(folder / graph)
    card: dict[str, Any] = {
        "network": asdict(trainer.config),
        "head_sha256": sha256(open_head.DEFAULT_PATH),
        "made": made,
        "steps": trainer.step,
        "training": asdict(trainer.settings),
        "packs": {pack.path.stem: len(pack) for pack in trainer.packs},
        "figures": {key: round(value, 4) for key, value in trainer.validate(limit=10_000).items()},
        "sigma_scale": round(float(network.sigma_scale), 4),
    }
    text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True)
    (folder / "card.yaml").write_text(text, encoding="utf-8")
    forget_removed()
    for file in files:
        record(file, source="trained by this project; see card.yaml", licence="Apache-2.0")
    return folder


@torch.no_grad()
def sigma_scale(network: PointAligner, trainer: Trainer, pack: Pack) -> float:
    """Return the factor that puts the median of d / sigma on validation at the Rayleigh median."""
    side = trainer.config.image_side_px
    crops, truth = validation_crops(pack, trainer.head, side)
    ratios: list[Tensor] = []
    for part, marks in zip(crops.split(32), truth.split(32), strict=True):
        answer = network.answer(part)
        found = trainer.loss.cpu().landmarks(answer.points)
        spread = trainer.loss.landmarks(answer.sigma[..., None])[..., 0]
        ratios.append(((found - marks).norm(dim=-1) / spread)[:, :468])
    return float(torch.cat(ratios).median()) / _RAYLEIGH_MEDIAN
