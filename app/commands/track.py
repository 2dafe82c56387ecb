"""Track video files and folders of pictures as fast as possible, into take folders."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from app.choices import DEMO, add_network_arguments, pictures_a_second, positive
from app.version import program_version
from engine import assembly
from engine.capture.picture_files import fingerprint
from engine.capture.pictures import VideoInfo
from engine.capture.sources import Source
from engine.capture.sources.demo import CLIP
from engine.capture.video import probe
from engine.clock import wall_from_monotonic_ns
from engine.config import Config, TrackerConfig, source_choice
from engine.describing import camera_record
from engine.errors import TakeError, TrackingError
from engine.fit.heads import HeadModel
from engine.graph import Recorder, RecorderMaker
from engine.network import weights
from engine.recording.film import FILM_FILE
from engine.recording.film_copy import add_film
from engine.recording.frame_times import FRAMES_FILE
from engine.recording.resume import BrokenOff, ResumedTake, broken_off, reopen
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

HELP = "track video files and folders of pictures as fast as possible, into take folders"
POLL_S = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source", metavar="SOURCE", nargs="+", help="video files, folders of pictures, or demo"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="TAKE_DIR",
        help="a new folder; of several sources the folder of their takes, in which those that "
        "are complete already are left as they are. What was broken off is gone on with",
    )
    parser.add_argument(
        "--rate", type=pictures_a_second, metavar="FPS", help="pictures a second of a folder"
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
        if _is_whole(folder, CLIP if source == DEMO else Path(source)):
            print(f"{folder}: complete already")
            continue
        _one(args, source, folder)
    return 0


def _is_whole(folder: Path, source: Path) -> bool:
    """Tell whether a take of this very source is there in whole."""
    if not (folder / INFO_FILE).is_file():
        return False
    info = load_info(folder)
    if info.status == COMPLETE and info.source.sha256 != _checksum(source):
        raise TakeError(f"{folder}: is a take of another file; name another folder")
    return info.status == COMPLETE and info.film is not None


def _one(args: argparse.Namespace, source: str, folder: Path) -> None:
    path = CLIP if source == DEMO else Path(source)
    video = probe(path, args.rate)
    if not _lacks_film(folder, path):
        frames = min(filter(None, (video.frame_count, args.max_frames)), default=None)
        _track_file(args, path, folder, video, frames)
    for name in (FILM_FILE, FRAMES_FILE):
        (folder / name).unlink(missing_ok=True)
    info = load_info(folder)
    with tqdm(total=info.frames, unit="frame", desc="film") as progress:
        add_film(folder, path, lambda pictures: progress.update(pictures - progress.n) and None)
    print(f"{folder}: {info.frames} frames, {info.tracked} tracked")


def _lacks_film(folder: Path, source: Path) -> bool:
    """Tell whether a take of this source is whole but for its film."""
    if not (folder / INFO_FILE).is_file() or _is_whole(folder, source):
        return False
    info = load_info(folder)
    return info.status == COMPLETE and not info.recovered


def _track_file(
    args: argparse.Namespace, path: Path, folder: Path, video: VideoInfo, frames: int | None
) -> None:
    """Track; what is there already of the same file is gone on with."""
    asked = TrackerConfig(args.backend, args.precision, args.weights, threads=args.threads)
    tracker = assembly.resolved(asked)
    head = assembly.load_head(tracker.head)
    known = _info(path, tracker, head)
    info = replace(
        known,
        quarter_turns=video.quarter_turns,
        frame_rate=video.frame_rate,
        slate=folder.name,
    )
    before = broken_off(folder, info)
    first = 0 if before is None else before.first
    if before is None:
        reserve(folder)
        recorders = [("take", _take_maker(folder, info, head))]
    else:
        print(f"{folder}: goes on after {len(before.frame_index)} frames")
        recorders = [("take", _resumed_maker(folder, before, head))]
    if args.overlay is not None:
        if first:
            raise TakeError("--overlay: the take was broken off; remove it to have the whole video")
        recorders.append(("overlay", _overlay_maker(args.overlay, head)))
    source = source_choice(
        "video_file",
        path=str(path),
        rate=args.rate,
        paced=False,
        first=first,
        max_frames=args.max_frames,
    )
    session = Session(Config(source=source, tracker=tracker), recorders=recorders)
    try:
        status = _track(session, frames, first)
    except KeyboardInterrupt:
        reopen(folder)
        print(f"{folder}: broken off; the same command goes on with it", file=sys.stderr)
        raise
    for sink in status.sinks:
        if sink.error is not None:
            raise TakeError(f"{sink.name}: {sink.error}")
    if status.error is not None:
        reopen(folder)
        raise status.error
    if load_info(folder).tracked == 0:
        discard(folder)
        if args.overlay is not None:
            args.overlay.unlink(missing_ok=True)
        raise TrackingError(f"{path}: no face found in any of its {status.processed} frames")


def _checksum(path: Path) -> str:
    return fingerprint(path) if path.is_dir() else sha256(path)


def _track(session: Session, frames: int | None, first: int) -> SessionStatus:
    bar = tqdm(total=frames, initial=first, unit="frame", desc="tracking")
    with session, bar as progress:
        status = session.status()
        while status.state in (State.STARTING, State.RUNNING):
            time.sleep(POLL_S)
            status = session.status()
            progress.update(first + status.processed - progress.n)
    return session.status()


def _info(path: Path, tracker: TrackerConfig, head: HeadModel) -> TakeInfo:
    """Return what is known before the first frame; the source fills in the rest."""
    head_path = assembly.head_file(tracker.head)
    files = sorted(weights.load(tracker.weights).folder.iterdir())
    return TakeInfo(
        program_version=program_version(),
        source=Asset(str(path.resolve()), _checksum(path)),
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


def _resumed_maker(folder: Path, before: BrokenOff, head: HeadModel) -> RecorderMaker:
    return lambda source: ResumedTake(folder, before, head)


def _overlay_maker(path: Path, head: HeadModel) -> RecorderMaker:
    def make(source: Source) -> Recorder:
        # Only here, so that tracking without an overlay needs no graphics driver.
        from app.render.overlay_video import OverlayWriter

        return OverlayWriter(path, source.camera.size_px, source.frame_rate, head)

    return make
