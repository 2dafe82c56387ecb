"""Where files lie that can be made again: exported networks, compiled engines."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """Return this user's cache folder of the program; it need not exist yet.

    Source: XDG Base Directory Specification 0.8; Windows and macOS keep caches elsewhere.
    """
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "flowface-live"
