"""`flowface bench fit`: the fit against known people, without and with the network's priors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.clock import NS_PER_S
from engine.errors import AssetError
from engine.evaluation import fit_scenes, performance, step_time, sureness
from engine.evaluation.fit_scenes import KnownScene
from engine.evaluation.fit_time import milliseconds
from engine.evaluation.tables import table
from engine.fit.deviations import Sureness
from engine.fit.enrol import Enrolment
from engine.fit.heads import HeadModel
from engine.fit.noise import NoiseModel
from engine.fit.retarget import RetargetSettings, readings, retarget
from engine.fit.settings import TrackerSettings
from engine.fit.skinning import neutral_of, vertices
from engine.fit.solver import FitState, Past, Solver
from engine.fit.start import first_state
from engine.fit.traits import guess_of
from engine.network.backends import Backend
from engine.types import Array, Deviations

# Which of the two priors are on.
WAYS = {
    "no priors": (False, False),
    "identity": (True, False),
    "expression": (False, True),
    "both": (True, True),
}
_PEOPLE, _FRAMES, _PICTURES = 4, 90, 100
_INTERVAL_S = 1 / 30
_LEARNT_STEPS = 4  # after the person has changed, as the tracker
_GATED = RetargetSettings(tongue_gate=(0.2, 0.6))


@dataclass(frozen=True, eq=False)
class FittedFrame:
    """What the fit says of one frame, with the person as known then."""

    state: FitState
    identity: Array  # (K,)
    focal_px: float
    touching: Array | None = None  # (2,) eyeBlink at which the lids of that person meet
    deviations: Deviations | None = None


@dataclass(frozen=True)
class Errors:
    """Means over a scene's frames."""

    mean_head_mm: float  # of the mean head, as neutral_mm
    first_neutral_mm: float  # mean distance of the face's vertices after a rigid motion
    neutral_mm: float  # of the last frame's person
    vertex_mm: float  # with the expression, after a rigid motion
    coefficient: float  # absolute, over all shapes
    jaw_open: float
    blink: float
    tongue: float  # of the blendshape, without the gate
    tongue_gated: float
    rotation_deg: float
    depth_percent: float  # of the distance to the camera
    tremble: float  # root mean square second difference of the coefficients' errors
    focal: float  # last focal length, share of the true one


def run(
    head: HeadModel,
    backend: Backend | None,
    sequences: Path | None,
    pictures: Path | None,
    limit: int | None,
    noise: NoiseModel | None = None,
) -> dict[str, Any]:
    """Measure on noisy points, and with a network on rendered sequences and test pictures.

    sequences  folder of rendered sequences; pictures, a test pack; either may be None
    limit      only so many frames or pictures
    noise      how the network errs; the noisy points are fitted without
    Raises AssetError if a file holds no truth.
    """
    paths = [] if sequences is None else sorted(sequences.glob("*.npz"))
    paths = [path for path in paths if not path.stem.endswith(".writing")]
    if sequences is not None and not paths:
        raise AssetError(f"{sequences}: no rendered sequence (*.npz)")
    settings = TrackerSettings()
    solver = Solver(head, settings.fit, settings.retarget.look_limits_rad)
    frames = limit or _FRAMES
    known = (fit_scenes.from_points(head, seed, frames) for seed in range(_PEOPLE))
    result: dict[str, Any] = {
        "points": compared(solver, settings, known),
        "traits_of_points": {
            "identity_sigma": fit_scenes.IDENTITY_SIGMA,
            "expression_sigma": fit_scenes.EXPRESSION_SIGMA,
            "alike": fit_scenes.ALIKE,
        },
        "milliseconds": milliseconds(solver, settings, noise),
        "steps": step_time.run(solver, settings),
    }
    solver = Solver(head, settings.fit, settings.retarget.look_limits_rad, noise=noise)

    def stated(scenes: list[KnownScene]) -> dict[str, Any]:
        names = head.expression_names
        return sureness.figures(sureness.ratios(names, told(solver, settings, scenes, noise)))

    if backend is not None and paths:
        scenes = [fit_scenes.from_sequence(head, backend, path, limit) for path in paths]
        result["sequences"] = compared(solver, settings, scenes)
        result["sureness_sequences"] = stated(scenes)
        result["performance_sequences"] = performance.summary(
            performances(solver, settings, scenes), moving=True
        )
        true = [fit_scenes.exact(head, scene, seed) for seed, scene in enumerate(scenes)]
        result["performance_exact"] = performance.summary(
            performances(solver, settings, true), moving=True
        )
    if backend is not None and pictures is not None:
        single = list(fit_scenes.from_pictures(head, backend, pictures, limit or _PICTURES))
        result["pictures"] = compared(solver, settings, single)
        result["sureness_pictures"] = stated(single)
        result["performance_pictures"] = performance.summary(
            performances(solver, settings, single), moving=False
        )
    return result


def compared(
    solver: Solver, settings: TrackerSettings, scenes: Iterable[KnownScene]
) -> dict[str, Any]:
    """Fit scenes without and with each prior; return the means over the scenes, by way.

    Ways that no scene can tell apart, because its network has no traits, are left out.
    """
    rows: dict[str, list[Errors]] = {name: [] for name in WAYS}
    told = False
    for scene in scenes:
        told = told or any(seen.traits is not None for seen in scene.alignments)
        for name, (identity, expression) in WAYS.items():
            if told or not (identity or expression):
                chosen = with_priors(settings, identity=identity, expression=expression)
                fitted = list(followed(solver, chosen, scene))
                rows[name].append(errors_of(solver.head, scene, fitted))
    return {
        name: {
            "scenes": len(found),
            **{
                key: float(np.mean([getattr(errors, key) for errors in found]))
                for key in Errors.__dataclass_fields__
            },
        }
        for name, found in rows.items()
        if found
    }


def performances(
    solver: Solver, settings: TrackerSettings, scenes: Iterable[KnownScene]
) -> list[performance.Performed]:
    """Fit scenes with the given settings and put what an avatar is sent beside the truth."""
    people: list[performance.Performed] = []
    names = solver.head.expression_names
    for scene in scenes:
        frames = list(followed(solver, settings, scene))
        rest = settings.retarget.resting()
        weights: list[Array] = []
        for index, (frame, seen) in enumerate(zip(frames, scene.alignments, strict=True)):
            fitted, gaze = frame.state.expression, frame.state.gaze
            tongue = seen.traits.tongue if seen.traits is not None else None
            asked = settings.retarget, tongue
            shown = retarget(fitted, names, gaze, *asked, touching=frame.touching, person=rest)
            weights.append(shown.weights)
            read = readings(fitted, names, gaze, *asked, frame.touching)
            rest.watch(read, round(index * _INTERVAL_S * NS_PER_S))
        states = [frame.state for frame in frames]
        people.append(performance.performed(solver.head, scene, weights, states))
    return people


def told(
    solver: Solver,
    settings: TrackerSettings,
    scenes: Iterable[KnownScene],
    noise: NoiseModel | None,
) -> Iterator[sureness.Told]:
    """Fit scenes and yield every frame's state with its deviations, and the true one."""
    sure = Sureness(solver, noise)
    for scene in scenes:
        for frame, state in zip(followed(solver, settings, scene, sure), scene.truth, strict=True):
            assert frame.deviations is not None
            yield frame.state, frame.deviations, state


def with_priors(settings: TrackerSettings, *, identity: bool, expression: bool) -> TrackerSettings:
    """Return settings with each of the network's priors at its own weight, or off."""
    fit, enrol = settings.fit, settings.enrol
    return replace(
        settings,
        fit=fit if expression else replace(fit, expression_prior_weight=0.0),
        enrol=enrol if identity else replace(enrol, identity_prior_weight=0.0),
    )


def followed(
    solver: Solver, settings: TrackerSettings, scene: KnownScene, sure: Sureness | None = None
) -> Iterator[FittedFrame]:
    """Fit a scene frame by frame as the tracker does, without its doubts."""
    enrolment = Enrolment(solver, scene.assumed, settings.enrol, fit_focal=scene.fit_focal)
    last: FitState | None = None
    shared: Array | None = None
    for seen in scene.alignments:
        measurement = solver.measured(seen)
        shapes = len(solver.head.expression_names)
        guess = guess_of(seen.traits, settings.fit.expression_prior_weight, shapes)
        past = None if last is None else Past(last, _INTERVAL_S, shared=shared)
        start, steps = last, None
        if start is None:
            start, steps = (
                first_state(solver, measurement, enrolment.intrinsics),
                settings.fit.cold_steps,
            )
        if start is None:
            raise AssetError(f"{scene.name}: the first frame shows no pose")
        state = solver.solve(measurement, enrolment.intrinsics, start, past, steps, guess)
        enrolment.believe(seen.traits)
        if enrolment.observe(measurement, state, guess):
            past = None if last is None else Past(last, _INTERVAL_S, hold_pose=False)
            state = solver.solve(
                measurement, enrolment.intrinsics, state, past, _LEARNT_STEPS, guess
            )
        last, shared = state, solver.shared
        focal = float(enrolment.intrinsics[0, 0])
        sd = None if sure is None else sure.of(measurement.sigma, state, guess)
        yield FittedFrame(state, solver.identity.coefficients, focal, solver.touching(state), sd)


def errors_of(head: HeadModel, scene: KnownScene, fitted: list[FittedFrame]) -> Errors:
    """Compare fitted frames with the truth."""
    found = np.array([frame.state.expression for frame in fitted])
    true = np.array([state.expression for state in scene.truth])
    off = found - true
    poses = [
        (frame.state.camera_from_head, state.camera_from_head)
        for frame, state in zip(fitted, scene.truth, strict=True)
    ]
    depth = [abs(ours[2, 3] / theirs[2, 3] - 1) for ours, theirs in poses]
    surfaces = [
        _surface_mm(head, frame.identity, frame.state, scene.identity, state)
        for frame, state in zip(fitted, scene.truth, strict=True)
    ]
    bends = np.diff(off, 2, axis=0)

    def of(*names: str) -> float:
        return float(np.abs(off[:, [head.expression_names.index(n) for n in names]]).mean())

    return Errors(
        mean_head_mm=_neutral_mm(head, np.zeros(len(scene.identity)), scene.identity),
        first_neutral_mm=_neutral_mm(head, fitted[0].identity, scene.identity),
        neutral_mm=_neutral_mm(head, fitted[-1].identity, scene.identity),
        vertex_mm=float(np.mean(surfaces)),
        coefficient=float(np.abs(off).mean()),
        jaw_open=of("jawOpen"),
        blink=of("eyeBlinkLeft", "eyeBlinkRight"),
        tongue=_tongue_error(head, scene, fitted, gated=False),
        tongue_gated=_tongue_error(head, scene, fitted, gated=True),
        rotation_deg=float(np.mean([turn_deg(*pair) for pair in poses])),
        depth_percent=100 * float(np.mean(depth)),
        tremble=float(np.sqrt((bends**2).mean())) if len(bends) else float("nan"),
        focal=fitted[-1].focal_px / float(scene.intrinsics[0, 0]),
    )


def rigid_distance_mm(ours: Array, theirs: Array) -> float:
    """Return the mean distance of points (N, 3) m after the rigid motion that brings them nearest.

    Source: Kabsch 1976.
    """
    a, b = (p.astype(np.float64) - p.mean(axis=0) for p in (ours, theirs))
    u, _, vt = np.linalg.svd(a.T @ b)
    turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    return 1e3 * float(np.linalg.norm(a @ turn - b, axis=1).mean())


def text(result: dict[str, Any]) -> str:
    """Return the tables of `bench fit`."""
    made = result["traits_of_points"]
    sizes = f"{made['identity_sigma']}, {made['expression_sigma']}"
    titles = {
        "points": f"noisy points, made traits ({sizes})",
        "sequences": "rendered sequences",
        "pictures": "rendered pictures",
    }
    header = (
        "scenes", "mean head mm", "neutral 1st mm", "neutral mm", "vertex mm", "coeff %", "jaw %",
        "blink %", "tongue %", "gated %", "turn deg", "depth %", "tremble %", "focal",
    )  # fmt: skip
    percent = {"coefficient", "jaw_open", "blink", "tongue", "tongue_gated", "tremble"}
    parts = [
        table(
            (titles[kind], *header),
            [
                (way, *(v * 100 if key in percent else v for key, v in row.items()))
                for way, row in result[kind].items()
            ],
        )
        for kind in titles
        if kind in result
    ]
    titles["exact"] = f"the same sequences, points {fit_scenes.EXACT_PX} px off"
    for kind in ("sequences", "exact", "pictures"):
        if f"performance_{kind}" in result:
            parts.append(performance.text(titles[kind], result[f"performance_{kind}"]))
    for kind in ("sequences", "pictures"):
        if f"sureness_{kind}" in result:
            parts.append(sureness.text(titles[kind], result[f"sureness_{kind}"]))
    spent = result["milliseconds"]
    kinds = (("Gauss-Newton step", "gauss_newton_step"), ("keyframe", "keyframe"))
    rows = [(title, spent[key]) for title, key in (*kinds, ("deviations", "deviations"))]
    times = table((f"{spent['vertices']:.0f} vertices", "ms"), rows)
    return "\n".join([*parts, times, step_time.text(result["steps"])])


def face_vertices(head: HeadModel) -> NDArray[np.intp]:
    """Return which vertices are the face, with eyes, nose and mouth."""
    wanted = [head.region_names.index(name) for name in ("face", "eyes", "nose", "mouth")]
    return np.flatnonzero(np.isin(head.region, wanted))


def _neutral_mm(head: HeadModel, ours: Array, theirs: Array) -> float:
    face = face_vertices(head)
    return rigid_distance_mm(neutral_of(head, ours)[face], neutral_of(head, theirs)[face])


def _surface_mm(
    head: HeadModel, ours: Array, our_state: FitState, theirs: Array, their_state: FitState
) -> float:
    """Return how far the face's vertices lie apart, the pose taken out."""
    face = face_vertices(head)
    both = (
        vertices(head, identity, state.expression, state.gaze, state.neck)[face]
        for identity, state in ((ours, our_state), (theirs, their_state))
    )
    return rigid_distance_mm(*both)


def _tongue_error(
    head: HeadModel, scene: KnownScene, fitted: list[FittedFrame], *, gated: bool
) -> float:
    """Return the mean error of the tongueOut that an avatar is sent."""
    errors: list[float] = []
    for frame, state, seen in zip(fitted, scene.truth, scene.alignments, strict=True):
        tongue = seen.traits.tongue if gated and seen.traits is not None else None
        shown = retarget(
            frame.state.expression, head.expression_names, frame.state.gaze, _GATED, tongue
        )
        true = float(state.expression[head.expression_names.index("tongueOut")])
        errors.append(abs(shown["tongueOut"] - true))
    return float(np.mean(errors))


def turn_deg(ours: Array, theirs: Array) -> float:
    """Return the angle between two rotations (3, 3), or of two poses (4, 4), degrees."""
    turned = ours[:3, :3] @ theirs[:3, :3].T
    return float(np.rad2deg(np.linalg.norm(cv2.Rodrigues(turned)[0])))
