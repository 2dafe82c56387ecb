"""All stages of a network in turn, by the clock: what a lent card has minutes for.

A course is a list of `TrainSettings`; each stage begins from the average of the one before. A stage
has a folder of its own, so a course that was cut off goes on where it was.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from torch import Tensor

from engine.errors import ConfigError
from engine.network.shards import save_sharded
from engine.settings import read
from engine.training.packs import Pack
from engine.training.render.ring import RenderedStream
from engine.training.stages import WARM
from engine.training.train import Trainer, TrainSettings

_SAVE_S = 60.0
_SAY_EVERY = 100  # steps

_log = logging.getLogger(__name__)


def read_course(path: Path) -> list[TrainSettings]:
    """Read a YAML list of training settings. Raises ConfigError."""
    try:
        stages = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: no course can be read ({error})") from None
    if not isinstance(stages, list) or not stages:
        raise ConfigError(f"{path}: a course is a list of training settings, one item a stage")
    return [read(TrainSettings, stage, f"{path}, stage {i + 1}") for i, stage in enumerate(stages)]


def take_course(
    stages: Sequence[TrainSettings],
    packs: list[Pack],
    live: Mapping[str, RenderedStream],
    begin_from: dict[str, Tensor] | None,
    folder: Path,
    loaders: int = 1,
) -> Path:
    """Train every stage; returns the folder of the weights, in files of at most 15 MB.

    begin_from  parameters of the first stage, see `Trainer.begin_from`
    folder      of the run: stages and weights. The weights are written every minute, too.
    """
    weights = folder / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    tensors = begin_from
    for number, settings in enumerate(stages, 1):
        trainer = Trainer(settings, packs, folder / f"{number}-{settings.learn}", live)
        if tensors is not None and trainer.step == 0:
            trainer.begin_from(_taught(tensors, begin_from) if settings.learn == WARM else tensors)
        _log.info("stage %d of %d: %s learns", number, len(stages), settings.learn)
        trainer.run(None, _Report(trainer, weights), loaders)
        _log.info("%d steps in %.1f s", trainer.step, trainer.spent_s)
        tensors = {n: t.detach().cpu() for n, t in trainer.average.state_dict().items()}
        save_sharded(tensors, weights)
    return weights


def _taught(tensors: dict[str, Tensor], begin_from: dict[str, Tensor] | None) -> dict[str, Tensor]:
    """Leave out a warm block that nobody has taught yet: it starts as the cold one."""
    block = {name for name in tensors if name.startswith("warm_update.")}
    known = begin_from or {}
    if all(name in known and known[name].shape == tensors[name].shape for name in block):
        return tensors
    return {name: tensor for name, tensor in tensors.items() if name not in block}


class _Report:
    """Says how a stage goes, and keeps the weights so far."""

    def __init__(self, trainer: Trainer, weights: Path) -> None:
        self._trainer, self._weights = trainer, weights
        self._recent: defaultdict[str, list[float]] = defaultdict(list)
        self._saved = time.monotonic()

    def __call__(self, step: int, parts: dict[str, float]) -> None:
        for name, value in parts.items():
            self._recent[name].append(value)
        if step % _SAY_EVERY == 0:
            means = {name: round(float(np.mean(each)), 3) for name, each in self._recent.items()}
            _log.info("step %d, rate %.5f: %s", step, self._trainer.rate, means)
            self._recent.clear()
        if time.monotonic() - self._saved > _SAVE_S:
            save_sharded(self._trainer.average.state_dict(), self._weights)
            self._saved = time.monotonic()
