"""People of the development clips, put into pictures where everybody's place is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.evaluation.datasets import clips
from engine.evaluation.datasets.drawn import grained
from engine.evaluation.regions import MESH_POINTS
from engine.geometry import transform_points
from engine.types import Array

Image = NDArray[np.uint8]
RATE = 25.0  # shots a second
SIZE_PX = (640, 480)  # width, height
_LONGEST = 100  # frames of a clip; it is played forwards and backwards
_FEATHER_PX = 2.0  # of a person that is cut out


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture of a scene and what is true of it."""

    image: Image  # (H, W, 3) RGB
    time_s: float
    faces: dict[str, Array]  # landmarks (478, 2) of everybody in view, hidden or not
    wanted: str | None  # whom to track; None: nobody may be tracked
    must: bool = True  # False: the wanted one may be tracked or lost, but nothing else
    covered: NDArray[np.bool_] | None = None  # (478,) landmarks with something before them


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What happens, under a name; `shots` starts it afresh, `clean` the same without trouble."""

    name: str
    shots: Callable[[], Iterator[Shot]]
    clean: Callable[[], Iterator[Shot]] | None = None
    stranger: tuple[str, str] | None = None  # who is tracked first, and whom a cut shows


@dataclass(frozen=True, eq=False)
class Actor:
    """Somebody in a clip. T frames, played forwards and backwards without end."""

    name: str
    images: list[Image]
    landmarks_px: Array  # (T, 478, 2)
    _mattes: dict[int, Array] = field(default_factory=dict[int, Array])

    def row(self, moment: int) -> int:
        """Return the frame that is on at a moment."""
        last = len(self.images) - 1
        return last - abs(moment % (2 * last) - last)

    @property
    def middle_px(self) -> Array:
        """The middle of the face's box over the clip, (2,): a fixed place, so the head may move."""
        mesh = self.landmarks_px[:, :MESH_POINTS]
        return ((mesh.min(axis=1) + mesh.max(axis=1)) / 2).mean(axis=0)

    @property
    def height_px(self) -> float:
        """Mean height of the box of the face's landmarks."""
        return float(np.ptp(self.landmarks_px[:, :MESH_POINTS, 1], axis=1).mean())

    def matte(self, row: int) -> Array:
        """Return how much of each pixel is the person, (H, W) in [0, 1]: before a blue wall."""
        if row not in self._mattes:
            self._mattes[row] = _matte(self.images[row])
        return self._mattes[row]


@lru_cache(maxsize=8)
def actor(folder: Path, name: str) -> Actor:
    """Read a clip of a data folder. Raises AssetError if it is not there."""
    clip = clips.find(folder, [name])[0]
    count = min(_LONGEST, len(clip.teacher_px))
    images = [frame.image for frame in clips.frames(clip.path, count)]
    return Actor(name, images, clip.teacher_px[: len(images)])


def placing(actor: Actor, height_px: float, middle_px: Array) -> Array:
    """Return image_from_clip (3, 3) that gives the face a height and a place."""
    scale = height_px / actor.height_px
    return np.array(
        [
            [scale, 0.0, middle_px[0] - scale * actor.middle_px[0]],
            [0.0, scale, middle_px[1] - scale * actor.middle_px[1]],
            [0.0, 0.0, 1.0],
        ]
    )


def whole(
    actor: Actor, moment: int, image_from_clip: Array, size_px: tuple[int, int] = SIZE_PX
) -> tuple[Image, Array]:
    """Return a clip's picture with its own room, moved, and the landmarks (478, 2) in it."""
    row = actor.row(moment)
    image = _warped(actor.images[row], image_from_clip, size_px, cv2.BORDER_REPLICATE)
    return np.asarray(image, np.uint8), transform_points(image_from_clip, actor.landmarks_px[row])


def pasted(image: Image, actor: Actor, moment: int, image_from_clip: Array) -> tuple[Image, Array]:
    """Put a person, cut out, before a picture (H, W, 3); also the landmarks (478, 2)."""
    row, size_px = actor.row(moment), (image.shape[1], image.shape[0])
    front = _warped(actor.images[row], image_from_clip, size_px, cv2.BORDER_REPLICATE)
    share = _warped(actor.matte(row), image_from_clip, size_px, cv2.BORDER_CONSTANT)[..., None]
    mixed = image + (front.astype(np.float32) - image) * share
    return np.asarray(mixed, np.uint8), transform_points(image_from_clip, actor.landmarks_px[row])


@lru_cache(maxsize=2)
def room(size_px: tuple[int, int] = SIZE_PX) -> Image:
    """Return an empty room: a grey wall with a shadow and some grain."""
    x = np.linspace(0, 1, size_px[0])[None, :, None]
    y = np.linspace(0, 1, size_px[1])[:, None, None]
    wall = np.array([150.0, 140.0, 128.0]) * (1.1 - 0.35 * x) * (1.0 - 0.25 * y)
    return grained(np.asarray(wall, np.uint8), np.random.default_rng(5), 2.0)


def _warped(image: NDArray, image_from_clip: Array, size_px: tuple[int, int], border: int) -> Array:
    half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    opencv = np.linalg.inv(half) @ image_from_clip @ half  # pixel centres at integers
    shrink = 1.0 / image_from_clip[0, 0]
    if shrink > 1.5:  # against aliasing
        image = cv2.GaussianBlur(image, (0, 0), 0.4 * shrink)
    return cv2.warpAffine(  # pyright: ignore[reportReturnType]
        image, opencv[:2], size_px, flags=cv2.INTER_LINEAR, borderMode=border
    )


def _matte(image: Image) -> Array:
    """Key out a blue wall and keep the largest piece of what is left, without holes."""
    red, green, blue = cv2.split(image.astype(np.int16))
    front = np.asarray(np.minimum(green, blue) - red < 12, np.uint8)
    front = cv2.morphologyEx(front, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    outlines, _ = cv2.findContours(front, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    person = np.zeros_like(front)
    cv2.drawContours(person, [max(outlines, key=cv2.contourArea)], -1, 1, cv2.FILLED)
    return cv2.GaussianBlur(  # pyright: ignore[reportReturnType]
        person.astype(np.float32), (0, 0), _FEATHER_PX
    )
