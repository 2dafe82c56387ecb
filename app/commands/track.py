"""Track a video file as fast as possible, into a take folder."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from app.choices import DEMO, add_network_arguments, positive
from app.version import program_version
from engine import assembly
from engine.capture.pictures import probe
from engine.capture.sources import Source
from engine.capture.sources.demo import CLIP
from engine.clock import wall_from_monotonic_ns
from engine.config import Config, TrackerConfig, source_choice
from engine.describing import camera_record
from engine.errors import TakeError, TrackingError
from engine.fit.heads import HeadModel
from engine.graph import Recorder, RecorderMaker
from engine.network import weights
from engine.recording.film_copy import add_film
from engine.recording.take import (
    COMPLETE,
    INFO_FILE,
    Asset,
    TakeInfo,
    TimecodeRecord,
    load_info,
    reserve,
)
from engine.recording.timecode import nearest
from engine.recording.writer import TakeWriter, discard
from engine.resources import sha256
from engine.session import Session
from engine.status import SessionStatus, State

HELP = "track video files as fast as possible, into take folders"
POLL_S = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="video files, or demo")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="TAKE_DIR",
        help="a new folder; of several sources the folder of their takes, in which those that "
        "are complete already are left as they are",
    )
    parser.add_argument("--max-frames", type=positive, metavar="N", help="end after N frames")
    parser.add_argument(
        "--overlay", type=Path, metavar="FILE", help="also write the video with the mesh over it"
    )
    add_network_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Track; raises FlowFaceError for what the user can mend."""
    if len(args.source) == 1:
        _one(args, args.source[0], args.out)
        return 0
    if args.overlay is not None:
        raise TakeError("--overlay: is possible for one source only")
    for source in tqdm(args.source, unit="file", desc="files"):
        folder = args.out / Path(source).stem
        if _is_done(folder, CLIP if source == DEMO else Path(source)):
            print(f"{folder}: complete already")
            continue
        if folder.is_dir() and (folder / INFO_FILE).is_file():
            discard(folder)  # broken off: it is tracked anew
        _one(args, source, folder)
    return 0


def _is_done(folder: Path, source: Path) -> bool:
    """Tell whether a take of this very file is there in whole."""
    if not (folder / INFO_FILE).is_file():
        return False
    info = load_info(folder)
    whole = info.status == COMPLETE and info.film is not None
    if whole and info.source.sha256 != sha256(source):
        raise TakeError(f"{folder}: is a take of another file; name another folder")
    return whole


def _one(args: argparse.Namespace, source: str, folder: Path) -> None:
    path = CLIP if source == DEMO else Path(source)
    video = probe(path)
    config = Config(
        source=source_choice("video_file", path=str(path), paced=False, max_frames=args.max_frames),
        tracker=TrackerConfig(backend=args.backend, precision=args.precision, threads=args.threads),
    )
    head = assembly.load_head(config.tracker.head)
    info = replace(_info(path, config.tracker, head), quarter_turns=video.quarter_turns)
    info = replace(info, slate=folder.name)
    reserve(folder)
    recorders = [("take", _take_maker(folder, info, head))]
    if args.overlay is not None:
        recorders.append(("overlay", _overlay_maker(args.overlay, head)))
    frames = min(filter(None, (video.frame_count, args.max_frames)), default=None)
    status = _track(Session(config, recorders=recorders), frames)
    for sink in status.sinks:
        if sink.error is not None:
            raise TakeError(f"{sink.name}: {sink.error}")
    if status.error is not None:
        raise status.error
    if status.tracked == 0:
        discard(folder)
        if args.overlay is not None:
            args.overlay.unlink(missing_ok=True)
        raise TrackingError(f"{path}: no face found in any of its {status.processed} frames")
    with tqdm(total=status.processed, unit="frame", desc="film") as progress:
        add_film(folder, path, lambda pictures: progress.update(pictures - progress.n) and None)
    print(f"{folder}: {status.processed} frames, {status.tracked} tracked")


def _track(session: Session, frames: int | None) -> SessionStatus:
    with session, tqdm(total=frames, unit="frame", desc="tracking") as progress:
        status = session.status()
        while status.state in (State.STARTING, State.RUNNING):
            time.sleep(POLL_S)
            status = session.status()
            progress.update(status.processed - progress.n)
    return session.status()


def _info(path: Path, tracker: TrackerConfig, head: HeadModel) -> TakeInfo:
    """Return what is known before the first frame; the source fills in the rest."""
    head_path = assembly.head_file(tracker.head)
    files = sorted(weights.load(tracker.weights).folder.iterdir())
    return TakeInfo(
        program_version=program_version(),
        source=Asset(str(path.resolve()), sha256(path)),
        wall_from_monotonic_ns=wall_from_monotonic_ns(),
        head=tracker.head,
        head_file=_asset(head_path),
        weights=tracker.weights,
        weight_files=tuple(_asset(file) for file in files if file.is_file()),
        backend=tracker.backend,
        threads=tracker.threads,
        vertices=len(head.neutral),
    )


def _asset(path: Path) -> Asset:
    return Asset(f"{path.parent.name}/{path.name}", sha256(path))


def _take_maker(folder: Path, info: TakeInfo, head: HeadModel) -> RecorderMaker:
    def make(source: Source) -> Recorder:
        width_px, height_px = source.camera.size_px
        whole = replace(
            info,
            width_px=width_px,
            height_px=height_px,
            frame_rate=source.frame_rate,
            timecode=TimecodeRecord("00:00:00:00", nearest(source.frame_rate), "free"),
            camera=camera_record(source.camera),
        )
        return TakeWriter(folder, whole, head)

    return make


def _overlay_maker(path: Path, head: HeadModel) -> RecorderMaker:
    def make(source: Source) -> Recorder:
        # Only here, so that tracking without an overlay needs no graphics driver.
        from app.render.overlay_video import OverlayWriter

        return OverlayWriter(path, source.camera.size_px, source.frame_rate, head)

    return make
