"""Print or plot what arrives at a port: for when an avatar does not move."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from app.choices import seconds
from app.display import has_display
from engine import clock
from engine.door import Door
from engine.errors import ConfigError
from engine.listening.reading import AUTO, PROTOCOLS
from engine.listening.tally import Tally

HELP = "print or plot what arrives at a UDP port, decoded by protocol"
LINE_EVERY_NS = clock.NS_PER_S
_WIDTH, _COLUMNS, _BAR = 34, 3, 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("port", type=int, metavar="PORT", help="UDP port, 1 to 65535")
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, default=AUTO, help="what is expected; auto: tell it apart"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address of this machine; 0.0.0.0 hears the network, the default this machine alone",
    )
    parser.add_argument(
        "--plot", action="store_true", help="curves in a window; bars of text without a display"
    )
    parser.add_argument("--seconds", type=seconds, metavar="S", help="end after so long")


def run(args: argparse.Namespace) -> int:
    """Listen until it is ended. Raises OutputError if the port cannot be had."""
    if not 1 <= args.port <= 65535:
        raise ConfigError(f"port {args.port}: allowed are 1 to 65535")
    door = Door("listen", args.host, args.port)
    tally = Tally(args.protocol)
    try:
        if args.plot and has_display():
            from app.listen_window import run_listening

            run_listening(door, tally, args.host, args.seconds)
        else:
            _print(door, tally, args)
    finally:
        door.release()
    return 0


def _print(door: Door, tally: Tally, args: argparse.Namespace) -> None:
    print(f"Listening at {args.host}:{args.port}, end with Ctrl-C.", flush=True)
    begun_ns = now_ns = clock.now_ns()
    line_ns, advised = begun_ns + LINE_EVERY_NS, False
    while args.seconds is None or now_ns < begun_ns + args.seconds * clock.NS_PER_S:
        packet = door.take()
        if packet is not None:
            tally.add(packet)
        now_ns = clock.now_ns()
        if now_ns < line_ns:
            continue
        line_ns = now_ns + LINE_EVERY_NS
        print(tally.line(now_ns), flush=True)
        if tally.values and not tally.no_face:
            print(bars(tally.values) if args.plot else table(tally.values), flush=True)
        advice = tally.advice(now_ns, args.host, args.port)
        if advice and not advised:
            print(*advice, sep="\n", flush=True)
            advised = True
    print(tally.line(now_ns))


def table(values: Mapping[str, float]) -> str:
    """Return all values, some to a line."""
    cells = [f"  {name[-_WIDTH + 10 :]:<{_WIDTH - 10}} {value:9.3f}" for name, value in
             values.items()]  # fmt: skip
    rows = (cells[at : at + _COLUMNS] for at in range(0, len(cells), _COLUMNS))
    return "\n".join("".join(row) for row in rows)


def bars(values: Mapping[str, float]) -> str:
    """Return a line for every value from -1 to 1 with a bar, and the others as numbers."""
    lines: list[str] = []
    for name, value in values.items():
        size = round(min(abs(value), 1.0) * _BAR) if value == value else 0
        mark = ("-" if value < 0 else "#") * size if abs(value) <= 1.5 else ""
        lines.append(f"  {name[-_WIDTH:]:<{_WIDTH}} {value:9.3f} {mark}".rstrip())
    return "\n".join(lines)
