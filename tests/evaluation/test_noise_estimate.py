"""`flowface bench noise`: errors made by a known law give that law back."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation import factor_analysis, noise
from engine.evaluation.noise import ErrorFields
from engine.fit.heads import open_head
from engine.fit.heads.open_head import OpenHead


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


def test_factors_of_samples_with_gaps() -> None:
    rng = np.random.default_rng(0)
    loadings, own = rng.normal(size=(12, 2)), rng.uniform(0.1, 0.6, 12)
    samples = rng.normal(size=(6000, 2)) @ loadings.T + rng.normal(size=(6000, 12)) * np.sqrt(own)
    known = rng.uniform(size=samples.shape) < 0.6
    found = factor_analysis.fit(np.where(known, samples, np.nan), known, 2, 12, seed=1)
    covariance = found.loadings @ found.loadings.T + np.diag(found.own)
    np.testing.assert_allclose(covariance, loadings @ loadings.T + np.diag(own), atol=0.25)
    np.testing.assert_allclose(found.own, own, atol=0.1)
    again = factor_analysis.scores(np.where(known, samples, 0.0), known, found)
    np.testing.assert_allclose(again.second.mean(axis=0), np.eye(2), atol=0.05)


def _fields(head: OpenHead, rng: np.random.Generator, count: int, kept: float) -> ErrorFields:
    """Six patterns over the face, by place; amplitudes go on with `kept`; own errors of 0.5."""
    waves = np.random.default_rng(5).normal(size=(3, 6)) * 20
    patterns = np.cos(head.neutral @ waves + np.arange(6))
    amplitude = np.empty((count, 6, 2))
    amplitude[0] = rng.normal(size=(6, 2))
    for t in range(1, count):
        fresh = np.sqrt(1 - kept**2) * rng.normal(size=(6, 2))
        amplitude[t] = kept * amplitude[t - 1] + fresh
    error = np.einsum("vk,tka->tva", patterns, amplitude)
    error += 0.5 * rng.normal(size=error.shape)
    seen = rng.uniform(size=error.shape[:2]) < 0.8
    return ErrorFields(error.astype(np.float32), seen)


def test_the_law_of_made_errors_comes_back(head: OpenHead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise, "MODES", 6)
    rng = np.random.default_rng(3)
    pictures, portraits = _fields(head, rng, 60, 0.0), _fields(head, rng, 40, 0.0)
    found = noise.estimate(head, pictures, portraits, [_fields(head, rng, 300, 0.9)])
    waves = np.random.default_rng(5).normal(size=(3, 6)) * 20
    patterns = np.cos(head.neutral @ waves + np.arange(6))
    some = rng.choice(len(head.neutral), 300, replace=False)
    expected = patterns[some] @ patterns[some].T
    ours = found.modes[some] @ found.modes[some].T
    assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.95
    assert np.median(found.own) == pytest.approx(0.25, abs=0.05)
    assert np.median(found.persistence) == pytest.approx(0.9, abs=0.06)
    assert found.reach_uv < 0.01, "own errors were independent"


def test_correlation_by_distance_is_numpys() -> None:
    rng = np.random.default_rng(2)
    place = np.sort(rng.uniform(0, 10, 9))
    samples = rng.normal(size=(400, 9)).cumsum(axis=1)
    both = np.concatenate([samples, -samples])  # about zero, as the product wants it
    known = np.ones(both.shape, bool)
    ours = noise.correlation_matrix(both, known)
    np.testing.assert_allclose(ours, np.corrcoef(both.T), atol=1e-5)
    distance = np.abs(place[:, None] - place)
    chosen = (distance > 1) & (distance < 3)
    rows = noise.by_distance(ours, distance, np.array([1.0, 3.0, 100.0, 101.0]))
    assert rows[0] == pytest.approx(np.corrcoef(both.T)[chosen].mean(), abs=1e-5)
    assert np.isnan(rows[2])
    known[60:, 0] = False
    known[:60, 1] = False
    assert np.isnan(noise.correlation_matrix(both, known)[0, 1])


def test_a_teachers_point_and_its_vertex_are_each_others_nearest(head: OpenHead) -> None:
    vertices = np.arange(0, len(head.neutral), 3)
    point, vertex = noise._pairs(head, vertices)
    assert len(point) > 100
    assert len(set(vertex.tolist())) == len(vertex)
    places = noise.landmarks(head, head.neutral)[point]
    assert np.linalg.norm(places - head.neutral[vertex], axis=1).max() < 0.005
