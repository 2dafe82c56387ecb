"""Start a rival's program in the rival's own Python and read what it found."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.types import Array

_STATIC, _VIDEO, _TVL1 = (
    Path(__file__).with_name(f"{name}.py")
    for name in ("mediapipe_static", "mediapipe_video", "tvl1_flow")
)


def mediapipe_static(python: Path, files: list[NDArray[np.uint8]]) -> Array:
    """Return MediaPipe FaceMesh's 478 landmarks of JPEG files, each on its own.

    python   an interpreter that has mediapipe
    returns  (N, 478, 2) px, NaN where it finds no face
    Raises AssetError if that interpreter cannot run it.
    """
    with tempfile.TemporaryDirectory() as made:
        source, target = Path(made) / "pictures.npz", Path(made) / "found.npz"
        offsets = np.cumsum([0] + [len(file) for file in files]).astype(np.int64)
        np.savez(source, jpeg=np.concatenate(files), offsets=offsets)
        run_program(python, _STATIC, str(source), str(target))
        with np.load(target, allow_pickle=False) as file:
            return file["landmarks"].astype(np.float64)


def mediapipe_video(python: Path, frames: NDArray[np.uint8]) -> Array:
    """Return MediaPipe FaceMesh's 478 landmarks of a video's frames, in its video mode.

    python   an interpreter that has mediapipe
    frames   (T, H, W, 3) RGB
    returns  (T, 478, 2) px, NaN where it finds no face
    Raises AssetError if that interpreter cannot run it.
    """
    with tempfile.TemporaryDirectory() as made:
        source, target = Path(made) / "frames.npy", Path(made) / "found.npz"
        np.save(source, frames)
        run_program(python, _VIDEO, str(source), str(target))
        with np.load(target, allow_pickle=False) as file:
            return file["landmarks"].astype(np.float64)


def tvl1_flow(
    python: Path, grey: NDArray[np.uint8], pairs: NDArray[np.intp], grid: NDArray[np.intp]
) -> tuple[Array, Array]:
    """Return how pictures (T, H, W) move between P pairs of them, by TV-L1 flow.

    python   an interpreter whose OpenCV has optflow
    pairs    (P, 2) rows of `grey`
    grid     (N, 2) x, y of the pixels asked for
    returns  (P, N, 2) flow there, and (P, N, 2) reverse flow where it leads, px
    Raises AssetError if that interpreter cannot run it.
    """
    with tempfile.TemporaryDirectory() as made:
        source, target = Path(made) / "pairs.npz", Path(made) / "flow.npz"
        whole = pairs.astype(np.int64), grid.astype(np.int64)
        np.savez(source, grey=grey, pairs=whole[0], grid=whole[1])
        run_program(python, _TVL1, str(source), str(target))
        with np.load(target, allow_pickle=False) as file:
            return file["motion"], file["back"]


def run_program(python: Path, program: Path, *arguments: str) -> None:
    """Run a rival's program to its end. Raises AssetError if it or its Python does not run."""
    for needed in (python, program):
        if not needed.is_file():
            raise AssetError(f"{needed}: no such file; the rival needs a Python with mediapipe")
    run = subprocess.run(
        [str(python), str(program), *arguments], capture_output=True, text=True, check=False
    )
    if run.returncode:
        last = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise AssetError(f"{python}: {program.name} failed ({last})")
