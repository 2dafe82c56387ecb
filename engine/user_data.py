"""Where what the user has made is kept: people, cameras. Settings and caches lie elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote, unquote

_SAFE_IN_FILE_NAMES = " "


def user_data_folder() -> Path:
    """Return this user's data folder of the program; it need not exist yet.

    Source: XDG Base Directory Specification 0.8; Windows and macOS keep data elsewhere.
    """
    if os.name == "nt":
        base = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "flowface-live"


def file_stem(name: str) -> str:
    """Return a file name without ending for a name that the user gave; `name_of` is the inverse."""
    return quote(name, safe=_SAFE_IN_FILE_NAMES)


def name_of(path: Path) -> str:
    """Return the name that a file was made for."""
    return unquote(path.stem)


def replace_text(path: Path, text: str) -> None:
    """Write a text file in one step: another process sees the old file or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".writing")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
