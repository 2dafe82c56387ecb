"""How the user tunes the 52 shapes: settings, and the edits that keep linked sides alike.

::

    shapes:
      rows:
        - {name: jawOpen, gain: 1.3, dead_zone: 0.05}
        - {name: eyeBlinkLeft, gain: 1.2}
        - {name: eyeBlinkRight, gain: 1.2}
      links:
        - {name: eyeBlink, mean: true}

A shape without a row is sent as it was measured. engine/tuner.py applies this to results.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.errors import ConfigError
from engine.settings import setting
from engine.types import BLENDSHAPE_NAMES

GAMMA, SMOOTH = "gamma", "smooth"
_SIDES = ("Left", "Right")
# mouthLeft and mouthRight are two movements, not two halves of one.
_ONE_WAY = ("jaw", "mouth")


def _pair_stems() -> tuple[str, ...]:
    stems = (name[:-4] for name in BLENDSHAPE_NAMES if name.endswith("Left"))
    return tuple(stem for stem in stems if stem not in _ONE_WAY)


PAIRS = _pair_stems()  # what may be linked: eyeBlink stands for eyeBlinkLeft and eyeBlinkRight


@dataclass(frozen=True)
class ShapeTuning:
    """One shape. In this order: offset and gain, dead zone, clamp, curve, mute, smoothing."""

    name: str = setting(BLENDSHAPE_NAMES[0], "Which shape.", choices=BLENDSHAPE_NAMES)
    gain: float = setting(1.0, "Factor on what is measured.", minimum=0.0, maximum=4.0)
    offset: float = setting(0.0, "Added after the gain.", minimum=-1.0, maximum=1.0)
    dead_zone: float = setting(
        0.0, "What is below this is sent as 0, the rest is stretched.", minimum=0.0, maximum=0.9
    )
    curve: str = setting(
        GAMMA,
        "How values between 0 and 1 bend: by a power, or slow at both ends.",
        choices=(GAMMA, SMOOTH),
    )
    gamma: float = setting(
        1.0, "Power of the curve: above 1 holds small values down.", minimum=0.2, maximum=5.0
    )
    smoothing: float = setting(
        0.0, "Strength of a One Euro filter: calmer, but later.", minimum=0.0, maximum=1.0
    )
    mute: bool = setting(False, "Always send 0.")

    @property
    def usual(self) -> bool:
        """Whether it leaves the shape as it was measured."""
        return self == ShapeTuning(self.name)


@dataclass(frozen=True)
class Link:
    """Left and right of a pair share their settings."""

    name: str = setting(PAIRS[0], "Which pair, without its side.", choices=PAIRS)
    mean: bool = setting(False, "Send the mean of both sides to both.")


@dataclass(frozen=True)
class Tuning:
    """All shapes: rows for those that are changed, links for the pairs that go together."""

    rows: tuple[ShapeTuning, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        for what, names in (("rows", [r.name for r in self.rows]),
                            ("links", [k.name for k in self.links])):  # fmt: skip
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ConfigError(f"{what}: {twice[0]} is listed twice; allowed is once")
        for link in self.links:
            left, right = (self.of(link.name + side) for side in _SIDES)
            if replace(left, name=right.name) != right:
                raise ConfigError(
                    f"links: {link.name} is linked, but its rows differ from left to right; "
                    "allowed are the same values for both"
                )

    def of(self, name: str) -> ShapeTuning:
        """Return how a shape is tuned."""
        return next((row for row in self.rows if row.name == name), ShapeTuning(name))

    def link_of(self, name: str) -> Link | None:
        """Return the link that a shape is in; None if there is none."""
        stem = stem_of(name)
        return next((link for link in self.links if link.name == stem), None)

    def changed(self, name: str, **values: Any) -> Tuning:
        """Return this with one shape changed, and its other side if both are linked.

        values  fields of ShapeTuning
        """
        link = self.link_of(name)
        names = (name,) if link is None else tuple(link.name + side for side in _SIDES)
        rows = {row.name: row for row in self.rows}
        for each in names:
            rows[each] = replace(self.of(each), **values)
        kept = (rows[each] for each in BLENDSHAPE_NAMES if each in rows)
        return replace(self, rows=tuple(row for row in kept if not row.usual))

    def reset(self, name: str) -> Tuning:
        """Return this with one shape as measured, and its other side if both are linked."""
        usual = vars(ShapeTuning(name)).copy()
        del usual["name"]
        return self.changed(name, **usual)

    def linked(self, name: str, *, mean: bool = False) -> Tuning:
        """Return this with the pair of a shape linked: the other side takes over its settings.

        Raises ConfigError if the shape has no other side.
        """
        stem = stem_of(name)
        if stem is None:
            raise ConfigError(f"{name}: has no other side; allowed are {', '.join(PAIRS)}")
        links = {link.name: link for link in self.links} | {stem: Link(stem, mean)}
        values = {key: value for key, value in vars(self.of(name)).items() if key != "name"}
        alike = replace(self, links=()).changed(f"{stem}Left", **values)
        alike = alike.changed(f"{stem}Right", **values)
        return replace(alike, links=tuple(links[each] for each in PAIRS if each in links))

    def unlinked(self, name: str) -> Tuning:
        """Return this with both sides of a pair free; each keeps its settings."""
        stem = stem_of(name)
        return replace(self, links=tuple(link for link in self.links if link.name != stem))


def stem_of(name: str) -> str | None:
    """Return the name of a pair without its side; None for a shape that has no other side."""
    stem = name.removesuffix("Left").removesuffix("Right")
    return stem if stem != name and stem in PAIRS else None
