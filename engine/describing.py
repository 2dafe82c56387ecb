"""What take.yaml says of how a take was made."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine import assembly, config
from engine.clock import wall_from_monotonic_ns
from engine.config import Config, TrackerConfig
from engine.network import weights
from engine.recording.take import Asset, CameraRecord, TakeInfo, TimecodeRecord
from engine.recording.timecode import nearest
from engine.resources import sha256
from engine.types import Camera


def program_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("flowface-live")
    except PackageNotFoundError:
        return "not installed"


def take_info(settings: Config, camera: Camera, source: str, frame_rate: float) -> TakeInfo:
    """Return what is known before the first frame.

    source  what the user knows the camera or the file by
    """
    tracker = assembly.resolved(settings.tracker)
    head_path = assembly.head_file(tracker.head)
    width_px, height_px = camera.size_px
    return TakeInfo(
        program_version=program_version(),
        source=Asset(source),
        width_px=width_px,
        height_px=height_px,
        frame_rate=frame_rate,
        wall_from_monotonic_ns=wall_from_monotonic_ns(),
        head=tracker.head,
        head_file=asset(head_path),
        weights=tracker.weights,
        weight_files=weight_assets(tracker),
        backend=tracker.backend,
        threads=tracker.threads,
        vertices=len(assembly.load_head(tracker.head).neutral),
        timecode=TimecodeRecord(rate=nearest(frame_rate)),
        camera=camera_record(camera),
        settings=config.text(settings),
    )


def weight_assets(tracker: TrackerConfig) -> tuple[Asset, ...]:
    """Return names and checksums of the network's files."""
    files = sorted(weights.load(tracker.weights).folder.iterdir())
    return tuple(asset(file) for file in files if file.is_file())


def camera_record(camera: Camera) -> CameraRecord:
    """Return a camera as take.yaml keeps it."""
    return CameraRecord(
        name=camera.name,
        calibrated=camera.calibrated,
        intrinsics=tuple(map(float, camera.intrinsics.ravel())),
        distortion=tuple(map(float, camera.distortion.ravel())),
    )


def asset(path: Path) -> Asset:
    """Return a file's name, with its folder's, and its checksum."""
    return Asset(f"{path.parent.name}/{path.name}", sha256(path))
