"""`flowface train CONFIG`: train the alignment network, resuming from the folder's checkpoint."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from app.choices import positive
from engine.errors import ConfigError
from engine.resources import RESOURCES, data_folder
from engine.settings import read

if TYPE_CHECKING:
    from engine.training.render.ring import RenderedStream
    from engine.training.train import Trainer, TrainSettings

HELP = "train the alignment network, publish what was trained, or pack what training needs"

PACK = "pack"  # in place of a configuration
FIRST_PICTURES = 48  # of every rendered stream, before the first step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "config",
        help="a preset (nano, base), a YAML file of TrainSettings, or `pack` to write --out",
    )
    parser.add_argument("--packs", type=Path, help="folder of training packs")
    parser.add_argument(
        "--bundle",
        type=Path,
        metavar="FILE",
        help="what `train pack` wrote: render while training",
    )
    parser.add_argument(
        "--render-workers", type=positive, default=3, help="bundle: processes that render"
    )
    parser.add_argument(
        "--gpu",
        type=int,
        metavar="N",
        help="bundle: EGL device that renders",
    )
    parser.add_argument(
        "--loaders", type=positive, default=1, help="processes making batches; 1: a thread"
    )
    parser.add_argument("--out", type=Path, help="folder of the run (default runs/CONFIG)")
    parser.add_argument(
        "--begin-from",
        metavar="WEIGHTS",
        help="start a new run from installed weights or from another run's folder",
    )
    parser.add_argument(
        "--mixed-with",
        metavar="WEIGHTS",
        help="what --begin-from itself began from: begin between both",
    )
    parser.add_argument(
        "--share", type=float, default=0.5, help="of --begin-from in the mixture, 0 to 1"
    )
    parser.add_argument("--minutes", type=float, help="stop after this long; run again to go on")
    parser.add_argument(
        "--publish",
        metavar="TEXT",
        help="write resources/weights/NETWORK; TEXT says how it was made",
    )
    parser.add_argument("--limit-mb", type=float, default=50.0, help="pack: largest size")
    parser.add_argument(
        "--data", type=Path, default=data_folder(), help="pack: pictures (default: FLOWFACE_DATA)"
    )


def run(arguments: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if arguments.config == PACK:
        return _pack(arguments)
    from engine.training.bundle import open_bundle
    from engine.training.live import live_streams, portrait_pack
    from engine.training.packs import Pack, read_pack, read_packs
    from engine.training.publish import publish
    from engine.training.train import Trainer, trained_tensors

    settings = read_settings(arguments.config)
    folder = arguments.out or Path("runs") / Path(arguments.config).stem
    if arguments.packs is None and arguments.bundle is None:
        raise ConfigError("--packs FOLDER or --bundle FILE: nothing to train on")
    mixed_with: str | None = arguments.mixed_with
    if mixed_with is not None and (arguments.begin_from is None or not 0 <= arguments.share <= 1):
        raise ConfigError("--mixed-with: needs --begin-from, and a --share from 0 to 1")
    packs: list[Pack] = [] if arguments.packs is None else read_packs(arguments.packs)
    live: dict[str, RenderedStream] = {}
    try:
        if arguments.bundle is not None:
            bundle = open_bundle(arguments.bundle, folder)
            packs += [portrait_pack(bundle, folder / "c.npz"), *map(read_pack, bundle.tests)]
            workers, gpu = arguments.render_workers, arguments.gpu
            live = live_streams(bundle, settings.seed, workers, gpu=gpu, folder=folder)
        trainer = Trainer(settings, packs, folder, live)
        if arguments.begin_from is not None and trainer.step == 0:
            before = None if mixed_with is None else trained_tensors(mixed_with)
            trainer.begin_from(trained_tensors(arguments.begin_from), before, arguments.share)
        if arguments.publish:
            print(publish(trainer, settings.network, arguments.publish, print))
        else:
            _train(trainer, arguments.minutes, arguments.loaders)
    finally:
        for stream in live.values():
            stream.close()
    return 0


def _train(trainer: Trainer, minutes: float | None, loaders: int) -> None:
    from tqdm import tqdm

    from engine.training.live import fill

    fill(list(trainer.live.values()), FIRST_PICTURES)
    seconds = None if minutes is None else minutes * 60
    steps = trainer.settings.steps
    with tqdm(total=steps, initial=trainer.step, unit="step", mininterval=10) as bar:

        def report(step: int, parts: dict[str, float]) -> None:
            bar.update(step - bar.n)
            if step % 50 == 0:
                bar.set_postfix({key: f"{value:.2f}" for key, value in parts.items()})

        trainer.run(seconds, report, loaders)


def _pack(arguments: argparse.Namespace) -> int:
    from engine.fit.heads import open_head
    from engine.training.bundle import write_bundle
    from engine.training.prepare import prepare

    out = arguments.out or Path("bundle.zip")
    contents = prepare(arguments.data, out.parent / f"{out.stem}-parts")
    size = write_bundle(out, contents, open_head.load(), arguments.limit_mb)
    print(f"{out}: {size / 1e6:.1f} MB")
    return 0


def read_settings(name: str) -> TrainSettings:
    """Read TrainSettings from a preset of resources/presets or from a file. ConfigError."""
    from engine.training.train import TrainSettings

    path = RESOURCES / "presets" / f"train_{name}.yaml"
    path = path if path.is_file() else Path(name)
    if not path.is_file():
        raise ConfigError(f"{name}: neither a preset nor a file of training settings")
    return read(TrainSettings, yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
