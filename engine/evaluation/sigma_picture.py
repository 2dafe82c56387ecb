"""Whether sigma rises where the face is covered: portraits, and a cloth that grows over them.

The sheet that is drawn shows the face of the demo, which is ours to show; the portraits are not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.capture.pictures import Pictures
from engine.capture.sources.demo import CLIP
from engine.evaluation.align import align_in, read_landmarks, upright_crop
from engine.evaluation.cover import cover
from engine.evaluation.datasets import portraits
from engine.fit.heads import HeadModel, landmarks
from engine.fit.sides import spread
from engine.fit.skinning import vertices
from engine.geometry import project
from engine.network.backends import Backend
from engine.network.crop import cut
from engine.training.report import draw_samples
from engine.types import Alignment, Array, Crop

Picture = NDArray[np.uint8]

SHARES = (0.0, 0.2, 0.35, 0.5)  # of the face's height that the cloth covers, from the chin up
_MEASURED = 0.35
_TILE_PX, _SAMPLES = 192, 8
_FACE = ("face", "eyes", "nose", "mouth")
_CLOTH = np.array([96, 104, 116], np.uint8)  # a colour that no face has
_USUAL = 64  # portraits
_SMALL, _LARGE = 0.005, 0.08  # sigma in face widths, from blue to red


def run(
    head: HeadModel, backend: Backend, data: Path, folder: Path, limit: int | None
) -> dict[str, Any]:
    """Draw sigma_occluder.jpg of the demo and samples.png of portraits; return the figures.

    Raises AssetError if the measuring data are absent.
    """
    people = list(portraits.read(data, "validation", limit or _USUAL))
    crops = [upright_crop(person.landmarks_px, backend.crop_side_px) for person in people]
    folder.mkdir(parents=True, exist_ok=True)
    shown = [
        _in_crop(head, align_in(backend, person.image, crop), person.landmarks_px, crop)
        for person, crop in list(zip(people, crops, strict=True))[:_SAMPLES]
    ]
    pictures = np.stack([cut(p.image, c) for p, c in zip(people, crops, strict=True)][:_SAMPLES])
    marks, truth, sigma = (np.stack(each) for each in zip(*shown, strict=True))
    draw_samples(pictures, marks, truth, sigma, folder / "samples.png")
    image, marks_px = demo_face(head)
    crop = upright_crop(marks_px, backend.crop_side_px)
    sheet = occluder_sheet(head, backend, image, crop, marks_px)
    cv2.imwrite(str(folder / "sigma_occluder.jpg"), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    rises = [
        sigma_rise(head, backend, person.image, crop, person.landmarks_px, _MEASURED)
        for person, crop in zip(people, crops, strict=True)
    ]
    covered, open_ = np.array(rises).T
    return {
        "pictures": len(people),
        "covered_height_share": _MEASURED,
        "sigma_ratio_covered_median": float(np.median(covered)),
        "sigma_ratio_open_median": float(np.median(open_)),
        "rises_more_where_covered": float((covered > open_).mean()),
    }


def demo_face(head: HeadModel) -> tuple[Picture, Array]:
    """Return the first picture of the demo (H, W, 3) and its true landmarks (478, 2), px.

    head  the open head, of which it was rendered
    """
    with np.load(CLIP.with_name("truth.npz"), allow_pickle=False) as truth:
        expression = spread(truth["expression"][0], len(head.expression_names))
        posed = vertices(head, truth["identity"], expression, truth["gaze"][0], truth["neck"][0])
        points = project(posed, truth["camera_from_head"][0], truth["intrinsics"])
    picture = Pictures(CLIP)
    first = picture.next()
    picture.close()
    assert first is not None  # the program's own file
    return first.upright(), landmarks(head, points)


def occluder_sheet(
    head: HeadModel, backend: Backend, image: Picture, crop: Crop, landmarks_px: Array
) -> Picture:
    """Return tiles (2 T, 4 T, 3): the crop under a growing cloth, and below it sigma as heat."""
    upper: list[Picture] = []
    lower: list[Picture] = []
    for share in SHARES:
        hidden, _ = covered_from_below(image, crop, landmarks_px, share)
        alignment = align_in(backend, hidden, crop)
        picture = cut(hidden, crop)
        upper.append(_tile(picture))
        lower.append(_tile(heat(head, alignment, picture, crop)))
    return np.vstack([np.hstack(upper), np.hstack(lower)])


def sigma_rise(
    head: HeadModel,
    backend: Backend,
    image: Picture,
    crop: Crop,
    landmarks_px: Array,
    share: float,
) -> tuple[float, float]:
    """Return by what a cloth multiplies the median sigma of landmarks under it and beside it."""
    hidden, below = covered_from_below(image, crop, landmarks_px, share)
    _, clean = read_landmarks(head, align_in(backend, image, crop))
    _, sigma = read_landmarks(head, align_in(backend, hidden, crop))
    ratio = sigma / clean
    return float(np.median(ratio[below])), float(np.median(ratio[~below]))


def covered_from_below(
    image: Picture, crop: Crop, landmarks_px: Array, share: float
) -> tuple[Picture, NDArray[np.bool_]]:
    """Lay a cloth over the lower part of a face, level in the crop.

    share    of the face's height that is covered
    returns  the picture (H, W, 3), and which landmarks (478,) lie under the cloth
    """
    crop_from_image = np.linalg.inv(crop.image_from_crop)
    inside = landmarks_px @ crop_from_image[:2, :2].T + crop_from_image[:2, 2]
    low, high = inside.min(axis=0), inside.max(axis=0)
    edge = high[1] - share * (high[1] - low[1])
    if share <= 0:
        return image, np.zeros(len(inside), bool)
    rows, columns = np.indices(image.shape[:2]) + 0.5
    level = crop_from_image[1, 0] * columns + crop_from_image[1, 1] * rows + crop_from_image[1, 2]
    hidden = image.copy()
    hidden[level > edge] = _CLOTH
    return hidden, inside[:, 1] > edge


def heat(head: HeadModel, alignment: Alignment, picture: Picture, crop: Crop) -> Picture:
    """Return a crop (S, S, 3) with the face coloured by sigma, blue where sure and red where not.

    The colour is that of the logarithm of sigma in widths of the crop.
    """
    regions = [i for i, name in enumerate(head.region_names) if name in _FACE]
    triangles = head.triangles
    drawn = np.flatnonzero(np.isin(head.region[triangles], regions).all(axis=1))
    crop_from_image = np.linalg.inv(crop.image_from_crop)
    points = alignment.points_px @ crop_from_image[:2, :2].T + crop_from_image[:2, 2]
    scale = float(np.sqrt(abs(np.linalg.det(crop_from_image[:2, :2])))) / crop.size_px
    level = np.log(alignment.sigma_px * scale / _SMALL) / np.log(_LARGE / _SMALL)
    side = crop.size_px
    seen = cover(points, head.neutral[:, 2], triangles, drawn, (side, side))
    on_face = seen.triangle >= 0
    value = (level[triangles[seen.triangle[on_face]]] * seen.weights[on_face]).sum(axis=1)
    shade = np.zeros((side * side, 1), np.uint8)
    shade[on_face, 0] = np.round(255 * value.clip(0, 1)).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(shade, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    result = picture.reshape(-1, 3).astype(np.float32)
    result[on_face] = 0.35 * result[on_face] + 0.65 * colours.reshape(-1, 3)[on_face]
    return result.astype(np.uint8).reshape(picture.shape)


def _in_crop(
    head: HeadModel, alignment: Alignment, truth_px: Array, crop: Crop
) -> tuple[Array, Array, Array]:
    """Return landmarks, truth (478, 2) and sigma (478,) in crop px."""
    crop_from_image = np.linalg.inv(crop.image_from_crop)
    linear, shift = crop_from_image[:2, :2], crop_from_image[:2, 2]
    points, sigma = read_landmarks(head, alignment)
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    return points @ linear.T + shift, truth_px @ linear.T + shift, sigma * scale


def _tile(picture: Picture) -> Picture:
    return np.asarray(
        cv2.resize(picture, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA), np.uint8
    )
