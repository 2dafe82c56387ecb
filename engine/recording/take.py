"""What is known of a take as a whole, and its folder."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.config import replace_text
from engine.errors import ConfigError, TakeError
from engine.settings import plain, read, setting

FORMAT_VERSION = 1
INFO_FILE, TRACKING_FILE = "take.yaml", "tracking.arrows"
RECORDING, COMPLETE = "recording", "complete"


@dataclass(frozen=True)
class Asset:
    """A file that the result depends on."""

    path: str = ""
    sha256: str = ""


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
    if version != FORMAT_VERSION:
        raise TakeError(f"{path}: format {version!r}, this program reads {FORMAT_VERSION}")
    try:
        return read(TakeInfo, content, str(path))
    except ConfigError as error:
        raise TakeError(str(error)) from error


def completed(info: TakeInfo, frames: int, tracked: int) -> TakeInfo:
    """Return what take.yaml says when all is written."""
    return dataclasses.replace(info, status=COMPLETE, frames=frames, tracked=tracked)
