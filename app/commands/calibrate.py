"""Measure the camera with a chessboard, or one's own face by a few poses."""

from __future__ import annotations

import argparse
import dataclasses
import math
import time

from app.choices import live_source, positive, saved_config
from engine.capture import calibration
from engine.capture.calibration import Board, BoardViews
from engine.capture.sources import Source
from engine.clock import NS_PER_S
from engine.config import source_choice
from engine.errors import CalibrationError, ConfigError
from engine.fit.guided import GuidedCalibration, Prompt
from engine.fit.retarget import RetargetSettings
from engine.opening import open_source
from engine.session import Session

HELP = "measure the camera with a chessboard, or your face by a few poses"
_POLL_S = 0.01
_LOOK_EVERY_NS = NS_PER_S // 4
_LONGEST_NS = 180 * NS_PER_S


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be calibrated."""
    kinds = parser.add_subparsers(dest="kind", metavar="WHAT", required=True)
    camera = kinds.add_parser("camera", help="measure the camera with a chessboard")
    camera.add_argument("--source", default="0", metavar="CAMERA|FILE", help="default: camera 0")
    camera.add_argument("--board", default="9x6", help="inner corners, default 9x6")
    camera.add_argument(
        "--square-mm", type=float, default=25.0, help="side of a square, default 25"
    )
    camera.add_argument("--views", type=positive, default=20, help="views to collect, default 20")
    camera.add_argument(
        "--name", help="camera that it is kept for; the source's own name if absent"
    )
    face = kinds.add_parser("face", help="measure how your face reads at rest and in a few poses")
    face.add_argument("--person", required=True, metavar="NAME", help="whose face; kept under it")
    face.add_argument("--source", default="0", metavar="CAMERA|FILE", help="default: camera 0")
    face.add_argument("--yes", action="store_true", help="keep the result without asking")


def run(args: argparse.Namespace) -> int:
    """Calibrate. Raises CalibrationError, PersonError or SourceError saying what to do."""
    return _camera(args) if args.kind == "camera" else _face(args)


def _face(args: argparse.Namespace) -> int:
    config = saved_config()
    tracker = dataclasses.replace(config.tracker, person=args.person)
    source = live_source(args.source, loop=True)
    session = Session(dataclasses.replace(config, source=source, tracker=tracker, outputs=()))
    guide, shown = GuidedCalibration(), ""
    with session:
        while not guide.prompt.done:
            item, status = session.latest.poll(), session.status()
            if item is not None:
                guide.offer(item[1])
                now = spoken(guide.prompt)
                if now != shown:
                    print(now, flush=True)
                    shown = now
            elif not status.state.active or status.error is not None:
                raise status.error or CalibrationError("the source ended before the last pose")
            else:
                time.sleep(_POLL_S)
        outcome = guide.outcome(RetargetSettings())
        print("\n".join(outcome.changes) or "Nothing to change.")
        if not args.yes and input("Keep this? [y/N] ").strip().lower() not in ("y", "yes"):
            print("Discarded.")
            return 0
        session.keep_person(args.person, outcome.calibration)
    print(f"Kept for {args.person}: `flowface live --person {args.person!r}` uses it.")
    return 0


def spoken(prompt: Prompt) -> str:
    """Return a prompt with its countdown in whole seconds."""
    if prompt.done:
        return prompt.text
    phase = "hold" if prompt.holding else "get ready"
    left = math.ceil(prompt.seconds_left)
    return f"{prompt.step + 1}/{prompt.steps} {prompt.text} ({phase} {left})"


def _camera(args: argparse.Namespace) -> int:
    board = board_of(args.board, args.square_mm)
    choice = live_source(args.source, loop=False)
    if choice.kind == "video_file":
        choice = source_choice("video_file", path=choice.settings.path, paced=False)
    source = open_source(choice)
    name = args.name or source.name
    print(
        f"Show the board ({args.board} inner corners) to {source.name}: near and far, tilted, and "
        "in every corner of the picture.",
        flush=True,
    )
    views = collected(source, board, max(args.views, calibration.FEWEST_VIEWS))
    found = views.calibrated(name)
    path = calibration.save(found)
    k = found.camera.intrinsics
    print(
        f"{name} {found.camera.size_px[0]}x{found.camera.size_px[1]}: focal length {k[0, 0]:.1f}, "
        f"{k[1, 1]:.1f} px, centre {k[0, 2]:.1f}, {k[1, 2]:.1f}, {found.rms_px:.2f} px rms over "
        f"{found.views} views\n{path}"
    )
    return 0


def board_of(text: str, square_mm: float) -> Board:
    """Read COLUMNSxROWS. Raises ConfigError if that is not what was given."""
    columns, cross, rows = text.lower().partition("x")
    if (
        not cross
        or not columns.isdecimal()
        or not rows.isdecimal()
        or min(int(columns), int(rows)) < 3
    ):
        raise ConfigError(f"--board {text!r}: needs inner corners as COLUMNSxROWS, for example 9x6")
    if not square_mm > 0:
        raise ConfigError(f"--square-mm {square_mm}: must be above 0")
    return Board(int(columns), int(rows), square_mm / 1000)


def collected(source: Source, board: Board, wanted: int) -> BoardViews:
    """Look at a source until there are enough views all over the picture, or it ends."""
    views = BoardViews(board, source.camera.size_px)
    begun_ns = looked_ns = None
    try:
        while (frame := source.take()) is not None:
            begun_ns = frame.captured_ns if begun_ns is None else begun_ns
            if frame.captured_ns - begun_ns > _LONGEST_NS:
                break
            if looked_ns is not None and frame.captured_ns - looked_ns < _LOOK_EVERY_NS:
                continue
            looked_ns = frame.captured_ns
            if views.offer(frame.image):
                covered = views.areas()
                print(f"view {len(views)} of {wanted}; {hint(covered.tolist())}", flush=True)
            if len(views) >= wanted and views.areas().sum() >= calibration.FEWEST_AREAS:
                break
    finally:
        source.close()
        source.take()  # a closed source lets go of its device when it is next read
    return views


def hint(covered: list[list[bool]]) -> str:
    """Say where the board has not been seen yet."""
    rows, columns = ("top", "middle", "bottom"), ("left", "centre", "right")
    absent = [f"{rows[y]} {columns[x]}" for y in range(3) for x in range(3) if not covered[y][x]]
    return f"not yet seen in: {', '.join(absent)}" if absent else "seen all over the picture"
