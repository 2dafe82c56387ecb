"""Finding faces in a whole image, for when there is no track to continue.

A coarse pass over the whole image proposes; two closer looks at each proposal, upright and of two
sizes, one of them mirrored, confirm. All three must agree, which keeps the threshold low for small
faces and the false alarms few. The box that leaves is calibrated to be the one that the tracker
crops by: the bounding box of MediaPipe's 468 mesh points in the face's own, upright axes.
`python -m engine.evaluation.detection` measures all of this and fits the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry import transform_points
from engine.network import blaze_face
from engine.network.blaze_face import BlazeFace, Proposal
from engine.network.crop import crop_from_box, cut
from engine.types import Array, Crop

_SIDE_PX = blaze_face.SIDE_PX


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What counts as a face. The values are measured; see BENCHMARKS.md."""

    proposal_score: float = 0.3  # of the coarse pass
    face_score: float = 0.7  # of the three passes together
    most_faces: int = 3  # looked at closely
    near: float = 2.0  # side of the first close look, in sides of the proposal
    far: float = 3.0  # of the second


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face in the image.

    The sides of the box run along and across the face, whose roll turns them about the centre.
    """

    box_px: Array  # (4,) left, top, right, bottom
    score: float  # probability in [0, 1]
    roll_rad: float | None  # of the face in the image, positive clockwise as seen


class Detector:
    """Finds the faces of an image."""

    def __init__(
        self, settings: DetectorSettings | None = None, path: Path | None = None, threads: int = 1
    ) -> None:
        self._settings = settings or DetectorSettings()
        self._network = BlazeFace(path, threads)

    def detect(self, image_rgb: NDArray[np.uint8]) -> list[Detection]:
        """Return the faces of an image (H, W, 3), best first by score, size and centrality."""
        found = [
            Detection(calibrated_box(face), face.score, face.roll_rad)
            for face in self.close_looks(image_rgb)
        ]
        distinct: list[Detection] = []
        for face in sorted(found, key=lambda face: _merit(face, image_rgb), reverse=True):
            others = np.array([other.box_px for other in distinct]).reshape(-1, 4)
            if not (blaze_face.overlap(face.box_px, others) > 0.4).any():
                distinct.append(face)
        return distinct

    def close_looks(self, image_rgb: NDArray[np.uint8]) -> list[CloseLook]:
        """Return what the close looks at the best proposals of an image (H, W, 3) confirm."""
        settings = self._settings
        square, image_from_square = _letterboxed(image_rgb)
        proposals = self._network.propose(square, settings.proposal_score)[: settings.most_faces]
        confirmed: list[CloseLook] = []
        for proposal in proposals:
            box = transform_points(image_from_square, proposal.box_px.reshape(2, 2)).ravel()
            roll_rad = _roll(proposal.points_px)
            near = self._look(image_rgb, crop_from_box(box, _SIDE_PX, roll_rad, settings.near))
            if near is None:
                continue
            far_crop = _mirrored(crop_from_box(box, _SIDE_PX, roll_rad, settings.far))
            far = self._look(image_rgb, far_crop)
            if far is None:
                continue
            score = _agreement(proposal.score, near[1].score, far[1].score)
            if score >= settings.face_score:
                confirmed.append(CloseLook(near[0], near[1], score))
        return confirmed

    def _look(self, image_rgb: NDArray[np.uint8], crop: Crop) -> tuple[Crop, Proposal] | None:
        """Propose again within a crop; only a face in the middle is the one looked for."""
        middle = _SIDE_PX / 2
        for face in self._network.propose(cut(image_rgb, crop), least_score=0.05):
            off_centre = np.abs(face.box_px.reshape(2, 2).mean(axis=0) - middle).max()
            side = face.box_px[2] - face.box_px[0]
            if off_centre < 0.5 * side and _SIDE_PX / 8 < side < _SIDE_PX:
                return crop, face
        return None


@dataclass(frozen=True, slots=True, eq=False)
class CloseLook:
    """A confirmed face as the first close look sees it."""

    crop: Crop
    face: Proposal
    score: float

    @property
    def points_px(self) -> Array:
        """The six key points in the image, (6, 2)."""
        return transform_points(self.crop.image_from_crop, self.face.points_px)

    @property
    def roll_rad(self) -> float:
        """The roll of the face in the image, from the line of the eyes."""
        return _roll(self.points_px)

    def axes(self) -> tuple[Array, float, Array]:
        """Return origin (2,), unit in px and image_from_upright rotation (2, 2) of the face.

        The origin is the mean of the key points between the ears, the unit the side of the box.
        """
        cosine, sine = np.cos(self.roll_rad), np.sin(self.roll_rad)
        image_from_upright = np.array([[cosine, -sine], [sine, cosine]])
        scale = float(np.hypot(*self.crop.image_from_crop[:2, 0]))
        unit_px = scale * float(self.face.box_px[2] - self.face.box_px[0])
        return self.points_px[:4].mean(axis=0), unit_px, image_from_upright

    def features(self) -> Array:
        """Return the upright, unitless key points (13,) that the calibration reads; first a 1."""
        origin, unit_px, image_from_upright = self.axes()
        upright = (self.points_px - origin) @ image_from_upright / unit_px
        return np.concatenate([[1.0], upright.ravel()])


def calibrated_box(look: CloseLook) -> Array:
    """Return the landmark box (4,), px: left, top, right, bottom about its own centre."""
    origin, unit_px, image_from_upright = look.axes()
    left, top, right, bottom = look.features() @ _BOX_FROM_FEATURES * unit_px
    centre = origin + image_from_upright @ np.array([left + right, top + bottom]) / 2
    half = np.array([right - left, bottom - top]) / 2
    return np.concatenate([centre - half, centre + half])


def _letterboxed(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Array]:
    """Shrink an image into the middle of the input square; also image_from_square (3, 3)."""
    height, width = image.shape[:2]
    scale = _SIDE_PX / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (_SIDE_PX - inner[0]) // 2, (_SIDE_PX - inner[1]) // 2
    square = np.zeros((_SIDE_PX, _SIDE_PX, 3), np.uint8)
    shrunk = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    square[top : top + inner[1], left : left + inner[0]] = shrunk
    x, y = width / inner[0], height / inner[1]
    return square, np.array([[x, 0.0, -left * x], [0.0, y, -top * y], [0.0, 0.0, 1.0]])


def _mirrored(crop: Crop) -> Crop:
    flip = np.array([[-1.0, 0.0, crop.size_px], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return Crop(crop.image_from_crop @ flip, crop.size_px)


def _roll(points_px: Array) -> float:
    # In the image the subject's right eye is on the left, so an upright face has roll 0.
    x, y = points_px[blaze_face.LEFT_EYE] - points_px[blaze_face.RIGHT_EYE]
    return float(np.arctan2(y, x))


def _agreement(*scores: float) -> float:
    """Return the probability whose log odds are the mean of those of the scores."""
    safe = np.clip(scores, 1e-3, 1 - 1e-3)
    return float(1 / (1 + np.exp(-np.log(safe / (1 - safe)).mean())))


def _merit(face: Detection, image: NDArray[np.uint8]) -> float:
    size_px = np.array([image.shape[1], image.shape[0]])
    side = np.sqrt(np.prod(face.box_px[2:] - face.box_px[:2])) / size_px.max()
    off_centre = np.hypot(*((face.box_px[:2] + face.box_px[2:]) / 2 - size_px / 2)) / size_px.max()
    return float(face.score * side * (1 - off_centre))


# Rows: 1, then x and y of the six key points; columns: left, top, right, bottom. Fitted to the
# training portraits by engine/evaluation/detection.py: 4 % of the proposal's side is left (rms).
_BOX_FROM_FEATURES: Array = np.array(
    [
        [-0.4017, -0.4248, 0.4762, 0.6793],
        [0.0987, 0.0195, 0.0851, 0.0585],
        [-0.0161, 0.0251, 0.0261, 0.0548],
        [0.0289, -0.0384, 0.0759, -0.0515],
        [-0.0161, 0.0251, 0.0261, 0.0548],
        [-0.1002, 0.0108, -0.1183, -0.0032],
        [0.0475, -0.0294, -0.0611, -0.1125],
        [-0.0274, 0.0080, -0.0428, -0.0038],
        [-0.0152, -0.0207, 0.0090, 0.0029],
        [0.3627, 0.0323, 0.3158, 0.0945],
        [-0.1255, 0.0495, 0.0760, 0.2111],
        [0.2403, -0.0715, 0.3208, -0.0698],
        [-0.0941, 0.0425, 0.1331, 0.2176],
    ]
)
