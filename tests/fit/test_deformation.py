"""Static offsets: smooth, of the size asked for, learnt where the identity basis has no words."""

from __future__ import annotations

import fit_scene
import numpy as np
from fit_scene import INTRINSICS

from engine.fit.deformation import smooth_offsets
from engine.fit.enrol import Enrolment
from engine.fit.heads.open_head import OpenHead
from engine.fit.settings import EnrolSettings, FitSettings
from engine.fit.solver import Past, Solver
from engine.geometry import project


def test_modes_are_smooth_and_as_large_as_asked_for(head: OpenHead) -> None:
    basis = smooth_offsets(head, 40, 0.02, 0.002)
    assert basis.shape == (120, len(head.neutral), 3)
    face = fit_scene.face_vertices(head)
    spread = np.sqrt((basis**2).sum(axis=0))  # of N(0, 1) coefficients, by vertex and axis
    assert 0.0015 < np.median(spread[face]) <= 0.00201
    first, second = head.triangles[:, 0], head.triangles[:, 1]
    length = np.linalg.norm(head.neutral[first] - head.neutral[second], axis=1)
    apart = np.linalg.norm(basis[:, first] - basis[:, second], axis=2).max(axis=0)
    assert (apart < 0.25 * length + 1e-6).all(), "an offset that tears or folds the surface"


def _learnt(head: OpenHead, shape: np.ndarray, modes: int) -> float:
    """Fit views of a rigid head; return the neutral's mean error on the face, mm."""
    rng, solver = np.random.default_rng(3), Solver(head, FitSettings(offset_modes=modes))
    enrolment, state = Enrolment(solver, INTRINSICS, EnrolSettings(), fit_focal=False), None
    for index in range(90):
        beat = np.sin(index / np.array([9.0, 7.0]))
        truth = fit_scene.state_at(head, (0.35 * beat[0], 0.6 * beat[1], 0.0), (0.0, 0.0, 0.5))
        points = project(shape, truth.camera_from_head, INTRINSICS)
        measurement = solver.measured(fit_scene.noisy(head, points, rng, 0.2, 0.2))
        past = None if state is None else Past(state, 1 / 30)
        state = solver.solve(measurement, INTRINSICS, state or truth, past)
        if enrolment.observe(measurement, state):
            state = solver.solve(measurement, INTRINSICS, state, steps=3)
    face = fit_scene.face_vertices(head)
    ours, theirs = (p[face] - p[face].mean(axis=0) for p in (solver.identity.neutral, shape))
    u, _, vt = np.linalg.svd(ours.T @ theirs)
    return 1e3 * float(np.linalg.norm(ours @ u @ vt - theirs, axis=1).mean())


def test_a_bump_that_the_basis_does_not_know_is_learnt(head: OpenHead) -> None:
    """A cheek 8 mm fuller on one side."""
    centre = head.neutral[head.landmark_triangles[425, 0]]
    distance = np.linalg.norm(head.neutral - centre, axis=1)
    bump = 0.008 * np.exp(-0.5 * (distance / 0.02) ** 2)[:, None] * np.array([0.6, 0.0, -0.8])
    without, with_offsets = (_learnt(head, head.neutral + bump, modes) for modes in (0, 40))
    assert with_offsets < 0.75 * without


def test_offsets_stay_bounded(head: OpenHead) -> None:
    """A head half as wide again is no small offset: coefficients end at their limit."""
    settings = EnrolSettings(offset_after=0, offset_most=0.5)
    rng, solver = np.random.default_rng(4), Solver(head, FitSettings(offset_modes=8))
    enrolment = Enrolment(solver, INTRINSICS, settings, fit_focal=False)
    for index in range(6):
        truth = fit_scene.state_at(head, (0.0, 0.3 * index - 0.8, 0.0), (0.0, 0.0, 0.5))
        wide = head.neutral * np.array([1.5, 1.0, 1.0])
        points = project(wide, truth.camera_from_head, INTRINSICS)
        enrolment.observe(solver.measured(fit_scene.noisy(head, points, rng, 0.1, 0.1)), truth)
    offsets = enrolment.knowledge().shape[60:]
    assert np.abs(offsets).max() <= 0.5
    assert np.abs(offsets).max() > 0.4
