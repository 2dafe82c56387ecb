"""Where the fitted vertices went since the last frame: optical flow as a second measurement.

Flow says how a point moved to a tenth of a pixel where the picture has texture, but not where the
point is; the alignment says where, with an error that is much the same in the next frame. So every
vertex has a filter of its own, after Kalman: the last frame's fit is carried along the flow, its
variance grows by the flow's, and the alignment corrects it by as much as it is worth.

Flow is not believed where it disagrees with its reverse (something came in front), nor where the
alignment itself has moved otherwise by more than it usually errs from frame to frame: flow is drawn
to its surroundings, so that it falls short of lids and lips. There the alignment's own step counts.
Source: Kroeger et al. 2016, Fast optical flow using dense inverse search (as in OpenCV).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import HeadModel
from engine.fit.residuals import Carried, Measurement
from engine.fit.sampling import FitVertices
from engine.fit.settings import MotionSettings
from engine.fit.skinning import JAW
from engine.types import Array

Picture = NDArray[np.uint8]

_PATCH = (9, 9)
_WITH_THE_JAW, _TOUCHED_BY_THE_JAW = 0.3, 0.03  # skin weight
_WITH_A_LID_M = 0.002  # travel in a whole blink
_SMALLEST_PX = 32  # of a window's side: the search's patches need room
# Steps of the search. Twice as many move a point by 0.01 px on average.
_DESCENT, _SMOOTHING = 8, 3


@dataclass(frozen=True, eq=False)
class Displacement:
    """How N points moved between two pictures, and how sure that is."""

    shift_px: Array  # (N, 2); 0 where nothing is known
    sigma_px: Array  # (N,) standard deviation in x and in y; inf where nothing is known


@dataclass(frozen=True, eq=False)
class Fields:
    """Flow both ways between two pictures of a window, pixels of the window."""

    corner_px: Array  # (2,) of the window in the image
    scale: float  # window pixels per image pixel
    forward: Array  # (h, w, 2)
    backward: Array  # (h, w, 2)
    slope: Array  # (h / 2, w / 2) root mean square slope of the first picture about a pixel


class FlowMeter:
    """Measures displacements by dense inverse search; keeps the search's working memory."""

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._search.setGradientDescentIterations(_DESCENT)
        self._search.setVariationalRefinementIterations(_SMOOTHING)

    def between(
        self, before: Picture, now: Picture, points_px: Array, outline_px: Array
    ) -> Displacement | None:
        """Measure how points moved from one picture to the next.

        before, now  (H, W, 3) RGB
        points_px    (N, 2) places in `before`
        outline_px   (M, 2) points of `before` that the window is laid around
        returns      None if the pictures have little in common there: a cut, or too fast a motion
        """
        fields = self.fields(before, now, outline_px)
        return None if fields is None else displaced(fields, points_px, self._settings)

    def fields(self, before: Picture, now: Picture, outline_px: Array) -> Fields | None:
        """Return the flow in the window around points (M, 2); None if it shows too little."""
        if before.shape != now.shape:
            return None
        low, high = outline_px.min(axis=0), outline_px.max(axis=0)
        extra = self._settings.margin * float((high - low).max())
        size = np.array([now.shape[1], now.shape[0]])
        low = np.clip(np.floor(low - extra), 0, size).astype(np.intp)
        high = np.clip(np.ceil(high + extra), 0, size).astype(np.intp)
        if (high - low).min() < _SMALLEST_PX:
            return None
        scale = min(self._settings.enlarge, self._settings.side_px / int((high - low).max()))
        first, second = (_window(image, low, high, scale) for image in (before, now))
        return Fields(
            low,
            scale,
            self._flow(first, second),
            self._flow(second, first),
            _slope(first),
        )

    def _flow(self, first: Picture, second: Picture) -> Array:
        return np.asarray(
            self._search.calc(first, second, None)  # pyright: ignore[reportCallIssue,reportArgumentType]
        )


def displaced(fields: Fields, points_px: Array, settings: MotionSettings) -> Displacement | None:
    """Read displacements of image points (N, 2) off the flow; None if most are not known."""
    # OpenCV puts pixel centres at integers, we put them at +0.5.
    at = ((points_px - fields.corner_px) * fields.scale - 0.5).astype(np.float32)
    shift = _sampled(fields.forward, at)
    there = at + shift
    back = _sampled(fields.backward, there)
    apart = np.hypot(*(shift + back).T)
    last = np.array(fields.forward.shape[1::-1]) - 1
    # By coordinate: reductions along the rows' axis are slow.
    inside = np.logical_and(
        *(
            (p >= 0) & (p <= m) & (q >= 0) & (q <= m)
            for p, q, m in zip(at.T, there.T, last, strict=True)
        )
    )
    textured = _sampled(fields.slope, at / 2 - 0.25) > settings.least_slope
    good = inside & textured & (apart < settings.disagree_px)
    if good.mean() < settings.least_share:
        return None
    sigma = np.hypot(settings.sigma_px, apart) / fields.scale
    # The search shrinks what is noisy, by up to 0.6e-4 a frame, both ways alike: a still head would
    # drift away from the camera. The mean of forth and reversed back has no such bias.
    shift = (shift - back) / 2
    return Displacement(
        np.where(good[:, None], shift / fields.scale, 0.0), np.where(good, sigma, np.inf)
    )


class Shares:
    """What each fitted vertex counts when it is carried: less at mouth and jaw, on eyeballs, and at
    an eye that the network only guesses.

    usual  (N,) shares where both eyes are seen alike
    lids   rows of the vertices that go with the left, with the right upper lid
    parts  rows of vertices that move together, see `carried`

    Flow hardly sees a blink. Where the alignment sees it no better, nothing would refute the flow,
    and the lid would stay where it was instead of doing what the other eye's does.
    """

    def __init__(self, head: HeadModel, chosen: FitVertices, settings: MotionSettings) -> None:
        mouth = [n for n, name in enumerate(head.region_names) if name == "mouth"]
        moving = np.isin(head.region[chosen.vertex], mouth) | (chosen.skin[:, JAW] > _WITH_THE_JAW)
        self.usual = chosen.information * np.where(moving, settings.jaw_share, 1.0)
        self.usual[np.concatenate(chosen.eyeballs)] *= settings.eyeball_share
        blinks = [head.expression_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]
        travel = np.linalg.norm(chosen.expression[:, :, blinks], axis=1)
        self.lids = [np.flatnonzero(travel[:, eye] > _WITH_A_LID_M) for eye in range(2)]
        touched = moving | (chosen.skin[:, JAW] > _TOUCHED_BY_THE_JAW)
        self.parts = np.flatnonzero(touched), np.arange(len(touched))

    def of(self, now: Measurement) -> Array:
        """Return the shares (N,) for a frame whose alignment is `now`."""
        result = self.usual.copy()
        seen = [float((now.information[lid] / now.sigma[lid] ** 2).sum()) for lid in self.lids]
        for lid, information in zip(self.lids, seen, strict=True):
            result[lid] *= information / max(*seen, 1e-12)
        return result


def carried(
    places_px: Array,
    spread_px2: Array,
    moved: Displacement,
    seen: tuple[Measurement, Measurement],
    share: Array,
    settings: MotionSettings,
    parts: tuple[NDArray[np.intp], ...] = (),
) -> Carried:
    """Carry the last frame's fit along: where its vertices should be now, and how sure that is.

    places_px   (N, 2) where the last frame's fit put them
    spread_px2  (N,) its variance, from `spread_after`
    moved       what the flow says
    seen        the alignments of the last and of this frame
    share       (N,) what a vertex counts, from `Shares`
    parts       rows of vertices that move together, with the jaw or with the head: flow that is
                refuted at most of them is believed at none
    """
    before, now = seen
    both = (before.information > 0) & (now.information > 0)
    usual = settings.step_sigma_share**2 * (before.sigma**2 + now.sigma**2) / 2
    step = now.points - before.points
    apart = (step - moved.shift_px) ** 2
    excess = np.maximum(0.0, apart[:, 0] + apart[:, 1] - settings.free * usual)
    compared = both & np.isfinite(moved.sigma_px)
    excess = np.where(compared, excess, 0.0)
    by_flow = 1.0 / (moved.sigma_px**2 + excess)
    refuted = np.where(np.isfinite(moved.sigma_px), excess / (excess + usual), 1.0)
    by_step = np.where(both, settings.steps * refuted / usual, 0.0)
    total = by_flow + by_step
    known = total > 0
    total = np.where(known, total, 1.0)
    shift = (by_flow[:, None] * moved.shift_px + by_step[:, None] * step) / total[:, None]
    believed = np.where(known, share, 0.0)
    for part in parts:
        told = part[compared[part]]
        if len(told):
            believed[part] *= _falling(float(refuted[told].mean()), *settings.part_refuted)
    return Carried(
        places_px + shift,
        np.sqrt(spread_px2 + 1.0 / total + settings.renew * excess),
        settings.weight * settings.alike_frames * believed,
        float(refuted[compared].mean()) if compared.any() else 1.0,
    )


def _falling(value: float, begins: float, ends: float) -> float:
    return min(max((ends - value) / (ends - begins), 0.0), 1.0)


def spread_after(motion: Carried | None, now: Measurement, settings: MotionSettings) -> Array:
    """Return the variance (N,) px^2 of a frame's fit: what was carried over, and the alignment.

    Alignments of successive frames err alike: it takes `alike_frames` to learn something new.
    """
    here = settings.alike_frames * now.sigma**2
    if motion is None:
        return here
    before = np.where(motion.information > 0, motion.sigma**2, np.inf)
    return 1.0 / (1.0 / before + 1.0 / here)


def _window(image: Picture, low: NDArray[np.intp], high: NDArray[np.intp], scale: float) -> Picture:
    grey = cv2.cvtColor(image[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    grey = cv2.resize(grey, size, interpolation=how)
    return np.asarray(grey, np.uint8)


def _slope(grey: Picture) -> Array:
    """Return it at half the size, per pixel of the picture at its whole size."""
    half = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
    down, right = (cv2.Sobel(half, cv2.CV_32F, x, 1 - x, scale=1 / 16) for x in (0, 1))
    return np.sqrt(np.maximum(cv2.blur(down * down + right * right, _PATCH), 0.0))


def _sampled(field: Array, at: Array) -> Array:
    """Read a field (h, w, ...) at places (N, 2)."""
    found = cv2.remap(
        field, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found)[0]
