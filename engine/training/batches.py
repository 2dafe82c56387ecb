"""Batches, made on the fly from packs. A batch is a function of the seed and its step alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.fit.residuals import EXPRESSION_START
from engine.fit.symmetry import mirror_of_vertices
from engine.network.crop import cut
from engine.training.augment import AugmentSettings, random_crop, scene, sensor, window
from engine.training.fit_view import FitLinear, FitView
from engine.training.packs import Pack
from engine.training.render.ring import RenderedStream
from engine.types import Array, Crop

_LANDMARKS = 478


Drawn: TypeAlias = Pack | RenderedStream  # what pictures are drawn from


@dataclass(frozen=True, eq=False)
class Batch:
    """B = 2 P crops: P first views, then in the same order P second views of the same faces.

    A sample has vertex labels or landmark labels; the other kind has weight zero.
    """

    image: Tensor  # (B, 3, S, S) sRGB 0..1
    points: Tensor  # (B, V, 2) crop px
    point_weight: Tensor  # (B, V) 1 where seen, less where hidden
    landmarks: Tensor  # (B, 478, 2) crop px
    landmark_weight: Tensor  # (B, 478) less where the teacher disagrees with itself
    identity: Tensor  # (B, K) coefficients of the head model
    identity_weight: Tensor  # (B,) 0 where they are not known
    expression: Tensor  # (B, E)
    expression_weight: Tensor  # (B,)
    fit_vertex: Tensor  # (B, N) vertices that the fit reads, see fit_view.py
    fit_jacobian: Tensor  # (B, N, 2, P) crop px by its unknowns
    fit_information: Tensor  # (B, N) 0 where the picture's truth is not known to the fit
    second_from_first: Tensor  # (P, 2, 3) from px of a first crop to px of its second

    @property
    def pairs(self) -> int:
        """P."""
        return len(self.second_from_first)

    def part(self, samples: slice) -> Batch:
        """Return some of the crops, without their pairs."""
        one = {f.name: getattr(self, f.name)[samples] for f in fields(self)[:-1]}
        return Batch(**one, second_from_first=self.second_from_first[:0])

    def pin_memory(self) -> Batch:
        """Return the batch in memory from which a card copies by itself (for DataLoader)."""
        return Batch(*(getattr(self, f.name).pin_memory() for f in fields(self)))

    def to(self, device: str) -> Batch:
        """Move every tensor."""
        return Batch(*(getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)))


@dataclass(frozen=True)
class PairSettings:
    """How the second view of a face differs: as the next frame of a camera, or a little more."""

    still_share: float = 0.5  # of pairs that move by less than a pixel
    shift_sd_px: float = 3.0  # of the others
    roll_sd_rad: float = 0.03
    scale_sd: float = 0.02  # of the logarithm
    same_light: float = 0.6  # share with one light and lens, noise and compression alone anew


class BatchMaker:
    """Draws from packs by share, crops, mirrors and degrades, every picture twice.

    packs          what to draw from; landmark packs contribute their training split only
    shares         relative frequency of every pack
    hidden_weight  weight of a label that the camera does not see
    covered_weight of one behind what augmentation put before the face: the rest tells where it is
    fit            linearises the fit at the truth; without one, batches say nothing of it
    """

    def __init__(
        self,
        head: OpenHead,
        packs: Sequence[Drawn],
        shares: list[float],
        side_px: int,
        settings: AugmentSettings,
        pair: PairSettings | None = None,
        hidden_weight: float = 0.15,
        covered_weight: float = 0.3,
        fit: FitLinear | None = None,
    ) -> None:
        self._head, self._packs, self._side_px = head, packs, side_px
        self._settings = settings
        self._hidden_weight, self._covered_weight = hidden_weight, covered_weight
        self._pair = pair or PairSettings()
        self._usable = [np.flatnonzero(~pack.validation) for pack in packs]
        self._shares = np.array(shares) / np.sum(shares)
        self._mirror, self._fit = Mirror(head), fit

    def make(self, seed: int, step: int, pairs: int) -> Batch:
        """Return batch number `step`; the same arguments give the same batch."""
        rng = np.random.default_rng((seed, step))
        drawn = [self._sample(rng) for _ in range(pairs)]
        samples = [first for first, _, _ in drawn] + [second for _, second, _ in drawn]
        moves = np.stack([move for _, _, move in drawn]).astype(np.float32)
        return _stack(samples, self._head, moves)

    def _sample(self, rng: np.random.Generator) -> tuple[Sample, Sample, Array]:
        which = int(rng.choice(len(self._packs), p=self._shares))
        pack = self._packs[which]
        index = int(rng.choice(self._usable[which]))
        labels = pack.points_px(index)
        marks = labels if pack.visible is None else landmarks(self._head, labels)
        first = random_crop(marks, self._side_px, rng, self._settings)
        second = nudged(first, rng, self._pair)
        move = np.linalg.inv(second.image_from_crop) @ first.image_from_crop
        if pack.spread is not None:
            weight, mirror = 1.0 / (1.0 + pack.spread[index] ** 2), pack.mirror
        else:
            weight = np.where(pack.seen(index), 1.0, self._hidden_weight)
            mirror = self._mirror.vertices
        flip = mirror if mirror is not None and rng.random() < self._settings.mirror else None
        if flip is not None:
            across = np.array([[-1.0, 0, self._side_px], [0, 1, 0], [0, 0, 1]])
            move = across @ move @ across
        image, seed = pack.image(index), int(rng.integers(1 << 62))
        same_light = rng.random() < self._pair.same_light
        identity, expression = self._mirror.coefficients(pack, index, flip is not None)
        fit = self._fit_view(pack, index)
        views: list[Sample] = []
        for crop in (first, second):
            same = np.random.default_rng(seed)  # one scene, two pictures of it
            seen = window(image, crop, same)
            here = _to_crop(crop.image_from_crop, labels)
            marks_here = _to_crop(crop.image_from_crop, marks)
            picture, covered = scene(seen, same, self._settings, marks_here)
            if same_light:
                picture = _fresh_noise(sensor(picture, same, self._settings), rng)
            else:
                picture = sensor(picture, rng, self._settings)
            shown = np.where(_at(covered, here), weight * self._covered_weight, weight)
            if flip is not None:
                picture = np.ascontiguousarray(picture[:, ::-1])
                here, shown = _flip(here, self._side_px)[flip], shown[flip]
            shown = shown.astype(np.float32)
            crop_fit = fit and self._fit_in_crop(fit, crop.image_from_crop, flip)
            views.append(Sample(picture, here, shown, identity, expression, crop_fit))
        return views[0], views[1], move[:2]

    def _fit_view(self, pack: Drawn, index: int) -> FitView | None:
        """Return how the fit reads an image, None where the truth is not known."""
        states = pack.camera_from_head, pack.expression, pack.gaze
        if self._fit is None or pack.visible is None or any(state is None for state in states):
            return None
        known = [state[index] for state in states if state is not None]
        identity = None if pack.identity is None else pack.identity[index]
        return self._fit.at(pack.points_px(index), known[0], known[1], known[2], identity)

    def _fit_in_crop(
        self, fit: FitView, image_from_crop: Array, flip: NDArray[np.int64] | None
    ) -> FitView:
        """Return the fit of a crop; of a mirrored one with the shapes of the other side."""
        turn = np.linalg.inv(image_from_crop)[:2, :2].astype(np.float32)
        if flip is None:
            return fit._replace(jacobian=np.einsum("ij,njp->nip", turn, fit.jacobian))
        turned = np.einsum(
            "ij,njp->nip", np.diag([-1.0, 1.0]).astype(np.float32) @ turn, fit.jacobian
        )
        shapes = EXPRESSION_START + np.array(self._mirror.shapes)
        turned[..., EXPRESSION_START:] = turned[..., shapes]
        return fit._replace(vertex=flip[fit.vertex], jacobian=turned)


@dataclass(frozen=True, eq=False)
class Sample:
    """One crop with the labels of its stream: V vertices or 478 landmarks."""

    picture: NDArray[np.uint8]  # (S, S, 3)
    labels: Array  # (V or 478, 2) crop px
    weight: Array  # (V or 478,)
    identity: Array | None  # (K,)
    expression: Array | None  # (E,)
    fit: FitView | None = None  # in crop px


class Mirror:
    """What a left-right flip of the picture does to the labels of the head model."""

    def __init__(self, head: OpenHead) -> None:
        self.vertices = mirror_of_vertices(head)
        names = list(head.expression_names)
        self.shapes = [names.index(_other_side(name)) for name in names]
        # A mirrored person in the identity basis, as nearly as it can say.
        basis = head.identity_basis.astype(np.float64).reshape(len(head.identity_basis), -1)
        mirrored = head.identity_basis[:, self.vertices] * np.array([-1.0, 1.0, 1.0])
        self._identity = np.linalg.lstsq(
            basis @ basis.T, basis @ mirrored.reshape(basis.shape).T, rcond=None
        )[0]

    def coefficients(
        self, pack: Drawn, index: int, flipped: bool
    ) -> tuple[Array | None, Array | None]:
        """Return identity (K,) and expression (E,) of an image, None where the pack has none."""
        identity = None if pack.identity is None else pack.identity[index]
        expression = None if pack.expression is None else pack.expression[index]
        if flipped:
            identity = None if identity is None else self._identity @ identity
            expression = None if expression is None else expression[self.shapes]
        return identity, expression


def _other_side(name: str) -> str:
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


def nudged(crop: Crop, rng: np.random.Generator, settings: PairSettings) -> Crop:
    """Return the window of the next frame: moved by a fraction of a pixel, or by a little more."""
    half = crop.size_px / 2
    if rng.random() < settings.still_share:
        shift, roll, scale = rng.uniform(-1.0, 1.0, 2), 0.0, 1.0
    else:
        shift = rng.normal(0.0, settings.shift_sd_px, 2)
        roll = rng.normal(0.0, settings.roll_sd_rad)
        scale = np.exp(rng.normal(0.0, settings.scale_sd))
    turn = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    move = np.eye(3)
    move[:2, :2], move[:2, 2] = turn, half + shift - turn @ (half, half)
    return Crop(crop.image_from_crop @ move, crop.size_px)


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


def _flip(points: Array, width: int) -> Array:
    return np.stack([width - points[:, 0], points[:, 1]], axis=1)


def _to_crop(image_from_crop: Array, points: Array) -> Array:
    crop_from_image = np.linalg.inv(image_from_crop)
    moved = points @ crop_from_image[:2, :2].T + crop_from_image[:2, 2]
    return moved.astype(np.float32)


def _to_tensor(pictures: list[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float().div_(255.0)


def _fresh_noise(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    noise = rng.standard_normal(picture.shape, np.float32) * rng.uniform(0.3, 4.0)
    noisy = (picture + noise).clip(0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 98))]
    decoded = cv2.imdecode(cv2.imencode(".jpg", noisy, quality)[1], cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8)


def _at(mask: NDArray[np.bool_], points: Array) -> NDArray[np.bool_]:
    """Return what a mask (S, S) says at points (N, 2) px; False outside."""
    x, y = np.floor(points).astype(np.intp).T
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    return inside & mask[y.clip(0, mask.shape[0] - 1), x.clip(0, mask.shape[1] - 1)]


def _stack(samples: list[Sample], head: OpenHead, moves: Array) -> Batch:
    count, vertices = len(samples), len(head.neutral)
    points = np.zeros((count, vertices, 2), np.float32)
    marks = np.zeros((count, _LANDMARKS, 2), np.float32)
    point_weight, mark_weight = points[..., 0].copy(), marks[..., 0].copy()
    identity = np.zeros((count, len(head.identity_basis)), np.float32)
    expression = np.zeros((count, len(head.expression_basis)), np.float32)
    known = np.zeros((2, count), np.float32)
    for i, sample in enumerate(samples):
        of_vertices = len(sample.labels) == vertices
        labels, weight = (points, point_weight) if of_vertices else (marks, mark_weight)
        labels[i], weight[i] = sample.labels, sample.weight
        for row, values, given in (
            (0, identity, sample.identity), (1, expression, sample.expression),
        ):  # fmt: skip
            if given is not None:
                values[i], known[row, i] = given, 1.0
    arrays = (points, point_weight, marks, mark_weight, identity, known[0], expression, known[1])
    return Batch(
        _to_tensor([sample.picture for sample in samples]),
        *(torch.from_numpy(array) for array in (*arrays, *_fit_views(samples), moves)),
    )


def _fit_views(samples: list[Sample]) -> FitView:
    """Stack what the fit reads; a sample without it has no information."""
    known = [sample.fit for sample in samples]
    like = next((view for view in known if view is not None), None)
    size, unknowns = (0, 0) if like is None else like.jacobian.shape[::2]
    nothing = FitView(
        np.zeros(size, np.int64),
        np.zeros((size, 2, unknowns), np.float32),
        np.zeros(size, np.float32),
    )
    return FitView(*(np.stack(part) for part in zip(*(v or nothing for v in known), strict=True)))
