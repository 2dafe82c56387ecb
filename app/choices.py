"""What the user names on the command line, turned into parts of a Config."""

from __future__ import annotations

import argparse
from pathlib import Path

import engine.network.backends
from engine import config, plugins
from engine.capture import cameras
from engine.config import Choice, Config, TrackerConfig
from engine.errors import ConfigError, SourceError
from engine.outputs import vmc
from engine.settings import check

DEMO = "demo"


def live_source(text: str, *, loop: bool) -> Choice:
    """Return the source that is meant: `demo`, a video file, or a camera.

    loop  whether the demo starts again at its end
    Raises SourceError naming the cameras that there are.
    """
    if text == DEMO:
        return config.source_choice("demo", loop=loop)
    if Path(text).is_file():
        return config.source_choice("video_file", path=text, paced=True)
    devices = cameras.listed()
    try:
        device = cameras.resolve(text, devices)
    except SourceError:
        there = ", ".join(f"{device.number} ({device.name})" for device in devices) or "none"
        raise SourceError(
            f"{text}: no such camera or file; cameras found: {there}; "
            f"allowed are a camera, a video file, or {DEMO!r}"
        ) from None
    return config.source_choice("webcam", device=cameras.lasting_name(device, devices))


def osc_output(text: str) -> Choice:
    """Return the VMC output for HOST:PORT. Raises ConfigError if that is not what was given."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise ConfigError(f"--osc {text!r}: needs HOST:PORT, for example 127.0.0.1:39539")
    settings = vmc.Settings(host=host.strip("[]"), port=int(port))
    return Choice("vmc", check(settings, "--osc"))


def saved_config() -> Config:
    """Return the user's settings, or the defaults. Raises ConfigError if the file is wrong."""
    path = config.user_path()
    return config.load(path) if path.is_file() else config.default()


def pictures_a_second(text: str) -> float:
    """Read a rate, for argparse."""
    value = float(text)
    if not 0.1 <= value <= 1000.0:
        raise argparse.ArgumentTypeError(f"{text}: must be between 0.1 and 1000")
    return value


def seconds(text: str) -> float:
    """Read a positive number of seconds, for argparse."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be above 0")
    return value


def positive(text: str) -> int:
    """Read a whole number from 1 up, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return value


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the network and how it is run: --weights, --backend, --precision and --threads."""
    usual = TrackerConfig()
    parser.add_argument(
        "--weights",
        default=usual.weights,
        metavar="NAME",
        help=f"which network (default {usual.weights}: base on an NVIDIA card, else nano)",
    )
    parser.add_argument(
        "--backend",
        choices=plugins.kinds(engine.network.backends),
        default=usual.backend,
        help=f"how the network is run (default {usual.backend})",
    )
    parser.add_argument(
        "--precision",
        choices=("half", "single"),
        default=usual.precision,
        help=f"of the network on a graphics card (default {usual.precision})",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        default=usual.threads,
        metavar="N",
        help=f"processor threads for the network (default {usual.threads})",
    )
