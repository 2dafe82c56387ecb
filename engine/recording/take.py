"""What is known of a take as a whole, and its folder."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.errors import ConfigError, TakeError
from engine.settings import plain, read, setting
from engine.user_data import replace_text

FORMAT_VERSION = 2
INFO_FILE, TRACKING_FILE = "take.yaml", "tracking.arrows"
RECORDING, COMPLETE = "recording", "complete"
MOST_STARS = 5


@dataclass(frozen=True)
class Asset:
    """A file that the result depends on."""

    path: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class CameraRecord:
    """The camera as it was known when the take began."""

    name: str = ""
    calibrated: bool = False
    intrinsics: tuple[float, ...] = ()  # (9,) of K, row by row, pixels
    distortion: tuple[float, ...] = ()  # (5,) of OpenCV


@dataclass(frozen=True)
class TimecodeRecord:
    """What the take is called in hours, minutes, seconds, frames."""

    start: str = ""  # hh:mm:ss:ff of the first picture
    rate: str = ""  # of engine.recording.timecode.RATES
    source: str = setting("system", "Where it comes from.", choices=("system", "free", "ltc"))
    clock_synchronised: bool | None = None  # this machine's, by NTP; None if it does not say


@dataclass(frozen=True)
class FilmRecord:
    """The pictures."""

    codec: str = ""
    pictures: int = 0
    refused: int = 0  # that the disk was too slow for; marked in frames.arrows by their absence


@dataclass(frozen=True)
class SoundRecord:
    """The sound."""

    device: str = ""
    sample_rate: int = 0
    channels: int = 0
    codec: str = ""
    samples: int = 0
    samples_lost: int = 0  # by the device; silence stands in their place
    drift_ppm: float = 0.0  # how much faster than nominal the device counts
    starts_ns: int | None = None  # when the first sample was heard, monotonic


@dataclass(frozen=True)
class TakeInfo:
    """The content of take.yaml."""

    format_version: int = FORMAT_VERSION
    status: str = setting(RECORDING, "Whether it was finished.", choices=(RECORDING, COMPLETE))
    program_version: str = ""
    source: Asset = field(default_factory=Asset)
    width_px: int = 0
    height_px: int = 0
    quarter_turns: int = setting(
        0, "Counter-clockwise turns that set the stored picture upright.", minimum=0, maximum=3
    )
    frame_rate: float = 0.0
    wall_from_monotonic_ns: int = 0  # added to captured_ns gives Unix time
    head: str = ""
    head_file: Asset = field(default_factory=Asset)
    weights: str = ""
    weight_files: tuple[Asset, ...] = ()
    backend: str = ""
    threads: int = 0
    vertices: int = 0
    frames: int = 0  # 0 while recording
    tracked: int = 0
    slate: str = ""
    take: int = setting(0, "Counts the takes of a slate.", minimum=0)
    notes: str = ""
    rating: int = setting(0, "Stars; 0 for none given.", minimum=0, maximum=MOST_STARS)
    started_ns: int = 0  # captured_ns of the first picture
    started_at: str = ""  # the same as local time, ISO 8601
    timecode: TimecodeRecord = field(default_factory=TimecodeRecord)
    camera: CameraRecord = field(default_factory=CameraRecord)
    profile: str = ""  # name of the settings
    settings: str = ""  # the settings themselves, as YAML
    film: FilmRecord | None = None
    sound: SoundRecord | None = None
    dropped_by_camera: int = 0
    dropped_by_tracker: int = 0
    recovered: bool = False  # cut off while recording, and mended afterwards
    streams: tuple[Asset, ...] = ()  # the take's files when it was completed


def reserve(folder: Path) -> None:
    """Make the folder of a new take. Raises TakeError if there is something in it already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise TakeError(f"{folder}: is not empty; a take is never overwritten, name another")
    except OSError as error:
        raise TakeError(f"{folder}: cannot be made a take's folder ({error.strerror})") from error


def save_info(folder: Path, info: TakeInfo) -> None:
    """Write take.yaml in one step."""
    replace_text(folder / INFO_FILE, yaml.safe_dump(plain(info), sort_keys=False))


def load_info(folder: Path) -> TakeInfo:
    """Read take.yaml. Raises TakeError if this is no take, or of another version."""
    path = folder / INFO_FILE
    if not path.is_file():
        raise TakeError(f"{folder}: not a take (it has no {INFO_FILE})")
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TakeError(f"{path}: cannot be read ({error})") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version not in (1, FORMAT_VERSION):  # 1 lacks keys only, which then have their defaults
        raise TakeError(f"{path}: format {version!r}, this program reads 1 to {FORMAT_VERSION}")
    try:
        return read(TakeInfo, content, str(path))
    except ConfigError as error:
        raise TakeError(str(error)) from error


def completed(info: TakeInfo, frames: int, tracked: int) -> TakeInfo:
    """Return what take.yaml says when all is written."""
    return dataclasses.replace(info, status=COMPLETE, frames=frames, tracked=tracked)
