"""Watches the disk that a take is written to."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine import clock
from engine.recording.settings import DiskSettings

_MB = 1_000_000
_EVERY_NS = clock.NS_PER_S // 2


class DiskWatch:
    """Knows how much is free, and how long that lasts at the present pace.

    folder  on the disk in question
    """

    def __init__(self, folder: Path, settings: DiskSettings) -> None:
        self._folder, self._settings = folder, settings
        self._began_ns, self._looked_ns = clock.now_ns(), 0
        self.free_bytes = self._at_start = shutil.disk_usage(folder).free

    def look(self) -> None:
        """Ask the system, at most twice a second."""
        now_ns = clock.now_ns()
        if now_ns - self._looked_ns >= _EVERY_NS:
            self._looked_ns = now_ns
            self.free_bytes = shutil.disk_usage(self._folder).free

    @property
    def full(self) -> bool:
        """Whether only the reserve is left."""
        return self.free_bytes <= self._settings.reserve_mb * _MB

    @property
    def minutes_left(self) -> float | None:
        """How long the room lasts; None while the pace is not known."""
        seconds = (clock.now_ns() - self._began_ns) / clock.NS_PER_S
        used = self._at_start - self.free_bytes
        if seconds < 5.0 or used <= 0:
            return None
        room = max(0, self.free_bytes - self._settings.reserve_mb * _MB)
        return room / (used / seconds) / 60.0

    @property
    def warning(self) -> str:
        """What to tell the user; empty while there is room."""
        if self.full:
            return f"disk full: only {self.free_bytes / _MB:.0f} MB are left on it"
        left = self.minutes_left
        if left is not None and left < self._settings.warn_minutes:
            return f"the disk has room for {left:.0f} more minutes"
        return ""
