"""From the fit to an avatar: expression coefficients and gaze -> 52 blendshapes.

In this order: a reading per shape (eyeBlink as a share of the way to touching lids, eyeLook from
the gaze, tongueOut through its gate) -> the person's offset and gain, calibrated or learnt on the
way (rest.py) -> gain, dead zone and curve of the shape -> left and right drawn together ->
exclusions -> clamp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.fit.responses import AT_MOST, RESPONSES, YIELDS, ShapeResponse, Yield
from engine.fit.rest import Rest, RestSettings
from engine.fit.sides import SPLIT_NAMES, halves, merged
from engine.types import BLENDSHAPE_NAMES, Array, Blendshapes, HeadState

# The eye's usual range, by the ARKit shape's direction.
LOOK_LIMITS_RAD: tuple[tuple[str, float], ...] = (
    ("Up", float(np.deg2rad(25.0))),
    ("Down", float(np.deg2rad(35.0))),
    ("In", float(np.deg2rad(40.0))),
    ("Out", float(np.deg2rad(40.0))),
)
_INDEX = {name: index for index, name in enumerate(BLENDSHAPE_NAMES)}
_BLINKS = [_INDEX["eyeBlinkLeft"], _INDEX["eyeBlinkRight"]]
_SIDES = ("Left", "Right")
_WHOLES = [_INDEX[name] for name in SPLIT_NAMES]


class PersonCalibration(Protocol):
    """What a neutral face and full movements of one person read as."""

    @property
    def offset(self) -> Array:
        """(52,) reading of the person at rest."""
        ...

    @property
    def gain(self) -> Array:
        """(52,) factor on what is left after the offset."""
        ...


class _Responses(NamedTuple):
    """The rows of shapes as arrays, (52,)."""

    dead: Array
    gain: Array
    curve: Array
    most: Array
    rest: Array
    rest_most: Array


class _Pairs(NamedTuple):
    """Left and right shapes that are drawn together."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    together: Array


class _Looks(NamedTuple):
    """The eyeLook shapes, by the gaze: its angle, and what is read of a radian."""

    shape: NDArray[np.intp]  # (8,)
    angle: NDArray[np.intp]  # (8,) of the gaze's four
    slope: Array  # (8,)


@dataclass(frozen=True)
class RetargetSettings:
    """How an avatar answers to a face."""

    shapes: tuple[ShapeResponse, ...] = RESPONSES  # a shape without a row is passed as it is
    yields: tuple[Yield, ...] = YIELDS
    # A shape, the one that it never exceeds, and by how much it may all the same.
    at_most: tuple[tuple[str, str, float], ...] = AT_MOST
    # Probability that the tongue is out, at which tongueOut begins to show and shows fully: points
    # alone take a lower lip for a tongue. None: no gate. It needs a network that tells tongues:
    # `flowface bench fit` shows the error with and without the gate.
    tongue_gate: tuple[float, float] | None = None
    look_limits_rad: tuple[tuple[str, float], ...] = LOOK_LIMITS_RAD  # gaze at eyeLook = 1
    rest: RestSettings = field(default_factory=RestSettings)

    def __post_init__(self) -> None:
        names = [row.name for row in self.shapes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigError(f"retarget.shapes: {', '.join(twice)} has two rows")
        together = {row.name: row.together for row in self.shapes}
        for name, least in together.items():
            if name.endswith("Left") and together.get(f"{name[:-4]}Right", least) != least:
                raise ConfigError(f"retarget.shapes: {name}.together differs on the right")
        for name in (name for row in self.at_most for name in row[:2]):
            if name not in BLENDSHAPE_NAMES:
                raise ConfigError(
                    f"retarget.at_most: unknown shape {name}; allowed: "
                    f"{', '.join(BLENDSHAPE_NAMES)}"
                )
        begins, full = self.tongue_gate or (0.0, 1.0)
        if not 0.0 <= begins < full <= 1.0:
            raise ConfigError(
                f"retarget.tongue_gate: {self.tongue_gate}; needs two rising values from 0 to 1"
            )
        ways = [way for way, _ in LOOK_LIMITS_RAD]
        if sorted(way for way, _ in self.look_limits_rad) != sorted(ways):
            raise ConfigError(f"retarget.look_limits_rad: needs each of {', '.join(ways)} once")
        for way, limit in self.look_limits_rad:
            if limit <= 0:
                raise ConfigError(f"retarget.look_limits_rad: {way} is {limit}; must be above 0")

    @cached_property
    def responses(self) -> _Responses:
        """The table of `shapes`; a shape without a row is passed as it is."""
        passed = ShapeResponse(BLENDSHAPE_NAMES[0])
        rows = {row.name: row for row in self.shapes}
        ordered = [rows.get(name, passed) for name in BLENDSHAPE_NAMES]
        return _Responses(
            *(np.array([getattr(row, part) for row in ordered]) for part in _Responses._fields)
        )

    @cached_property
    def usual(self) -> PersonCalibration:
        """The rest of people in general: of somebody of whom nothing has been learnt."""
        return self.resting()

    def resting(self) -> Rest:
        """Return what learns the rest of one person."""
        return Rest(self.rest, self.responses.rest, self.responses.rest_most)

    @cached_property
    def pairs(self) -> _Pairs:
        """The left and right shapes that are drawn together."""
        rows = [row for row in self.shapes if row.together > 0.0 and row.name.endswith("Left")]
        left, right = (
            np.array([_INDEX[row.name.removesuffix("Left") + side] for row in rows], np.intp)
            for side in _SIDES
        )
        return _Pairs(left, right, np.array([row.together for row in rows]))

    @cached_property
    def taken(self) -> Array:
        """What a weight in the column takes off the one in the row, (52, 52)."""
        taken = np.zeros((len(BLENDSHAPE_NAMES),) * 2)
        for pair in self.yields:
            taken[_INDEX[pair.loser], _INDEX[pair.winner]] += pair.share
        return taken

    @cached_property
    def looks(self) -> _Looks:
        """How the eyeLook shapes answer to the gaze: yaw + to the subject's left, pitch + down."""
        limit = dict(self.look_limits_rad)
        rows = [
            (_INDEX[f"eyeLook{way}{side}"], 2 * eye + axis, sign / limit[way])
            for eye, (side, outward) in enumerate(zip(_SIDES, (1.0, -1.0), strict=True))
            for way, axis, sign in (
                ("Out", 0, outward), ("In", 0, -outward), ("Up", 1, -1.0), ("Down", 1, 1.0),
            )
        ]  # fmt: skip
        shape, angle, slope = zip(*rows, strict=True)
        return _Looks(np.array(shape, np.intp), np.array(angle, np.intp), np.array(slope))


_USUAL = RetargetSettings()


def retarget(
    expression: Array,
    names: tuple[str, ...],
    gaze: Array,
    settings: RetargetSettings = _USUAL,
    tongue: float | None = None,
    *,
    touching: Array | None = None,
    person: PersonCalibration | None = None,
) -> Blendshapes:
    """Turn a fit into blendshapes; this module's text says in which order.

    expression  (E,) coefficients, named by `names`; shapes the head lacks stay 0
    gaze        (2, 2) rad; rows left, right eye; columns yaw (+ subject's left), pitch (+ down)
    tongue      probability that the tongue is out, None if nobody says
    touching    (2,) coefficients of eyeBlinkLeft and eyeBlinkRight at which this face's lids meet;
                None for a head that shuts its eyes at 1
    person      None: people in general

    Halves of a head that splits browInnerUp and cheekPuff are merged in the 52 and stay apart in
    `sides`. The eyeLook shapes come from gaze: the coefficients of that name only follow the lids.
    """
    read = readings(expression, names, gaze, settings, tongue, touching)
    answered = _answered(_of_person(read, person, settings), settings)
    weights = _sent(answered, settings)
    parts = halves(expression)
    if parts is None:
        return Blendshapes(weights)
    sides = np.empty(len(parts))
    for side in range(2):
        half = read.copy()
        half[_WHOLES] = parts[side::2]
        alone = _answered(_of_person(half, person, settings), settings)[_WHOLES]
        # What exclusions leave of the whole they leave of each half.
        left = weights[_WHOLES] / np.maximum(answered[_WHOLES], 1e-9)
        sides[side::2] = np.clip(alone * np.minimum(left, 1.0), 0.0, 1.0)
    return Blendshapes(weights, sides)


def weight_deviations(
    head: HeadState,
    names: tuple[str, ...],
    settings: RetargetSettings,
    tongue: float | None,
    touching: Array | None,
    person: PersonCalibration | None = None,
) -> Array | None:
    """Return the standard deviations (52,) of a head's blendshapes; None if the fit states none.

    Each weight by its own reading, up or down, whichever changes it more: a weight of 0 has only
    one way to be wrong. Other arguments as of `retarget`; what shapes take off each other is left
    out.
    """
    sd = head.deviations
    if sd is None:
        return None
    looks, by_gaze = np.zeros(len(BLENDSHAPE_NAMES)), settings.looks
    looks[by_gaze.shape] = sd.gaze.ravel()[by_gaze.angle] * np.abs(by_gaze.slope)

    def read(expression: Array) -> Array:
        return readings(expression, names, head.gaze, settings, tongue, touching)

    def answered(reading: Array) -> Array:
        return np.clip(_answered(_of_person(reading, person, settings), settings), 0.0, 1.0)

    here = answered(read(head.expression))
    above = answered(read(head.expression + sd.expression) + looks)
    below = answered(read(np.maximum(head.expression - sd.expression, 0.0)) - looks)
    return np.maximum(above - here, here - below)


def _of_person(read: Array, person: PersonCalibration | None, settings: RetargetSettings) -> Array:
    known = settings.usual if person is None else person
    return (read - known.offset) * known.gain


def straightened(gaze: Array, person: PersonCalibration, settings: RetargetSettings) -> Array:
    """Return a gaze (2, 2) less what is read when the person looks straight ahead.

    So eyes that turn and eyeLook shapes say the same.
    """
    return gaze - gaze_of(person.offset, settings)


def gaze_of(read: Array, settings: RetargetSettings) -> Array:
    """Return the gaze (2, 2) that the eyeLook shapes of readings (52,) stand for."""
    looks, gaze = settings.looks, np.zeros(4)
    # Two shapes tell of each angle, one of either way.
    np.add.at(gaze, looks.angle, 0.5 * read[looks.shape] / looks.slope)
    return gaze.reshape(2, 2)


def _sent(answered: Array, settings: RetargetSettings) -> Array:
    weights = answered.copy()
    _draw_together(weights, settings.pairs)
    weights = _excluded(weights, settings)
    return np.clip(np.minimum(weights, settings.responses.most), 0.0, 1.0)


def readings(
    expression: Array,
    names: tuple[str, ...],
    gaze: Array,
    settings: RetargetSettings = _USUAL,
    tongue: float | None = None,
    touching: Array | None = None,
) -> Array:
    """Return what the fit reads for every blendshape, (52,), before any setting of the person."""
    halved = halves(expression) is not None
    whole = merged(expression) if halved else expression
    weights = np.append(whole, 0.0)[_places(BLENDSHAPE_NAMES if halved else names)]
    weights[settings.looks.shape] = gaze.ravel()[settings.looks.angle] * settings.looks.slope
    if touching is not None:
        weights[_BLINKS] = np.minimum(weights[_BLINKS] / touching, 1.0)
    if tongue is not None and settings.tongue_gate is not None:
        begins, full = settings.tongue_gate
        weights[_INDEX["tongueOut"]] *= np.clip((tongue - begins) / (full - begins), 0.0, 1.0)
    return weights


def _answered(weights: Array, settings: RetargetSettings) -> Array:
    dead, gain, curve, most, *_ = settings.responses
    beyond = np.maximum(gain * weights - dead, 0.0) / (1.0 - dead)
    return most * beyond**curve


@cache
def _places(names: tuple[str, ...]) -> NDArray[np.intp]:
    """Return where each blendshape is among coefficients of these names, (52,).

    One that the head lacks is behind the last.
    """
    return np.array([names.index(n) if n in names else len(names) for n in BLENDSHAPE_NAMES])


def _draw_together(weights: Array, pairs: _Pairs) -> None:
    """Halve out small differences of left and right; a whole difference stays whole."""
    left, right = weights[pairs.left], weights[pairs.right]
    middle, apart = (left + right) / 2, left - right
    size = np.abs(apart)
    kept = np.maximum(size - pairs.together, 0.0) / (1.0 - pairs.together)
    half = np.sign(apart) * np.minimum(kept, size) / 2
    weights[pairs.left], weights[pairs.right] = middle + half, middle - half


def _excluded(weights: Array, settings: RetargetSettings) -> Array:
    """Let shapes give way; all by what was there before, so that their order does not matter."""
    result = np.maximum(weights - settings.taken @ weights, 0.0)
    for name, limit, slack in settings.at_most:
        result[_INDEX[name]] = min(result[_INDEX[name]], result[_INDEX[limit]] + slack)
    return result
