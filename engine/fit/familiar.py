"""Whom to follow: the person who was followed, known by their looks, until another may be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.clock import NS_PER_S
from engine.fit.fitted import Fitted
from engine.fit.likeness import Likeness, Looks, likeness, looks_of
from engine.fit.sampling import vertex_normals
from engine.fit.search import Detected
from engine.fit.settings import LikenessSettings
from engine.fit.solver import Solver
from engine.types import Array, Frame

_THUMBNAIL = (48, 36)  # pixels that are looked at, across and down


class Familiar:
    """Keeps the tracker with one person.

    A face that is followed is let go after some frames in a row in which it looks like somebody
    else's, unless it came to look so by and by: on a head that turns, even behind glasses that
    begin to reflect, little changes between two frames, and it moves as the picture does; not so
    where somebody takes another's place. While searching, strangers are refused until the person
    has been away for long, or the whole picture has changed: then anyone is welcome, as a new
    person if they look like one.
    """

    def __init__(self, solver: Solver, settings: LikenessSettings) -> None:
        self._settings = settings
        self._likeness = Likeness(settings)
        # Eyeballs move under their vertices; of the others only what the face shows counts.
        face = np.isin(solver.chosen.vertex, solver.face)
        face[np.concatenate(solver.chosen.eyeballs)] = False
        self._rows = np.flatnonzero(face)
        self._vertex = solver.chosen.vertex[self._rows]
        head = solver.head
        self._normals = vertex_normals(head.neutral, head.triangles)[self._vertex]
        self._thumbnail: Array | None = None
        self._frame_ns: int | None = None
        self._seen_ns: int | None = None  # the person, not a stranger
        self._place: tuple[Array, float] | None = None  # middle and size then
        self._strange = 0  # frames in a row
        self._view: Array | None = None  # where the camera was then, seen from the head
        self._open = True  # to anyone
        self._unbroken = False  # followed from where it surely was the person
        self._looks: Looks | None = None
        self._before: Looks | None = None  # of the face that was followed, in the last frame
        self._alike: float | None = None  # None: nothing can be said
        self.afresh = False  # the past says nothing of this frame

    def begin(self, frame: Frame) -> None:
        """Look at a frame as a whole, before any face in it."""
        settings, now = self._settings, frame.captured_ns
        thumbnail = _thumbnail(frame.image)
        before, self._thumbnail = self._thumbnail, thumbnail
        cut = before is not None and (
            before.shape != thumbnail.shape
            or bool(np.abs(before - thumbnail).mean() > settings.cut_levels)
        )
        since_ns = 0 if self._frame_ns is None else now - self._frame_ns
        self._frame_ns = now
        self.afresh = cut or not 0 <= since_ns <= settings.afresh_after_s * NS_PER_S
        away_ns = 0 if self._seen_ns is None else now - self._seen_ns
        if cut or not 0 <= away_ns <= settings.patience_s * NS_PER_S:
            self._open = True

    def keeps(self, fitted: Fitted) -> bool:
        """Return whether to go on with a face that was followed into this frame."""
        self._judge(fitted)
        self._unbroken = self._unbroken and self._goes_on(fitted)
        if self._open or (self._looks is not None and not self.strange):
            self._strange = 0
        elif self.strange:
            self._strange += 1
        return self._strange < self._settings.strange_frames

    def welcomes(self, fitted: Fitted) -> bool:
        """Return whether to follow a face that was found."""
        self._judge(fitted)
        self._strange, self._unbroken = 0, False
        if self._open or self._alike is None:
            return True
        settings, view = self._settings, self._view
        known = view is not None and _angle(view, _view_of(fitted)) <= settings.same_view_rad
        return self._alike >= (settings.same_above if known else settings.stranger_below)

    @property
    def strange(self) -> bool:
        """Whether the last face looks like somebody else's, and did not come to look so."""
        unlike = self._alike is not None and self._alike < self._settings.stranger_below
        return unlike and not self._unbroken

    def met(self, fitted: Fitted) -> bool:
        """Remember the face that is followed now; True if it is a new person's."""
        new = self.strange and self._open
        if self.strange and not new:
            return False
        if new:
            self._likeness.forget()
        self._before = self._looks
        if self._looks is not None:
            self._open = False
            sure = self._alike is None or self._alike >= self._settings.same_above
            self._unbroken = self._unbroken or sure
            if new or self._unbroken:
                self._likeness.learn(self._looks)
        self._seen_ns = fitted.captured_ns
        # By coordinate: reductions along the rows' axis are slow.
        points = np.ascontiguousarray(fitted.points_px[self._vertex].T)
        self._place = points.mean(axis=1), float(np.ptp(points, axis=1).max())
        self._view = _view_of(fitted)
        return new

    def nearest_first(self, faces: Sequence[Detected]) -> Sequence[Detected]:
        """Return faces by how near they are to where the person was, in place and size."""
        place = self._place
        if self._open or place is None or not self._likeness.known:
            return faces
        middle, size_px = place

        def away(face: Detected) -> float:
            low, high = face.box_px[:2], face.box_px[2:]
            grown = np.log(max(float((high - low).max()), 1.0) / size_px)
            off = (low + high) / 2 - middle
            return float(np.hypot(off[0], off[1])) / size_px + abs(float(grown))

        return sorted(faces, key=away)

    def _goes_on(self, fitted: Fitted) -> bool:
        """Return whether a face moved with the picture, and looks as in the last frame."""
        if fitted.refuted > self._settings.most_refuted:
            return False
        if self._looks is None or self._before is None:
            return True
        return likeness(self._before, self._looks) >= self._settings.next_above

    def _judge(self, fitted: Fitted) -> None:
        self._looks = self._alike = None
        quality, settings = fitted.quality, self._settings
        if quality.facing_cosine < settings.least_facing:
            return
        # Something before a face makes it look strange, and the network unsure.
        if quality.sigma_share > settings.most_sigma_share:
            return
        measured = fitted.measurement
        sigma = np.where(measured.information > 0, measured.sigma, np.inf)
        self._looks = looks_of(
            fitted.image,
            fitted.points_px[self._vertex],
            sigma[self._rows],
            self._normals,
            fitted.state.camera_from_head,
            settings,
        )
        if self._looks is not None and self._likeness.known:
            self._alike = self._likeness.of(self._looks)


def _view_of(fitted: Fitted) -> Array:
    """Return the direction from the head to the camera, in the head's axes."""
    camera_from_head = fitted.state.camera_from_head
    return -camera_from_head[:3, :3].T @ camera_from_head[:3, 3]


def _angle(one: Array, other: Array) -> float:
    cosine = one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _thumbnail(image: NDArray[np.uint8]) -> Array:
    """Return some of the picture's green pixels as a small picture, at next to no cost."""
    down, across = (max(1, n // m) for n, m in zip(image.shape[:2], _THUMBNAIL[::-1], strict=True))
    return image[::down, ::across, 1].astype(np.float32)
