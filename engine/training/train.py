"""Training of the alignment network: resumable at any checkpoint, the same on CPU and CUDA.

First the alignment learns, then, with all else held fixed, warm steps in chains, then the head that
tells the traits. Every picture is seen twice: as itself and as the next frame would show it. The
first view is aligned from a cold start, and once more, and both views' answers must agree; in
the second stage the views take turns as the next frame. A batch is a function of the seed and the
step, so a run that was cut off and resumed sees the same pictures in the same order as one that was
not. Pictures that are rendered meanwhile are the same too, but which of them a step draws from
depends on how fast they come, unless `fresh` says.
"""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import AssetError, ConfigError
from engine.fit.heads import open_head
from engine.fit.heads.open_head import OpenHead
from engine.network import weights
from engine.network.aligner import Aligner
from engine.network.build import build_point_aligner
from engine.network.config import NetworkConfig, configuration
from engine.network.shards import load_folder
from engine.settings import setting
from engine.training.augment import AugmentSettings
from engine.training.batches import Batch, BatchMaker, Drawn, PairSettings
from engine.training.fit_view import FitLinear
from engine.training.grow import grown, mixed
from engine.training.live import save_streams
from engine.training.loading import BatchRange, Loader, ProcessLoader
from engine.training.loss import AlignmentLoss, LossSettings
from engine.training.packs import Pack
from engine.training.render.ring import RenderedStream
from engine.training.report import draw_curves
from engine.training.stages import ALIGNMENT, STAGES, Stages
from engine.training.validation import draw, figures
from engine.training.warm_start import WarmSettings

_PUBLISHED = "aligner."  # before a parameter's name in installed weights

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamShares:
    """How often each stream is drawn."""

    a: float = 0.45  # rendered heads
    b: float = 0.25  # portraits, fitted and re-rendered
    c: float = 0.3  # portraits with the teacher's landmarks


@dataclass(frozen=True)
class NetworkChange:
    """In what a network differs from its configuration: for ablations; None leaves it alone."""

    encoder: str | None = None
    uv_side: int | None = None
    iterations: int | None = None
    start: str | None = None
    fine_channels: int | None = None
    own_warm_update: bool | None = None

    def of(self, config: NetworkConfig) -> NetworkConfig:
        """Return the configuration, changed."""
        changed = {key: value for key, value in asdict(self).items() if value is not None}
        return replace(config, **changed)


@dataclass(frozen=True)
class TrainSettings:
    """One training run."""

    network: str = "nano"
    change: NetworkChange = field(default_factory=NetworkChange)
    learn: str = setting(
        ALIGNMENT, "what learns; in the later stages all else is held fixed", choices=STAGES
    )
    shares: StreamShares = field(default_factory=StreamShares)
    steps: int = 20_000
    minutes: float = 0.0  # of training after which it ends, the rate by the clock; 0: by the steps
    batch: int = 32  # pictures a step: half of them second views
    rate: float = 3e-3
    weight_decay: float = 0.02
    warm_up: int = 200
    ema: float = 0.998
    seed: int = 1
    fresh: int = 0  # pictures rendered anew for each step and stream; 0 takes what is ready
    checkpoint_s: float = 120.0
    validate_every: int = 500
    loss: LossSettings = field(default_factory=LossSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    pair: PairSettings = field(default_factory=PairSettings)
    memory: WarmSettings = field(default_factory=WarmSettings)


def pack_shares(packs: Sequence[Drawn], shares: StreamShares) -> list[float]:
    """Split the share of every stream over its packs, by their size.

    Raises AssetError if no pack belongs to a stream that has a share.
    """
    streams = {name: share for name, share in asdict(shares).items() if share > 0}
    count = {name: sum(len(p) for p in packs if p.stream == name) for name in streams}
    result = [streams.get(p.stream, 0.0) * len(p) / max(count.get(p.stream, 0), 1) for p in packs]
    if sum(result) <= 0:
        raise AssetError(f"no training pack of the streams {', '.join(streams)}")
    return result


class Trainer:
    """Owns the network, the optimiser and the running average of the weights.

    packs   pictures to train and to measure on
    folder  of the run; it resumes from the checkpoint in it
    live    streams that are rendered meanwhile, by name; the caller closes them
    """

    def __init__(
        self,
        settings: TrainSettings,
        packs: list[Pack],
        folder: Path,
        live: Mapping[str, RenderedStream] | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.folder = settings, folder
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.head: OpenHead = open_head.load()
        self.config = settings.change.of(configuration(settings.network))
        self.network = Aligner(self.config).to(self.device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.average = Aligner(self.config).to(self.device)
        if self.network.eyes is not None:
            self.network.eyes.settle(self.head)
        self.average.load_state_dict(self.network.state_dict())
        self._averaged = _in_groups(self.average, self.network)
        self.loss = AlignmentLoss(self.head, settings.loss).to(self.device)
        self._stages = Stages(self.network, self.loss, settings.memory)
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(self._stages.learns(settings.learn, name))
        learning = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            learning,
            lr=settings.rate,
            weight_decay=settings.weight_decay,
            fused=self.device == "cuda",
        )
        self.step, self.spent_s = 0, 0.0
        self.live = dict(live or {})
        self.packs = [*(pack for pack in packs if not pack.is_test), *self.live.values()]
        self.measured = [pack for pack in packs if pack.is_test or pack.spread is not None]
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.is_file():
            self._resume()

    @property
    def checkpoint(self) -> Path:
        """The file that a run resumes from."""
        return self.folder / "checkpoint.pt"

    def run(
        self,
        seconds: float | None,
        report: Callable[[int, dict[str, float]], None],
        loaders: int = 1,
    ) -> None:
        """Train to the last step, or for `seconds`; always ends with a checkpoint.

        report   called after every step with its number and the parts of the loss
        loaders  how many make batches: one is a thread, more are processes
        """
        settings, begun = self.settings, time.monotonic()
        end = begun + (seconds or math.inf)
        side, shares = self.config.image_side_px, pack_shares(self.packs, settings.shares)
        fit = FitLinear(self.head) if settings.loss.fit > 0 else None
        maker = BatchMaker(
            self.head, self.packs, shares, side, settings.augment, settings.pair, fit=fit
        )
        streams = list(self.live.values())
        wanted = BatchRange(settings.seed, settings.batch // 2, settings.steps, settings.fresh)
        if loaders > 1 and settings.fresh:
            raise ConfigError("fresh: only one loader takes what is rendered step by step")
        loading = (
            ProcessLoader(maker, wanted, self.step, streams, loaders)
            if loaders > 1
            else Loader(maker, wanted, self.step, streams)
        )
        saved = since = before = begun
        waited, pictures = 0.0, 0
        try:
            while (asked := time.monotonic()) < end and self._part_done() < 1.0:
                batch = loading.take()
                if batch is None:
                    break
                waited += time.monotonic() - asked
                parts = self.train_step(batch.to(self.device))
                pictures += len(batch.image)
                now = time.monotonic()
                spent, self.spent_s, before = now - since, self.spent_s + now - before, now
                speed = {"pictures_per_s": pictures / spent, "waiting": waited / spent}
                report(self.step, parts | speed)
                if time.monotonic() - saved > settings.checkpoint_s:
                    self.save()
                    saved = time.monotonic()
                if self.step % settings.validate_every == 0:
                    self._log_row(parts | speed | self.validate())
                    self._draw()
                    # The pause is neither work nor waiting.
                    since = before = time.monotonic()
                    waited, pictures = 0.0, 0
        finally:
            loading.stop()
        self.save()
        save_streams(self.live, self.folder)

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Take one step of the optimiser and of the average."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        # What is held fixed keeps its statistics, too.
        self.network.train(self.settings.learn == ALIGNMENT)
        generator = torch.Generator().manual_seed(hash((self.settings.seed, self.step)))
        total, parts = self._stages.of(self.settings.learn, batch, generator)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        else:
            _log.warning("step %d: gradient is not finite, skipped", self.step)
        self.step += 1
        self._update_average()
        return parts | {"loss": float(total.detach())}

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        settings = self.settings
        if self.step < settings.warm_up:
            return settings.rate * (self.step + 1) / settings.warm_up
        done = min(self._part_done(), 1.0)
        return settings.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def _part_done(self) -> float:
        """Return how much of the training is over, after the warm-up: 1 at its end."""
        settings = self.settings
        if settings.minutes:
            return self.spent_s / (60 * settings.minutes)
        return (self.step - settings.warm_up) / max(1, settings.steps - settings.warm_up)

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        for ours, theirs in self._averaged:
            if ours[0].is_floating_point():
                torch._foreach_lerp_(ours, theirs, 1 - keep)
            else:
                torch._foreach_copy_(ours, theirs)

    def validate(self, limit: int = 128) -> dict[str, float]:
        """Return the figures of the running average on portraits and test packs."""
        return figures(self.average, self.loss, self.measured, limit)

    def _log_row(self, parts: dict[str, float]) -> None:
        path = self.folder / "curves.csv"
        row = {"step": self.step, "rate": self.rate, **parts}
        new = not path.is_file()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        _log.info("step %d %s", self.step, {k: round(v, 3) for k, v in parts.items()})

    def _draw(self) -> None:
        draw_curves(self.folder / "curves.csv", self.folder / "curves.png")
        draw(self.average, self.loss, self.measured, self.folder / "samples.png")

    def begin_from(
        self,
        tensors: dict[str, Tensor],
        before: dict[str, Tensor] | None = None,
        share: float = 1.0,
    ) -> None:
        """Start from trained parameters; heads that they lack stay untrained.

        A warm update that they lack starts as their cold one; a larger network than theirs starts
        as theirs, widened, with an update of its own.

        before  what they themselves began from: a mixture of both may err less than either
                (WiSE-FT, Wortsman et al. 2022, section 3)
        share   of `tensors` in that mixture

        Raises AssetError if they belong to another network.
        """
        tensors = self._in_shape(tensors)
        if before is not None:
            tensors = mixed(self._in_shape(before), tensors, share)
        for network in (self.network, self.average):
            odd = network.load_state_dict(tensors, strict=False)
            missing = [
                name for name in odd.missing_keys if not name.startswith(("traits.", "eyes."))
            ]
            if missing or odd.unexpected_keys:
                wrong = (missing + odd.unexpected_keys)[0]
                raise AssetError(
                    f"the weights to begin from do not fit {self.config.name}: {wrong}"
                )

    def _in_shape(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        shapes = {name: tensor.shape for name, tensor in self.network.state_dict().items()}
        if any(shapes.get(name, t.shape) != t.shape for name, t in tensors.items()):
            tensors = self.network.state_dict() | grown(tensors, self.network)
        if self.config.own_warm_update and not any(n.startswith("warm_update.") for n in tensors):
            own = {f"warm_{n}": t for n, t in tensors.items() if n.startswith("update.")}
            tensors = tensors | own
        return tensors

    def save(self) -> None:
        """Write the checkpoint under its name only when it is complete."""
        writing = self.checkpoint.with_suffix(".writing")
        state: dict[str, Any] = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "spent_s": self.spent_s,
            "settings": asdict(self.settings),
            "config": asdict(self.config),
        }
        torch.save(state, writing)
        writing.replace(self.checkpoint)

    def _resume(self) -> None:
        try:
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (KeyError, RuntimeError) as error:
            raise AssetError(
                f"{self.checkpoint}: not a checkpoint of {self.config.name} ({error}); "
                "give another folder or remove it"
            ) from None
        self.step, self.spent_s = int(state["step"]), float(state.get("spent_s", 0.0))


def _in_groups(average: nn.Module, network: nn.Module) -> list[tuple[list[Tensor], list[Tensor]]]:
    """Return the tensors of both, the same places apart by kind: numbers, counters."""
    both = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
    numbers = [pair for pair in both if pair[0].is_floating_point()]
    counters = [pair for pair in both if not pair[0].is_floating_point()]
    return [([a for a, _ in kind], [b for _, b in kind]) for kind in (numbers, counters) if kind]


def trained_tensors(name: str) -> dict[str, Tensor]:
    """Return the running average of a run's folder, a course's weights, or installed weights.

    Raises AssetError if there are none.
    """
    folder = Path(name)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.is_file():
        return torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
    if any(folder.glob("weights*.safetensors")):
        tensors = load_folder(folder)
        if any(name.startswith(_PUBLISHED) for name in tensors):  # with their read-out
            own = (name for name in tensors if name.startswith(_PUBLISHED))
            tensors = {name.removeprefix(_PUBLISHED): tensors[name] for name in own}
        return {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    return build_point_aligner(weights.load(name)).aligner.state_dict()
