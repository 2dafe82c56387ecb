"""A disk that fills up while a take is recorded: a small tmpfs, which root can mount."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine import clock
from engine.errors import TakeError
from engine.evaluation.taking import act
from engine.fit.heads import HeadModel
from engine.recording.recover import recover
from engine.recording.take import COMPLETE, load_info
from engine.recording.verify import verify
from engine.types import Frame

DISK_MB = 16
_FRAMES = 1200


@contextmanager
def small_disk() -> Generator[Path | None]:
    """Give a folder on a disk of DISK_MB; None where it cannot be mounted."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder],
            capture_output=True,
            check=False,
        )
        if mounted.returncode:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=False)


def fill(folder: Path, head: HeadModel, reserve_mb: int) -> str:
    """Record noise, which does not compress, until the disk is full; returns what became of it."""
    recording, reels = act.begin(folder, head, reserve_mb=reserve_mb)
    rng = np.random.default_rng(3)
    for index in range(_FRAMES):
        image = rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)
        if not recording.status().running:
            break
        reels.pictures.put(Frame(image, index, round(index * clock.NS_PER_S / act.RATE)))
        while reels.pictures.waiting > act.RATE and recording.status().running:
            time.sleep(0.004)
        time.sleep(1 / 60)
    warning = recording.status().warning
    try:
        recording.stop()
        said = "ended cleanly" if warning else "was not noticed"
    except TakeError:
        said = "broke off and was told"
    if load_info(folder).status != COMPLETE:
        with tempfile.TemporaryDirectory() as roomy:
            elsewhere = Path(roomy) / "take"
            shutil.copytree(folder, elsewhere)
            recover(elsewhere)
            wrong = verify(elsewhere)
        shutil.rmtree(folder)
        return f"{said}; mended on another disk; {'whole' if not wrong else wrong[0]}"
    wrong = verify(folder)
    return f"{said}; {'whole' if not wrong else wrong[0]}"
