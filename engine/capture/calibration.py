"""A camera's intrinsics from views of a chessboard, kept by camera name and image size.

Source: Zhang 2000, A flexible new technique for camera calibration (as in OpenCV).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from cv2.typing import MatLike
from numpy.typing import NDArray

from engine.errors import CalibrationError
from engine.types import Camera
from engine.user_data import file_stem, replace_text, user_data_folder

FEWEST_VIEWS = 8
LARGEST_RMS_PX = 1.0  # at 640 px image width
_AREAS = 3  # the image is divided into 3 x 3 areas
FEWEST_AREAS = 7
_NEW_SHARE = 0.06  # of the image width by which a view's corners must differ from all others
_USUAL_WIDTH_PX = 640


@dataclass(frozen=True)
class Board:
    """A chessboard, by its inner corners."""

    columns: int
    rows: int
    square_m: float

    def points(self) -> NDArray[np.float32]:
        """Return the corners (N, 3) in metres, row by row, on the plane z = 0."""
        grid = np.mgrid[: self.columns, : self.rows].T.reshape(-1, 2)
        flat = np.column_stack([grid, np.zeros(len(grid))])
        return np.asarray(self.square_m * flat, np.float32)


@dataclass(frozen=True)
class Calibration:
    """A measured camera."""

    camera: Camera
    rms_px: float
    views: int


class BoardViews:
    """Collects views of a board that differ from one another.

    board    what is looked for
    size_px  width and height of all images
    """

    def __init__(self, board: Board, size_px: tuple[int, int]) -> None:
        self._board, self._size_px = board, size_px
        self._corners: list[NDArray[np.float32]] = []
        self.found = 0  # images with a board in them, also those that showed nothing new

    def __len__(self) -> int:
        return len(self._corners)

    def offer(self, image: NDArray[np.uint8]) -> bool:
        """Look for the board in an (H, W, 3) RGB image; True if it is a view worth keeping."""
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        pattern = (self._board.columns, self._board.rows)
        good, corners = cv2.findChessboardCornersSB(
            gray, pattern, flags=cv2.CALIB_CB_NORMALIZE_IMAGE
        )
        if not good:
            return False
        self.found += 1
        points = _refined(gray, np.asarray(corners, np.float32).reshape(-1, 2))
        least = _NEW_SHARE * self._size_px[0]
        if any(np.linalg.norm(points - seen, axis=1).mean() < least for seen in self._corners):
            return False
        self._corners.append(points)
        return True

    def areas(self) -> NDArray[np.bool_]:
        """Return which of 3 x 3 areas of the image have had a corner in them, (3, 3)."""
        seen = np.zeros((_AREAS, _AREAS), bool)
        for points in self._corners:
            cell = (_AREAS * points / np.array(self._size_px)).astype(int)
            inside = ((cell >= 0) & (cell < _AREAS)).all(axis=1)
            seen[cell[inside, 1], cell[inside, 0]] = True
        return seen

    def calibrated(self, name: str) -> Calibration:
        """Work out the camera called `name`.

        Raises CalibrationError for no board, too few views, views in too small a part of the image,
        or corners that no camera explains.
        """
        self._check_views()
        board = self._board.points()
        rms, intrinsics, distortion, _, _ = cv2.calibrateCamera(
            [board] * len(self), self._corners, self._size_px, np.eye(3), np.zeros(5)
        )
        most = LARGEST_RMS_PX * self._size_px[0] / _USUAL_WIDTH_PX
        if not rms <= most:
            raise CalibrationError(
                f"the corners are {rms:.2f} px off on average, allowed are {most:.2f}: the board "
                "may be bent, the camera out of focus, or the picture blurred by movement"
            )
        camera = Camera(
            np.asarray(intrinsics, np.float64),
            np.asarray(distortion, np.float64).ravel()[:5].copy(),
            self._size_px,
            name,
            calibrated=True,
        )
        return Calibration(camera, float(rms), len(self))

    def _check_views(self) -> None:
        board = f"{self._board.columns}x{self._board.rows}"
        if not self.found:
            raise CalibrationError(
                f"no board with {board} inner corners was seen; count the corners where four "
                "squares meet, and show the whole board with a white rim"
            )
        if len(self) < FEWEST_VIEWS:
            raise CalibrationError(
                f"only {len(self)} views of the board differ, {FEWEST_VIEWS} are needed; move and "
                "tilt it between them"
            )
        covered = int(self.areas().sum())
        if covered < FEWEST_AREAS:
            raise CalibrationError(
                f"the board was seen in {covered} of {_AREAS**2} areas of the picture, "
                f"{FEWEST_AREAS} are needed; hold it into the corners as well"
            )


def _refined(gray: MatLike, corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return corners (N, 2) to a tenth of a pixel; the finder alone is coarser on a blurred one."""
    nearest = float(np.linalg.norm(np.diff(corners, axis=0), axis=1).min())
    half = int(np.clip(nearest / 3, 2, 11))
    until = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-3)
    refined = cv2.cornerSubPix(gray, corners[:, None].copy(), (half, half), (-1, -1), until)
    # OpenCV's pixel centres lie at 0, ours at +0.5.
    return np.asarray(refined, np.float32).reshape(-1, 2) + np.float32(0.5)


def calibration_file(name: str, size_px: tuple[int, int], folder: Path | None = None) -> Path:
    """Return where a camera's calibration is kept."""
    folder = folder or user_data_folder() / "cameras"
    return folder / f"{file_stem(f'{name} {size_px[0]}x{size_px[1]}')}.yaml"


def save(calibration: Calibration, folder: Path | None = None) -> Path:
    """Keep a calibration; an earlier one of this camera and image size is replaced."""
    camera = calibration.camera
    path = calibration_file(camera.name, camera.size_px, folder)
    content = {
        "camera": camera.name,
        "size_px": list(camera.size_px),
        "intrinsics": camera.intrinsics.tolist(),
        "distortion": camera.distortion.tolist(),
        "rms_px": calibration.rms_px,
        "views": calibration.views,
    }
    replace_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return path


def stored_camera(name: str, size_px: tuple[int, int], folder: Path | None = None) -> Camera | None:
    """Return the calibrated camera, None if it was never calibrated at this image size.

    Raises CalibrationError naming the file if it is damaged.
    """
    path = calibration_file(name, size_px, folder)
    if not path.is_file():
        return None
    try:
        return _camera(yaml.safe_load(path.read_text(encoding="utf-8")), name, size_px)
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise CalibrationError(
            f"{path}: not a camera calibration ({error}); remove it, or calibrate again with "
            "`flowface calibrate camera`"
        ) from error


def _camera(content: Any, name: str, size_px: tuple[int, int]) -> Camera:
    intrinsics = np.array(content["intrinsics"], np.float64)
    distortion = np.array(content["distortion"], np.float64)
    if intrinsics.shape != (3, 3) or distortion.shape != (5,):
        raise ValueError("needs 3 x 3 intrinsics and 5 distortion coefficients")
    finite = np.isfinite(intrinsics).all() and np.isfinite(distortion).all()
    if not finite or intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise ValueError("needs finite numbers and focal lengths above 0")
    return Camera(intrinsics, distortion, size_px, name, calibrated=True)
