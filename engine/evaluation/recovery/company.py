"""Two people in one picture, and cuts from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from engine.evaluation.recovery.stage import (
    RATE,
    SIZE_PX,
    Actor,
    Scene,
    Shot,
    pasted,
    placing,
    room,
    whole,
)
from engine.evaluation.regions import MESH_POINTS
from engine.types import Array

_NEAR_PX, _FAR_PX = 180.0, 150.0  # heights of the faces
_Places = Callable[[int], tuple[float, float]]  # x of the first and of the second face, in px
_OUT = -200.0
CUT = 25  # shot from which another picture is shown
_ALONE = 8  # shots before the other appears, so that it is clear whose the tracker is
_PATIENCE_S = 2.0


def two_people(first: Actor, second: Actor) -> list[Scene]:
    """Return the scenes of two people who can be cut out; the first is the one to follow."""

    def passing(index: int) -> tuple[float, float]:
        return 320.0, 100.0 + 440.0 * float(np.clip((index - 15) / 45, 0, 1))

    def leaving(index: int) -> tuple[float, float]:
        return 200.0 + (_OUT - 200.0) * float(
            np.interp(index, (15, 25, 50, 60), (0, 1, 1, 0))
        ), 460.0

    def gone(index: int) -> tuple[float, float]:
        return 200.0 + (_OUT - 200.0) * float(np.interp(index, (15, 25), (0, 1))), 460.0

    def beside(index: int) -> tuple[float, float]:
        return 180.0 + 30 * np.sin(index / 8), 460.0 + 90 * np.sin(index / 6)

    def arriving(index: int) -> tuple[float, float]:
        return 180.0, 840.0 - 360.0 * float(np.clip((index - 15) / 20, 0, 1))

    people = (first, second)
    return [
        _scene("beside each other", people, beside, 75),
        _scene("a nearer one arrives", people, arriving, 75, second_px=230.0),
        _scene("the other passes behind", people, passing, 75, second_px=_FAR_PX),
        _scene("the other passes before", people, passing, 75, front=True, second_px=190.0),
        _scene("my person leaves for 1 s", people, leaving, 80),
        _scene("my person leaves for good", people, gone, 25 + round((_PATIENCE_S + 1.2) * RATE)),
    ]


def cuts(first: Actor, second: Actor) -> list[Scene]:
    """Return the scenes that cut from one person to another, in other surroundings."""
    return [
        _cut(first, second, np.array([480.0, 200.0]), "elsewhere"),
        _cut(first, second, np.array([220.0, 260.0]), "on the same place"),
        _cut(first, first, np.array([480.0, 200.0]), "to the same person elsewhere"),
    ]


def _scene(
    name: str,
    people: tuple[Actor, Actor],
    places: _Places,
    count: int,
    *,
    front: bool = False,
    second_px: float = _NEAR_PX,
) -> Scene:
    shots = partial(_together, people, places, count, front=front, second_px=second_px)
    return Scene(f"{name} [{people[0].name}, {people[1].name}]", shots)


def _together(
    people: tuple[Actor, Actor], places: _Places, count: int, *, front: bool, second_px: float
) -> Iterator[Shot]:
    """Show both, the second behind the first or before; the room is empty otherwise.

    Once the first has been out of the picture for longer than the tracker waits, the second is
    the one to follow.
    """
    first, second = people
    last_seen, owner = 0, first.name
    for index in range(count):
        at = places(index)
        placed = {
            first.name: (first, placing(first, _NEAR_PX, np.array([at[0], 280.0]))),
            second.name: (
                second,
                placing(second, second_px, np.array([at[1] if index >= _ALONE else _OUT, 275.0])),
            ),
        }
        order = [first.name, second.name] if front else [second.name, first.name]
        image, faces = room(), {}
        for name in order:
            image, faces[name] = pasted(image, placed[name][0], index, placed[name][1])
        shown = _shown(faces, order)
        if shown[first.name] > 0.55:
            last_seen = index
        waited_s = (index - last_seen) / RATE
        if owner == first.name and waited_s > _PATIENCE_S + 0.2:
            owner = second.name
        wanted = owner if shown[owner] > 0.1 else None
        undecided = owner == first.name and abs(waited_s - _PATIENCE_S) <= 0.2
        visible = {name: face for name, face in faces.items() if shown[name] > 0.1}
        if undecided:
            wanted = second.name
        yield Shot(image, index / RATE, visible, wanted, not undecided and shown[owner] > 0.55)


def _shown(faces: dict[str, Array], order: list[str]) -> dict[str, float]:
    """Return the share of each face that is in the picture and behind nobody."""
    shares: dict[str, float] = {}
    for depth, name in enumerate(order):
        mesh = faces[name][:MESH_POINTS]
        seen = ((mesh >= 0) & (mesh < SIZE_PX)).all(axis=1)
        for nearer in order[depth + 1 :]:
            other = faces[nearer][:MESH_POINTS]
            middle, half = (other.max(0) + other.min(0)) / 2, np.ptp(other, axis=0) / 2
            # Hair and ears cover more than the landmarks do.
            seen &= np.hypot(*((mesh - middle) / (half * [1.45, 1.45])).T) > 1.0
        shares[name] = float(seen.mean())
    return shares


def _cut(first: Actor, second: Actor, place: Array, name: str) -> Scene:
    """Cut from one person to another, or to the same one at another place and size."""

    def shots() -> Iterator[Shot]:
        before = placing(first, 170.0, np.array([220.0, 260.0]))
        after = placing(second, 150.0, place)
        for index in range(75):
            late = index >= CUT
            actor = second if late else first
            image, face = whole(actor, index + 40 * late, after if late else before)
            yield Shot(image, index / RATE, {actor.name: face}, actor.name)

    stranger = None if first is second else (first.name, second.name)
    return Scene(f"cut {name} [{first.name}, {second.name}]", shots, stranger=stranger)
