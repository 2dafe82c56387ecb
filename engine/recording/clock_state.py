"""Whether this machine's clock is kept right by NTP: two takes of two machines meet only then."""

from __future__ import annotations

import shutil
import subprocess
import sys

_TIMEOUT_S = 2.0


def clock_synchronised() -> bool | None:
    """Ask the system; None where it does not say.

    Source: timedatectl(1), property NTPSynchronized; w32tm /query /status, "Source".
    """
    if sys.platform.startswith("linux"):
        told = _told("timedatectl", "show", "--property=NTPSynchronized", "--value")
        return None if told not in ("yes", "no") else told == "yes"
    if sys.platform == "win32":
        told = _told("w32tm", "/query", "/status")
        return None if told is None else "Local CMOS Clock" not in told
    return None


def _told(program: str, *arguments: str) -> str | None:
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
