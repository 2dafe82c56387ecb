"""Batches, made on the fly from packs. A batch is a function of the seed and its step alone."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.network.crop import cut
from engine.training.augment import AugmentSettings, degrade, random_crop, window
from engine.training.packs import Pack
from engine.types import Array

_LANDMARKS = 478


@dataclass(frozen=True, eq=False)
class Batch:
    """B crops. A sample has vertex labels or landmark labels; the other kind has weight zero."""

    image: Tensor  # (B, 3, S, S) sRGB 0..1
    points: Tensor  # (B, V, 2) crop px
    point_weight: Tensor  # (B, V) 1 where seen, less where hidden
    landmarks: Tensor  # (B, 478, 2) crop px
    landmark_weight: Tensor  # (B, 478) less where the teacher disagrees with itself

    def to(self, device: str) -> Batch:
        """Move every tensor."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class BatchMaker:
    """Draws from packs by share, crops, mirrors and degrades.

    packs          what to draw from; landmark packs contribute their training split only
    shares         relative frequency of every pack
    hidden_weight  weight of a vertex that the camera does not see
    """

    def __init__(
        self,
        head: OpenHead,
        packs: list[Pack],
        shares: list[float],
        side_px: int,
        settings: AugmentSettings,
        hidden_weight: float = 0.15,
    ) -> None:
        self._head, self._packs, self._side_px = head, packs, side_px
        self._settings, self._hidden_weight = settings, hidden_weight
        self._usable = [np.flatnonzero(~pack.validation) for pack in packs]
        self._shares = np.array(shares) / np.sum(shares)
        self._mirror_vertices = mirror_of_vertices(head)

    def make(self, seed: int, step: int, size: int) -> Batch:
        """Return batch number `step`; the same arguments give the same batch."""
        rng = np.random.default_rng((seed, step))
        samples = [self._sample(rng) for _ in range(size)]
        return _stack(samples, len(self._head.neutral))

    def _sample(self, rng: np.random.Generator) -> Sample:
        which = int(rng.choice(len(self._packs), p=self._shares))
        pack = self._packs[which]
        index = int(rng.choice(self._usable[which]))
        labels = pack.points_px(index)
        marks = labels if pack.visible is None else landmarks(self._head, labels)
        crop = random_crop(marks, self._side_px, rng, self._settings)
        picture = degrade(window(pack.image(index), crop, rng), rng, self._settings)
        labels = _to_crop(crop.image_from_crop, labels)
        if pack.spread is not None:
            weight, mirror = 1.0 / (1.0 + pack.spread[index] ** 2), pack.mirror
        else:
            weight = np.where(pack.seen(index), 1.0, self._hidden_weight)
            mirror = self._mirror_vertices
        if mirror is not None and rng.random() < self._settings.mirror:
            picture = np.ascontiguousarray(picture[:, ::-1])
            labels, weight = _flip(labels, self._side_px)[mirror], weight[mirror]
        return Sample(picture, labels, weight.astype(np.float32))


@dataclass(frozen=True, eq=False)
class Sample:
    """One crop with the labels of its stream: V vertices or 478 landmarks."""

    picture: NDArray[np.uint8]  # (S, S, 3)
    labels: Array  # (V or 478, 2) crop px
    weight: Array  # (V or 478,)


def validation_crops(
    pack: Pack, head: OpenHead, side_px: int, limit: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return undisturbed crops of a pack's validation images (all, if none is marked).

    returns  (N, 3, S, S) sRGB 0..1; labels (N, V or 478, 2) crop px
    """
    chosen = np.flatnonzero(pack.validation) if pack.validation.any() else np.arange(len(pack))
    calm = AugmentSettings(roll_sd_rad=0.0, scale_sd=0.0, shift_sd=0.0)
    rng = np.random.default_rng(0)
    pictures, labels = [], []
    for index in chosen[:limit]:
        points = pack.points_px(int(index))
        marks = points if pack.visible is None else landmarks(head, points)
        crop = random_crop(marks, side_px, rng, calm)
        pictures.append(cut(pack.image(int(index)), crop))
        labels.append(_to_crop(crop.image_from_crop, points))
    return _to_tensor(pictures), torch.from_numpy(np.stack(labels))


def mirror_of_vertices(head: OpenHead) -> NDArray[np.int64]:
    """Return the permutation (V,) that pairs every vertex with its reflection in x = 0.

    Raises ValueError if the head is not symmetric.
    """
    from scipy.spatial import KDTree

    reflected = head.neutral * np.array([-1.0, 1.0, 1.0], np.float32)
    _, index = KDTree(head.neutral).query(reflected)
    permutation = np.asarray(index, np.int64)
    if not np.array_equal(permutation[permutation], np.arange(len(permutation))):
        raise ValueError(f"head {head.name}: vertices do not pair up under reflection")
    return permutation


def _flip(points: Array, width: int) -> Array:
    return np.stack([width - points[:, 0], points[:, 1]], axis=1)


def _to_crop(image_from_crop: Array, points: Array) -> Array:
    crop_from_image = np.linalg.inv(image_from_crop)
    moved = points @ crop_from_image[:2, :2].T + crop_from_image[:2, 2]
    return moved.astype(np.float32)


def _to_tensor(pictures: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().div_(255.0)


def _stack(samples: list[Sample], vertices: int) -> Batch:
    points = np.zeros((len(samples), vertices, 2), np.float32)
    marks = np.zeros((len(samples), _LANDMARKS, 2), np.float32)
    point_weight, mark_weight = points[..., 0].copy(), marks[..., 0].copy()
    for i, sample in enumerate(samples):
        of_vertices = len(sample.labels) == vertices
        labels, weight = (points, point_weight) if of_vertices else (marks, mark_weight)
        labels[i], weight[i] = sample.labels, sample.weight
    return Batch(
        _to_tensor([sample.picture for sample in samples]),
        *(torch.from_numpy(array) for array in (points, point_weight, marks, mark_weight)),
    )
