"""What a person does in a test sequence: head motion, speech, blinks, glances, grimaces.

Four kinds: `calm` listens and hardly moves, `spoken` talks, `extreme` grimaces and turns, `turn`
listens while the head turns to one profile, to the other and back.

Head motion is a critically damped random walk about a resting pose (white noise through two equal
low passes: its root mean square speed is the corner frequency times its root mean square
excursion). Excursions and speeds are those of the development clips, measured by a rigid fit to
the teacher's stiff points: talking, 1.0, 0.6, 0.4 degrees of pitch, yaw, roll at 7, 4.5, 2.5
degrees/s and about 1.3 mm sideways at 4 mm/s; listening, a third of that; turning away, 250
degrees/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from engine.training.render.expressions import MOUTHS, WHOLE_FACE, plausible, weights
from engine.types import BLENDSHAPE_NAMES, Array

Kind: TypeAlias = Literal["calm", "spoken", "extreme", "turn"]
KINDS: tuple[Kind, ...] = ("calm", "spoken", "extreme", "turn")
RATE = 30.0  # frames a second

# Pitch, yaw, roll (rad), then x, y, z (m): excursion and speed, root mean square, while talking.
_EXCURSION = np.array([*np.deg2rad([1.0, 0.6, 0.4]), 0.0013, 0.0013, 0.0025])
_SPEED = np.array([*np.deg2rad([7.0, 4.5, 2.5]), 0.004, 0.0045, 0.009])
_LIVELINESS: dict[Kind, float] = {"calm": 0.35, "spoken": 1.0, "extreme": 1.8, "turn": 0.35}
_PROFILE_RAD = np.deg2rad(80.0)  # how far `turn` goes to either side

# Mouth shapes of speech, one a syllable half.
_VISEMES: tuple[dict[str, float], ...] = (
    {"mouthPress": 0.5, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    {"jawOpen": 0.45, "mouthLowerDown": 0.2},
    {"mouthStretch": 0.45, "jawOpen": 0.12, "mouthLowerDown": 0.25},
    {"mouthFunnel": 0.6, "jawOpen": 0.25},
    {"mouthPucker": 0.8, "jawOpen": 0.06},
    {"jawOpen": 0.3, "mouthSmile": 0.25},
    {"mouthRollLower": 0.6, "mouthUpperUp": 0.3, "jawOpen": 0.04},
    {"jawOpen": 0.6},
    {"jawOpen": 0.16, "mouthUpperUp": 0.3, "mouthLowerDown": 0.35},
)


@dataclass(frozen=True, eq=False)
class Acting:
    """T frames of a performance. What `Performance` and a pose need, over time."""

    expression: Array  # (T, 52); eyeBlink = 1 means shut, whatever the face needs for that
    gaze: Array  # (T, 2, 2) rad
    turn: Array  # (T, 3) rad, pitch, yaw, roll about the resting pose
    shift: Array  # (T, 3) m


def act(rng: np.random.Generator, kind: Kind, frames: int) -> Acting:
    """Play `frames` frames of one kind."""
    play = {"calm": _listening, "spoken": _speech, "extreme": _grimaces, "turn": _listening}[kind]
    expression = play(rng, frames)
    blinks = _blinks(rng, frames, every_s=1.4 if kind == "extreme" else 2.2)
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        column = BLENDSHAPE_NAMES.index(name)
        expression[:, column] = np.maximum(expression[:, column], blinks)
    gaze = _glances(rng, frames)
    expression = np.stack([plausible(e, g) for e, g in zip(expression, gaze, strict=True)])
    motion = wander(rng, frames, _EXCURSION, _SPEED / _EXCURSION) * _LIVELINESS[kind]
    turn = motion[:, :3]
    if kind == "extreme":
        turn = turn + _turns(rng, frames)
    elif kind == "turn":
        turn = turn + _profiles(frames)
    return Acting(expression, gaze, turn, motion[:, 3:])


def wander(rng: np.random.Generator, frames: int, excursion: Array, corner: Array) -> Array:
    """Return critically damped random walks (T, C) with the rms `excursion` (C,) over all time.

    corner  (C,) rad/s; the rms speed is corner * excursion
    """
    lead = int(8 * RATE)  # until the start is forgotten
    steps = 10  # a frame, so that the discrete filter is close to the continuous one
    columns: list[Array] = []
    for size, rate in zip(excursion, corner, strict=True):
        keep = float(np.exp(-rate / (RATE * steps)))
        noise = rng.normal(size=(lead + frames) * steps)
        walk = lfilter([(1 - keep) ** 2], [1.0, -2 * keep, keep**2], noise)
        # variance of two equal first-order low passes in series driven by unit white noise
        spread = np.sqrt((1 - keep) ** 4 * (1 + keep**2) / (1 - keep**2) ** 3)
        columns.append(size * walk[lead * steps :: steps] / spread)
    return np.stack(columns, axis=1)


def _soft(curve: Array, seconds: float) -> Array:
    return gaussian_filter1d(curve, seconds * RATE, axis=0, mode="nearest")


def _held(rng: np.random.Generator, frames: int, states: Array, least_s: float, most_s: float):
    """Return states (N, ...) drawn at random and held for random times, (T, ...)."""
    rows = np.empty(frames, int)
    start, last = 0, -1
    while start < frames:
        last = int((last + 1 + rng.integers(max(len(states) - 1, 1))) % len(states))
        end = start + max(1, round(rng.uniform(least_s, most_s) * RATE))
        rows[start:end] = last
        start = end
    return states[rows]


def _listening(rng: np.random.Generator, frames: int) -> Array:
    mood = weights({"mouthSmile": rng.uniform(0, 0.25), "browInnerUp": rng.uniform(0, 0.15)})
    unrest = 0.03 * np.abs(_soft(rng.normal(size=(frames, len(mood))), 0.4)) * np.sqrt(0.4 * RATE)
    return mood + unrest * (rng.random(len(mood)) < 0.3)


def _speech(rng: np.random.Generator, frames: int) -> Array:
    """Syllables of 0.09 to 0.19 s per mouth shape, with pauses and stressed brows."""
    shapes = np.stack([weights(shape) for shape in _VISEMES])
    spoken = _soft(_held(rng, frames, shapes, 0.09, 0.19), 0.04)
    loudness = np.clip(_soft(rng.normal(size=frames), 0.25) * 3.0 + 0.9, 0.15, 1.4)
    brows = np.clip(_soft(rng.normal(size=frames), 0.3) * 4.0, 0.0, 1.0)
    stress = weights({"browInnerUp": 0.5, "browOuterUp": 0.35})
    smile = weights({"mouthSmile": rng.uniform(0, 0.3), "cheekSquint": rng.uniform(0, 0.2)})
    return spoken * loudness[:, None] + brows[:, None] * stress + smile


def _grimaces(rng: np.random.Generator, frames: int) -> Array:
    """Whole-face states at full strength, changed every half second, with winks between."""
    named = [*WHOLE_FACE.values(), *MOUTHS]
    named += [{f"eyeBlink{side}": 1.0, f"cheekSquint{side}": 0.6} for side in ("Left", "Right")]
    states = np.stack([weights(state) for state in named])
    return _soft(_held(rng, frames, states, 0.35, 0.8), 0.06)


def _blinks(rng: np.random.Generator, frames: int, every_s: float) -> Array:
    """Return lid closure (T,): 100 to 300 ms from open to open, closing faster than opening."""
    times = np.arange(frames) / RATE
    closure = np.zeros(frames)
    moment = rng.uniform(0.3, 1.0)
    while moment < times[-1]:
        whole = rng.uniform(0.10, 0.30)
        shut_from, shut_to = moment + 0.3 * whole, moment + 0.5 * whole
        keys = (moment, shut_from, shut_to, moment + whole)
        closure = np.maximum(closure, np.interp(times, keys, (0.0, 1.0, 1.0, 0.0)))
        moment += whole + 0.2 + rng.exponential(every_s)
    return closure


def _glances(rng: np.random.Generator, frames: int) -> Array:
    """Return gaze (T, 2, 2): fixations of 0.25 to 1.2 s, jumps within one or two frames."""
    targets = rng.normal([0.0, 0.03], [0.17, 0.08], (frames, 2)).clip([-0.5, -0.3], [0.5, 0.4])
    both = _soft(_held(rng, frames, targets, 0.25, 1.2), 0.012)
    vergence = np.array([[-0.03, 0.0], [0.03, 0.0]])
    return both[:, None] + vergence + 0.004 * _soft(rng.normal(size=(frames, 1, 2)), 0.1)


def _turns(rng: np.random.Generator, frames: int) -> Array:
    """Return deliberate turns (T, 3): nods and looks aside, up to 35 degrees of yaw."""
    poses = rng.uniform(np.deg2rad([-14, -35, -10]), np.deg2rad([14, 35, 10]), (8, 3))
    return _soft(_held(rng, frames, np.concatenate([np.zeros((2, 3)), poses]), 0.5, 1.0), 0.09)


def _profiles(frames: int) -> Array:
    """Return one even sweep of yaw (T, 3) to one side, to the other and back to the front."""
    yaw = _PROFILE_RAD * np.interp(np.linspace(0, 4, frames), (0, 1, 3, 4), (0, 1, -1, 0))
    return np.stack([0 * yaw, _soft(yaw, 0.08), 0 * yaw], axis=1)
