"""One person in trouble: covers, gaps, sizes, light. Every scene runs at 25 shots a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from engine.evaluation.datasets.drawn import grained
from engine.evaluation.recovery.covers import Kind, covered, drawn_cover
from engine.evaluation.recovery.stage import (
    RATE,
    SIZE_PX,
    Actor,
    Image,
    Scene,
    Shot,
    placing,
    whole,
)
from engine.evaluation.regions import MESH_POINTS
from engine.types import Array

_FACE_PX = 170.0  # height of the face where nothing else is said
_MIDDLE = np.array([320.0, 240.0])
_ASIDE = np.array([90.0, 20.0])
_LAST_LIGHT = 0.002  # share that is left before it is wholly out
_HIDES = 0.75  # radius of what hides a face, in face heights
_PARTLY, _WHOLLY = 0.45, 0.9  # shares of the mesh: the pose must hold up to, no face is left from


def one_person(actor: Actor) -> list[Scene]:
    """Return the scenes that take one person."""
    covers = [
        _covered(actor, "hand before the mouth", _Sweep("hand", 1.7, (0.0, 0.1))),
        _covered(actor, "hand before half the face", _Sweep("hand", 3.4, (0.25, 0.05))),
        _covered(actor, "hand before all, 1 s", _Sweep("hand", None, (0.0, 0.0))),
        _covered(actor, "cloth before all, 1 s", _Sweep("cloth", None, (0.0, 0.0))),
        _covered(actor, "cloth sweeps by", _Sweep("cloth", None, (0.0, 0.0), hold=1)),
    ]
    plain = {
        "0.5 s missing, moved": _gap(actor, 0.5),
        "3 s missing, moved": _gap(actor, 3.0),
        "frozen 1 s, then moved": _frozen(actor),
        "time jumps back": _clock(actor, -5.0),
        "time jumps ahead": _clock(actor, 60.0),
        "face of 64 px": _still(actor, 64.0),
        "face of 1000 px": _still(actor, 1000.0, (1920, 1080), 30),
        "cut by the border": _borders(actor, 0.4),
        "leaves the picture, returns": _borders(actor, 1.6),
        "shaken sideways": _shaken(actor),
        "light goes out, returns": _light(actor, 0.0),
        "dim to 4 %": _light(actor, 0.04),
        "moves at 0.2 % of the light": _light(actor, 0.002, moves=True),
        "over-exposed": _light(actor, 8.0),
    }
    return covers + [Scene(f"{name} [{actor.name}]", shots) for name, shots in plain.items()]


@dataclass(frozen=True)
class _Sweep:
    kind: Kind
    side: float | None  # of the cover, in face heights; None: its broadest part hides the face
    rest: tuple[float, float]  # where its middle rests, in face heights from the face's middle
    hold: int = 25  # shots


def _covered(actor: Actor, name: str, sweep: _Sweep) -> Scene:
    scene = partial(_sweep, actor, sweep)
    return Scene(f"{name} [{actor.name}]", scene, partial(_sweep, actor, sweep, bare=True))


def _sweep(actor: Actor, sweep: _Sweep, *, bare: bool = False) -> Iterator[Shot]:
    """Move a cover in from below within 0.4 s, hold it, and take it away again."""
    cover, lead, move = None, 15, 10
    side, rest = sweep.side or 0.0, np.array(sweep.rest)
    for index, shot in enumerate(_shots(actor, 70, lambda _: placing(actor, _FACE_PX, _MIDDLE))):
        face = shot.faces[actor.name]
        if cover is None:
            cover = drawn_cover(sweep.kind, shot.image, face, 1)
            if sweep.side is None:
                centre, radius = cover.broadest()
                side = _HIDES / radius
                rest = rest - centre * side
        moments = (0, move, move + sweep.hold, 2 * move + sweep.hold)
        away = float(np.interp(index - lead, moments, (1, 0, 0, 1)))
        below = rest + np.array([0.0, 0.5 * side + 0.8 + abs(rest[1])])
        place = _MIDDLE + _FACE_PX * (rest + (below - rest) * away)
        image, alpha = cover.laid(shot.image, place, side * _FACE_PX)
        under = covered(alpha, face)
        share = under[:MESH_POINTS].mean()
        yield replace(
            shot,
            image=shot.image if bare else image,
            wanted=actor.name if share < _WHOLLY else None,
            must=bool(share < _PARTLY),
            covered=under,
        )


def _shots(
    actor: Actor,
    count: int,
    place: Callable[[int], Array],
    size_px: tuple[int, int] = SIZE_PX,
) -> Iterator[Shot]:
    for index in range(count):
        image, face = whole(actor, index, place(index), size_px)
        yield Shot(image, index / RATE, {actor.name: face}, actor.name)


def _still(
    actor: Actor, height_px: float, size_px: tuple[int, int] = SIZE_PX, count: int = 50
) -> Callable[[], Iterator[Shot]]:
    middle = np.array(size_px) / 2
    return lambda: _shots(actor, count, lambda _: placing(actor, height_px, middle), size_px)


def _gap(actor: Actor, seconds: float) -> Callable[[], Iterator[Shot]]:
    """Take shots out; meanwhile the person has moved by a face and come nearer."""

    def shots() -> Iterator[Shot]:
        before, after = (
            placing(actor, _FACE_PX, _MIDDLE - _ASIDE),
            placing(actor, 1.2 * _FACE_PX, _MIDDLE + _ASIDE),
        )
        missing = round(seconds * RATE)
        for shot in _shots(actor, 50 + missing, lambda i: before if i < 25 else after):
            if not 25 <= shot.time_s * RATE < 25 + missing:
                yield shot

    return shots


def _frozen(actor: Actor) -> Callable[[], Iterator[Shot]]:
    """Repeat one picture for a second; then the person is elsewhere."""

    def shots() -> Iterator[Shot]:
        frozen = None
        before = placing(actor, _FACE_PX, _MIDDLE - _ASIDE)
        after = placing(actor, 1.2 * _FACE_PX, _MIDDLE + _ASIDE)
        for index, shot in enumerate(_shots(actor, 75, lambda i: before if i < 50 else after)):
            frozen = shot if index <= 25 else frozen
            held = frozen is not None and 25 < index < 50
            yield replace(frozen, time_s=shot.time_s) if frozen and held else shot

    return shots


def _clock(actor: Actor, jump_s: float) -> Callable[[], Iterator[Shot]]:
    """Let the time stamps jump; the picture goes on as if nothing had happened."""

    def shots() -> Iterator[Shot]:
        for index, shot in enumerate(
            _shots(actor, 50, lambda _: placing(actor, _FACE_PX, _MIDDLE))
        ):
            yield replace(shot, time_s=10 + shot.time_s + jump_s * (index >= 25))

    return shots


def _borders(actor: Actor, depth: float) -> Callable[[], Iterator[Shot]]:
    """Let the face cross the left border, by `depth` faces, and come back."""
    width = float(np.ptp(actor.landmarks_px[0, :MESH_POINTS, 0])) * _FACE_PX / actor.height_px

    def place(index: int) -> Array:
        out = float(np.interp(index, (15, 35, 50, 70), (0, 1, 1, 0)))
        inside = 320.0 - out * (320.0 - width / 2 + depth * width)
        return placing(actor, _FACE_PX, np.array([inside, 240.0]))

    def shots() -> Iterator[Shot]:
        for shot in _shots(actor, 85, place):
            inside = (shot.faces[actor.name][:MESH_POINTS, 0] >= 0).mean()
            wanted = actor.name if inside > 0.1 else None
            yield replace(shot, wanted=wanted, must=bool(inside > 0.55))

    return shots


def _shaken(actor: Actor) -> Callable[[], Iterator[Shot]]:
    """Move sideways by half a face and back, twice a second: up to three faces a second."""

    def place(index: int) -> Array:
        side = 0.4 * _FACE_PX * np.sin(2 * np.pi * 2.0 * index / RATE)
        return placing(actor, _FACE_PX, _MIDDLE + side * np.array([1.0, 0.0]))

    return lambda: _shots(actor, 60, place)


def _light(actor: Actor, level: float, *, moves: bool = False) -> Callable[[], Iterator[Shot]]:
    """Change the light to a level within 0.4 s, hold it for a second, and change it back.

    Nobody is there only where the light is wholly out: in a picture of 0.2 % of it, 5 of 255 levels
    on average, a detector still finds every face.

    moves  meanwhile aside and nearer: what is only remembered would be left behind
    """

    def place(index: int) -> Array:
        way = float(np.interp(index, (25, 50), (0, 1))) if moves else 0.0
        return placing(actor, (1 + 0.25 * way) * _FACE_PX, _MIDDLE + way * _ASIDE)

    def shots() -> Iterator[Shot]:
        rng = np.random.default_rng(17)
        for index, shot in enumerate(_shots(actor, 75, place)):
            change = float(np.interp(index, (15, 25, 50, 60), (0, 1, 1, 0)))
            out = level == 0.0 and change == 1.0
            gain = 0.0 if out else float(np.exp(change * np.log(level or _LAST_LIGHT)))
            seen = gain > 0.3 if level < 1 else gain < 2.0
            yield replace(
                shot,
                image=_exposed(shot.image, gain, rng),
                wanted=None if out else actor.name,
                must=bool(seen),
            )

    return shots


def _exposed(image: Image, gain: float, rng: np.random.Generator) -> Image:
    linear = np.arange(256) / 255.0
    curve = np.clip(255 * (linear**2.2 * gain) ** (1 / 2.2), 0, 255).astype(np.uint8)
    return grained(np.asarray(cv2.LUT(image, curve), np.uint8), rng, 3.0)
