"""Lids and lips that meet in the picture meet in the fit; those that do not stay apart."""

from __future__ import annotations

from dataclasses import replace

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS

from engine.fit import skinning
from engine.fit.contact import Contact
from engine.fit.heads import landmarks
from engine.fit.heads.open_head import OpenHead
from engine.fit.residuals import NO_GAPS
from engine.fit.settings import FitSettings
from engine.fit.solver import FitState, Solver
from engine.types import Alignment, Array

# Upper and lower rim: left lids, right lids, lips.
RIMS = (
    ((388, 390), (387, 373), (386, 374), (385, 380), (384, 381)),
    ((161, 163), (160, 144), (159, 145), (158, 153), (157, 154)),
    ((81, 178), (82, 87), (13, 14), (312, 317), (311, 402)),
)
NONE = FitSettings(contact_share=1e-6)


def _gaps(head: OpenHead, person: Array, expression: Array) -> Array:
    """Off the whole posed mesh (3, 5), m."""
    places = skinning.vertices(head, person, expression, np.zeros((2, 2)), np.zeros(3))
    at = landmarks(head, places)[:, 1]
    return np.array([[at[low] - at[up] for up, low in rim] for rim in RIMS])


def test_gaps_and_their_slopes_are_those_of_the_posed_mesh(head: OpenHead) -> None:
    rng = np.random.default_rng(0)
    person, expression = rng.normal(0, 0.7, 60), rng.uniform(0, 0.6, 52)
    neutral, joints = skinning.neutral_of(head, person), skinning.joints_of(head, person)
    gap, slope = Contact(head, FitSettings()).gaps(neutral, joints, expression)
    np.testing.assert_allclose(gap, _gaps(head, person, expression), atol=1e-7)
    for shape in range(52):
        step = 0.05 * np.eye(52)[shape]
        up, down = (_gaps(head, person, expression + s * step) for s in (1, -1))
        np.testing.assert_allclose(slope[..., shape], (up - down) / 0.1, atol=3e-5)


def _apart(head: OpenHead, state: FitState, rim: int, px: float) -> Alignment:
    """A network that sees everything but one opening right: its rims lie `px` farther apart."""
    points = fit_scene.projected(head, np.zeros(60), state)
    marks = RIMS[rim]
    for edge, way in ((0, -1), (1, 1)):
        rows = head.landmark_triangles[[pair[edge] for pair in marks]].ravel()
        points[np.unique(rows), 1] += way * px / 2
    return fit_scene.alignment(points, 1.0)


def _fitted(head: OpenHead, seen: Alignment, start: FitState, settings: FitSettings) -> FitState:
    solver = Solver(head, settings)
    return solver.solve(solver.measured(seen), INTRINSICS, start, steps=12)


def _opening_mm(head: OpenHead, state: FitState, rim: int) -> float:
    return 1e3 * float(_gaps(head, np.zeros(60), state.expression)[rim, 1:4].mean())


@pytest.mark.parametrize(("rim", "blink"), [(0, "eyeBlinkLeft"), (1, "eyeBlinkRight")])
def test_lids_seen_a_little_apart_are_shut(head: OpenHead, rim: int, blink: str) -> None:
    solver = Solver(head)
    truth = fit_scene.state_at(head)
    truth.expression[head.expression_names.index(blink)] = solver.touching(truth)[rim]
    seen = _apart(head, truth, rim, 0.5)
    ours, without = (_fitted(head, seen, truth, s) for s in (FitSettings(), NONE))
    assert _opening_mm(head, ours, rim) < 0.6 * _opening_mm(head, without, rim)
    column = head.expression_names.index(blink)
    assert ours.expression[column] / solver.touching(ours)[rim] > 0.95


def test_closed_lips_stay_closed(head: OpenHead) -> None:
    contact = Contact(head, FitSettings())
    truth = fit_scene.state_at(head, jawOpen=0.2, mouthClose=0.2)
    names = head.expression_names
    closes = np.linspace(0, 1, 201)
    gaps = []
    for close in closes:  # the mouthClose that shuts these lips over this jaw
        tried = np.where(np.arange(52) == names.index("mouthClose"), close, truth.expression)
        gaps.append(_gaps(head, np.zeros(60), tried)[2, 1:4].mean())
    shut = closes[int(np.argmin(np.abs(np.array(gaps) + contact.overlap_m[2])))]
    truth.expression[names.index("mouthClose")] = shut
    seen = _apart(head, truth, 2, 0.5)
    ours, without = (_fitted(head, seen, truth, s) for s in (FitSettings(), NONE))
    closed_mm = -1e3 * contact.overlap_m[2]
    left = _opening_mm(head, ours, 2) - closed_mm
    assert left < 0.6 * (_opening_mm(head, without, 2) - closed_mm)
    assert left < 0.3


@pytest.mark.parametrize(
    ("rim", "shapes"),
    [(0, {"eyeBlinkLeft": 0.3, "eyeBlinkRight": 0.3}), (2, {"jawOpen": 0.15})],
)
def test_what_is_open_is_not_pulled_shut(
    head: OpenHead, rim: int, shapes: dict[str, float]
) -> None:
    truth = fit_scene.state_at(head, **shapes)
    seen = fit_scene.alignment(fit_scene.projected(head, np.zeros(60), truth), 1.0)
    ours, without = (_fitted(head, seen, truth, s) for s in (FitSettings(), NONE))
    assert _opening_mm(head, ours, rim) == pytest.approx(_opening_mm(head, without, rim), abs=0.05)


def test_rims_that_are_not_seen_are_charged_nothing(head: OpenHead) -> None:
    truth = fit_scene.state_at(head)
    points = fit_scene.projected(head, np.zeros(60), truth)
    points[head.landmark_triangles[386]] = np.nan
    measurement = Solver(head).measured(fit_scene.alignment(points, 1.0))
    contact = Contact(head, FitSettings())
    charge = contact.charge(measurement.gaps, truth.camera_from_head, 600.0)
    assert charge[0] == 0.0
    sigma = np.full(len(points), 1.0)
    sigma[head.landmark_triangles[14]] = np.nan
    seen = Alignment(points, sigma, np.arange(len(points), dtype=np.int32))
    gaps = Solver(head).measured(seen).gaps
    assert contact.charge(gaps, truth.camera_from_head, 600.0)[2] == 0.0
    assert not contact.charge(NO_GAPS, truth.camera_from_head, 600.0).any()
    # Told apart by how sure the network is: the same gap, ten times as unsure, is hardly felt.
    shut = fit_scene.state_at(head, eyeBlinkLeft=0.65)
    points = fit_scene.projected(head, np.zeros(60), shut)
    sure, unsure = (
        contact.charge(
            Solver(head).measured(fit_scene.alignment(points, sigma)).gaps,
            shut.camera_from_head,
            600.0,
        )[0]
        for sigma in (0.5, 5.0)
    )
    assert unsure < 0.2 * sure


def test_turned_in_the_image_a_gap_is_still_a_gap(head: OpenHead) -> None:
    """A head on its side: the rims are apart along x."""
    upright = fit_scene.state_at(head, jawOpen=0.3)
    lying = replace(
        upright, camera_from_head=fit_scene.state_at(head, (0, 0, np.pi / 2)).camera_from_head
    )
    contact = Contact(head, FitSettings(contact_share=3.0))
    charges = []
    for state in (upright, lying):
        points = fit_scene.projected(head, np.zeros(60), state)
        gaps = Solver(head).measured(fit_scene.alignment(points, 1.0)).gaps
        charges.append(contact.charge(gaps, state.camera_from_head, 600.0))
    np.testing.assert_allclose(charges[0], charges[1], rtol=1e-3)
