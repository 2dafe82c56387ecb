"""Send a made-up performance to a receiver: what it gets when no camera takes part."""

from __future__ import annotations

import argparse
import dataclasses

import engine.outputs
from app.choices import seconds
from engine import assembly, output_presets, plugins, sweep
from engine.config import Choice, TrackerConfig, output_choice
from engine.errors import ConfigError, OutputError
from engine.settings import check

HELP = "send four seconds of a made-up performance to a receiver, without a camera"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the receiver and where it is."""
    parser.add_argument(
        "receiver",
        nargs="?",
        metavar="RECEIVER|KIND",
        help="a receiver by name or a kind of output; without one, those that there are",
    )
    parser.add_argument("--host", help="where it is; this machine if absent")
    parser.add_argument("--port", type=int, help="its own one if absent")
    parser.add_argument(
        "--seconds", type=seconds, default=sweep.SECONDS, metavar="S", help="default 4"
    )


def run(args: argparse.Namespace) -> int:
    """Send, and say what went out. Raises ConfigError or OutputError saying what to do."""
    if args.receiver is None:
        print(_list())
        return 0
    choice = _placed(_chosen(args.receiver), args.host, args.port)
    where = f"{choice.settings.host}, port {choice.settings.port}"
    print(f"Sending {choice.kind} to {where}: mouth, smile, left eye, right eye, turns, a nod.")
    traffic = sweep.play(choice, assembly.load_head(TrackerConfig().head), args.seconds)
    print(f"{traffic.packets} packets, {traffic.octets} bytes sent, {traffic.failed} failed.")
    if traffic.failed * 2 > traffic.packets:
        raise OutputError(f"{traffic.trouble}; switch the receiver on, or name another --port")
    return 0


def _chosen(name: str) -> Choice:
    """Return the output of a receiver's name, or of a kind with its defaults."""
    for preset in output_presets.listed():
        if preset.name.casefold() == name.casefold():
            return preset.output
    if name in plugins.kinds(engine.outputs):
        return output_choice(name)
    names = ", ".join(repr(preset.name) for preset in output_presets.listed())
    kinds = ", ".join(plugins.kinds(engine.outputs))
    raise ConfigError(f"{name!r}: allowed are {names}; or a kind: {kinds}")


def _placed(choice: Choice, host: str | None, port: int | None) -> Choice:
    wished = {"host": host, "port": port}
    changes = {key: value for key, value in wished.items() if value is not None}
    settings = dataclasses.replace(choice.settings, **changes)
    return dataclasses.replace(choice, settings=check(settings, "send-test"))


def _list() -> str:
    presets = output_presets.listed()
    width = max(len(preset.name) for preset in presets)
    lines = [f"{preset.name:{width}}  {preset.output.kind:15} {preset.about}" for preset in presets]
    return "\n".join([*lines, f"Kinds: {', '.join(plugins.kinds(engine.outputs))}"])
