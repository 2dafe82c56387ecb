"""Track a camera, a video file or the demo as it plays, and send it on."""

from __future__ import annotations

import argparse
import dataclasses
import time

from app.choices import live_source, osc_output, saved_config, seconds
from app.display import has_display
from engine.capture import cameras
from engine.clock import NS_PER_S, now_ns
from engine.config import Config, default, source_choice
from engine.errors import ConfigError, TakeError
from engine.session import Session
from engine.status import SessionStatus, State

HELP = "track a camera, a video file or the demo as it plays, and send it on"
POLL_S = 0.05
LINE_EVERY_NS = NS_PER_S


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--source",
        metavar="CAMERA|FILE|demo",
        help="camera number, name or device file; a video file; or the built-in demo",
    )
    parser.add_argument("--osc", metavar="HOST:PORT", help="where to send VMC")
    parser.add_argument(
        "--person", metavar="NAME", help="whom to expect; what is learnt of them is kept"
    )
    parser.add_argument(
        "--record", metavar="SLATE", help="record a take of this name, until the end (headless)"
    )
    parser.add_argument("--headless", action="store_true", help="open no window")
    parser.add_argument("--seconds", type=seconds, metavar="S", help="end after so long")


def run(args: argparse.Namespace) -> int:
    """Open the window, or run without one where there is no display."""
    headless: bool = args.headless or args.record is not None
    if not headless and not has_display():
        print("No display: running without a window.", flush=True)
        headless = True
    config, notice = _config(args, loop=not headless)
    if not headless:
        from app.window import run_window

        return run_window(config, seconds=args.seconds, notice=notice)
    return run_headless(config, args.seconds, args.record)


def run_headless(config: Config, seconds: float | None, slate: str | None = None) -> int:
    """Run until the source ends, the time is over, or Ctrl-C; then print what was measured.

    slate  of a take that is recorded meanwhile; None for none
    """
    session = Session(config)
    print("Loading (the first start compiles the fit, which takes a minute) ...", flush=True)
    with session:
        try:
            _watch(session, seconds, slate)
        except KeyboardInterrupt:
            print("", flush=True)
    status = session.status()
    if status.error is not None:
        raise status.error
    print(report(status))
    if slate is not None:
        takes = status.takes
        if takes is None or takes.finished is None:
            raise TakeError(f"{slate}: {(takes and takes.error) or 'was not recorded'}")
        print(f"take              {takes.finished}")
    return 0


def report(status: SessionStatus) -> str:
    """Return what a session has measured, as text."""
    share = 100 * status.tracked / max(status.processed, 1)
    latency = status.tracker_latency
    lines = [
        f"source            {status.source}, {status.size_px[0]}x{status.size_px[1]}",
        f"network           {status.network}",
        f"frames            {status.captured} captured, {status.processed} processed",
        f"tracked           {status.tracked} ({share:.1f} %)",
        f"rate              {status.tracker_rate:.1f} frames/s "
        f"(captured {status.capture_rate:.1f})",
        f"dropped           {status.dropped_by_camera} by the source, "
        f"{status.dropped_by_tracker} before the tracker",
        f"capture to result {latency.median_ms:.1f} ms median, {latency.p95_ms:.1f} ms p95",
    ]
    for sink in status.sinks:
        lines.append(
            f"capture to {sink.name:<6} {sink.latency.median_ms:.1f} ms median, "
            f"{sink.latency.p95_ms:.1f} ms p95 ({sink.sent} sent, {sink.dropped} dropped, "
            f"{sink.failed} packets failed)"
        )
        if sink.error is not None:
            lines.append(f"  {sink.name} stopped: {sink.error}")
    return "\n".join(lines)


def _config(args: argparse.Namespace, loop: bool) -> tuple[Config, str]:
    """Return what is to run, and what the window should tell of damaged settings."""
    notice = ""
    try:
        config = saved_config()
    except ConfigError as error:
        if not loop:
            raise
        config = default()
        notice = f"{error}\n\nThe program starts with its defaults; the file is kept."
    if args.source is not None:
        config = dataclasses.replace(config, source=live_source(args.source, loop=loop))
    elif config.source.kind == "webcam" and not cameras.listed():
        print("No camera found: tracking the built-in demo.", flush=True)
        config = dataclasses.replace(config, source=source_choice("demo", loop=loop))
    if args.osc is not None:
        config = dataclasses.replace(config, outputs=(osc_output(args.osc),))
    if args.person is not None:
        tracker = dataclasses.replace(config.tracker, person=args.person)
        config = dataclasses.replace(config, tracker=tracker)
    return config, notice


def _watch(session: Session, seconds: float | None, slate: str | None) -> None:
    """Print a line a second until there is a reason to stop."""
    while (status := session.status()).state is State.STARTING:
        time.sleep(POLL_S)
    if slate is not None and status.state is State.RUNNING:
        session.studio.begin(slate)
    limit_ns = None if seconds is None else now_ns() + round(seconds * NS_PER_S)
    line_ns = now_ns() + LINE_EVERY_NS
    while (
        status.state.active and status.error is None and (limit_ns is None or now_ns() < limit_ns)
    ):
        if now_ns() >= line_ns:
            line_ns += LINE_EVERY_NS
            print(_line(status), flush=True)
        time.sleep(POLL_S)
        status = session.status()


def _line(status: SessionStatus) -> str:
    latency = status.sinks[0].latency if status.sinks else status.tracker_latency
    return (
        f"{status.processed} frames, {status.tracker_rate:.1f}/s, "
        f"{status.tracked} tracked, {status.dropped_by_tracker} dropped, "
        f"{latency.median_ms:.1f} ms"
    )
