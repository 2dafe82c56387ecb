"""`flowface train CONFIG`: train the alignment network, resuming from the folder's checkpoint."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from engine.errors import ConfigError
from engine.resources import RESOURCES
from engine.settings import read

if TYPE_CHECKING:
    from engine.training.train import TrainSettings

HELP = "train the alignment network, or publish what was trained"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="a preset (nano) or a YAML file of TrainSettings")
    parser.add_argument("--packs", type=Path, required=True, help="folder of training packs")
    parser.add_argument("--out", type=Path, help="folder of the run (default runs/CONFIG)")
    parser.add_argument(
        "--begin-from",
        metavar="WEIGHTS",
        help="start a new run from installed weights or from another run's folder",
    )
    parser.add_argument("--minutes", type=float, help="stop after this long; run again to go on")
    parser.add_argument(
        "--publish",
        metavar="TEXT",
        help="write resources/weights/NETWORK; TEXT says how it was made",
    )


def run(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from engine.training.packs import read_packs
    from engine.training.publish import publish
    from engine.training.train import Trainer, trained_tensors

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = read_settings(arguments.config)
    folder = arguments.out or Path("runs") / Path(arguments.config).stem
    trainer = Trainer(settings, read_packs(arguments.packs), folder)
    if arguments.begin_from is not None and trainer.step == 0:
        trainer.begin_from(trained_tensors(arguments.begin_from))
    if arguments.publish:
        print(publish(trainer, settings.network, arguments.publish, print))
        return 0
    seconds = None if arguments.minutes is None else arguments.minutes * 60
    with tqdm(total=settings.steps, initial=trainer.step, unit="step", mininterval=10) as bar:

        def report(step: int, parts: dict[str, float]) -> None:
            bar.update(step - bar.n)
            if step % 50 == 0:
                bar.set_postfix({key: f"{value:.2f}" for key, value in parts.items()})

        trainer.run(seconds, report)
    return 0


def read_settings(name: str) -> TrainSettings:
    """Read TrainSettings from a preset of resources/presets or from a file. ConfigError."""
    from engine.training.train import TrainSettings

    path = RESOURCES / "presets" / f"train_{name}.yaml"
    path = path if path.is_file() else Path(name)
    if not path.is_file():
        raise ConfigError(f"{name}: neither a preset nor a file of training settings")
    return read(TrainSettings, yaml.safe_load(path.read_text(encoding="utf-8")), str(path))
