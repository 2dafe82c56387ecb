"""Keeps the fits of all portraits in a file, with the checksum of the head they were made with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import AssetError
from engine.training.portraits.fit import PortraitFit
from engine.training.portraits.landmark_model import FaceState
from engine.types import Array

STATE_NAMES = tuple(FaceState.__dataclass_fields__)


@dataclass(frozen=True, eq=False)
class StoredFits:
    """Fits of N portraits: state, error (N,) as in `PortraitFit`, and the head's SHA-256."""

    state: FaceState
    error: Array
    head_sha256: str


def save_fits(path: Path, fit: PortraitFit, head_sha256: str) -> None:
    """Write the fits to an .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    states = {name: getattr(fit.state, name) for name in STATE_NAMES}
    np.savez(
        path,
        allow_pickle=False,
        error=fit.error,
        points_px=fit.points_px,
        head_sha256=np.array(head_sha256),
        **states,
    )


def load_fits(path: Path) -> StoredFits:
    """Read what `save_fits` wrote; AssetError if there is no such file or it is another."""
    if not path.is_file():
        raise AssetError(f"{path}: no such file; make it with the command `fit`")
    try:
        with np.load(path, allow_pickle=False) as file:
            state = FaceState(*(file[name] for name in STATE_NAMES))
            return StoredFits(state, file["error"], str(file["head_sha256"]))
    except (KeyError, ValueError) as error:
        raise AssetError(f"{path}: not a file of portrait fits ({error})") from error
