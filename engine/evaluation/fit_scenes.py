"""People whose every coefficient is known, seen by a network or as noisy points."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from engine.errors import AssetError
from engine.evaluation.align import align_in, upright_crop
from engine.fit import skinning
from engine.fit.heads import HeadModel, landmarks
from engine.fit.sides import merged, spread
from engine.fit.solver import FitState
from engine.geometry import project, rigid, rotation_from_vector
from engine.network.backends import Backend
from engine.training.packs import Pack, read_pack
from engine.types import BLENDSHAPE_NAMES, Alignment, Array, FaceTraits

_TRUTH = ("identity", "expression", "gaze", "neck", "camera_from_head", "intrinsics")
_MAP_SIDE, _SHARED_TEXELS = 64, 6.0  # errors are alike over a tenth of the UV map
_POINTS_INTRINSICS = np.array([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
_WRONG_FOCAL = 1.15

# Of the made alignments: own and shared error of a point in px, of the made traits in coefficients.
OWN_PX, SHARED_PX = 0.5, 0.7
IDENTITY_SIGMA, EXPRESSION_SIGMA, ALIKE = 0.6, 0.15, 0.95
EXACT_PX = 0.3


@dataclass(frozen=True, eq=False)
class KnownScene:
    """One person in T frames."""

    name: str
    identity: Array  # (K,)
    truth: list[FitState]
    alignments: list[Alignment]
    intrinsics: Array  # (3, 3) true
    assumed: Array  # (3, 3) what the fit begins with
    fit_focal: bool


def from_points(head: HeadModel, seed: int, frames: int) -> KnownScene:
    """Return a moving, talking person whose points have own and shared noise of a known size.

    The traits are made as well: truth and an error of the size they state, nearly the same in every
    frame. The focal length is assumed 15 % too long.
    """
    rng = np.random.default_rng(seed)
    person = rng.normal(size=len(head.identity_basis))
    truth = [_moving(head, index, seed) for index in range(frames)]
    constant = rng.normal(size=len(person))
    alignments = [_noisy(head, person, state, constant, rng) for state in truth]
    assumed = _POINTS_INTRINSICS.copy()
    assumed[[0, 1], [0, 1]] *= _WRONG_FOCAL
    return KnownScene(
        f"points {seed}", person, truth, alignments, _POINTS_INTRINSICS, assumed, fit_focal=True
    )


def from_sequence(
    head: HeadModel, backend: Backend, path: Path, limit: int | None = None
) -> KnownScene:
    """Return a rendered sequence as the network sees it, from a cold start in every frame.

    The first window is around the true landmarks, every later one around the last answer.
    Raises AssetError if the file is no rendered sequence.
    """
    pack, truth = _read(path)
    count = len(pack) if limit is None else min(limit, len(pack))
    outline, alignments = landmarks(head, pack.points_px(0).astype(np.float64)), []
    for index in range(count):
        crop = upright_crop(outline, backend.crop_side_px)
        alignments.append(align_in(backend, pack.image(index), crop))
        outline = landmarks(head, alignments[-1].points_px)
    states = [_state(head, truth, index) for index in range(count)]
    camera = truth["intrinsics"][0]
    return KnownScene(path.stem, truth["identity"][0], states, alignments, camera, camera, False)


def truth_of(head: HeadModel, path: Path, frames: int) -> KnownScene | None:
    """Return the truth of a rendered sequence's first frames, unseen; None of another head."""
    with np.load(path, allow_pickle=False) as file:
        if "identity" not in file.files:
            return None
    _, truth = _read(path)
    states = [_state(head, truth, index) for index in range(frames)]
    camera = truth["intrinsics"][0]
    return KnownScene(path.stem, truth["identity"][0], states, [], camera, camera, False)


def from_pictures(
    head: HeadModel, backend: Backend, path: Path, limit: int | None = None
) -> Iterator[KnownScene]:
    """Yield every picture of a test pack as a scene of one frame, its camera known.

    Raises AssetError if the pack does not hold the truth.
    """
    pack, truth = _read(path)
    for index in range(len(pack) if limit is None else min(limit, len(pack))):
        marks = landmarks(head, pack.points_px(index).astype(np.float64))
        crop = upright_crop(marks, backend.crop_side_px)
        seen, camera = align_in(backend, pack.image(index), crop), truth["intrinsics"][index]
        yield KnownScene(
            f"{path.stem} {index}",
            truth["identity"][index],
            [_state(head, truth, index)],
            [seen],
            camera,
            camera,
            fit_focal=False,
        )


def exact(head: HeadModel, scene: KnownScene, seed: int) -> KnownScene:
    """Return a scene as a network would see it that places every point to EXACT_PX.

    It is as unsure as the network that saw the scene, and says nothing of the whole face: what is
    wrong with the result is the fit's doing.
    """
    rng = np.random.default_rng(seed)
    alignments: list[Alignment] = []
    for state, seen in zip(scene.truth, scene.alignments, strict=True):
        places = skinning.vertices(head, scene.identity, state.expression, state.gaze, state.neck)
        points = project(places, state.camera_from_head, scene.intrinsics)[seen.anchors]
        points += EXACT_PX * rng.normal(size=points.shape)
        alignments.append(Alignment(points, seen.sigma_px, seen.anchors))
    return replace(scene, alignments=alignments)


def _read(path: Path) -> tuple[Pack, dict[str, Array]]:
    pack = read_pack(path)
    with np.load(path, allow_pickle=False) as file:
        absent = [name for name in _TRUTH if name not in file.files]
        if absent:
            raise AssetError(f"{path}: holds no {absent[0]!r}; only rendered heads have the truth")
        return pack, {name: file[name].astype(np.float64) for name in _TRUTH}


def _state(head: HeadModel, truth: dict[str, Array], index: int) -> FitState:
    names = ("camera_from_head", "expression", "gaze", "neck")
    pose, expression, gaze, neck = (truth[name][index] for name in names)
    return FitState(pose, spread(expression, len(head.expression_names)), gaze, neck)


def _moving(head: HeadModel, index: int, seed: int) -> FitState:
    """Return a frame of someone who looks about, talks, smiles, blinks and raises the brows."""
    beat = np.sin((index + 31 * seed) / np.array([7.0, 11.0, 17.0, 5.0, 9.0]))
    up = np.maximum(beat, 0.0)
    shapes = {
        "jawOpen": 0.6 * up[3],
        "mouthFunnel": 0.4 * up[1],
        "mouthSmileLeft": 0.7 * up[4],
        "mouthSmileRight": 0.7 * up[4],
        "eyeBlinkLeft": 0.6 * up[2],
        "eyeBlinkRight": 0.6 * up[2],
        "browInnerUp": 0.6 * up[1],
        "browOuterUpLeft": 0.5 * up[0],
        "browOuterUpRight": 0.5 * up[0],
        "mouthLeft": 0.3 * up[0],
        "noseSneerLeft": 0.4 * up[4],
        "noseSneerRight": 0.4 * up[4],
    }
    whole = np.array([shapes.get(name, 0.0) for name in BLENDSHAPE_NAMES])
    expression = spread(whole, len(head.expression_names))
    turn = np.array([0.25 * beat[0], 0.45 * beat[1], 0.1 * beat[2]])
    place = np.array([0.03 * beat[2], 0.02 * beat[1], 0.5 + 0.06 * beat[0]])
    gaze = np.tile([0.15 * beat[3], 0.1 * beat[4]], (2, 1))
    return FitState(rigid(rotation_from_vector(turn), place), expression, gaze, np.zeros(3))


def _noisy(
    head: HeadModel, person: Array, state: FitState, constant: Array, rng: np.random.Generator
) -> Alignment:
    places = skinning.vertices(head, person, state.expression, state.gaze, state.neck)
    points = project(places, state.camera_from_head, _POINTS_INTRINSICS)
    texel = np.clip((head.uv * _MAP_SIDE).astype(int), 0, _MAP_SIDE - 1)
    for axis in range(2):
        field = np.asarray(
            cv2.GaussianBlur(rng.normal(size=(_MAP_SIDE, _MAP_SIDE)), (0, 0), _SHARED_TEXELS)
        )
        points[:, axis] += SHARED_PX * (field / field.std())[texel[:, 1], texel[:, 0]]
    points += OWN_PX * rng.normal(size=points.shape)
    own = rng.normal(size=len(person))
    error = np.sqrt(ALIKE) * constant + np.sqrt(1 - ALIKE) * own
    count, expression = len(points), merged(state.expression)
    traits = FaceTraits(
        person + IDENTITY_SIGMA * error,
        np.full(len(person), IDENTITY_SIGMA),
        expression + EXPRESSION_SIGMA * rng.normal(size=len(expression)),
        np.full(len(expression), EXPRESSION_SIGMA),
        tongue=0.0,
    )
    sigma = np.full(count, float(np.hypot(OWN_PX, SHARED_PX)))
    return Alignment(points, sigma, np.arange(count, dtype=np.int32), traits=traits)
