from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from engine.evaluation.accuracy import QUANTILES, calibration, face_side_px, normalised_errors


def test_nme_agrees_with_the_definition_written_as_a_loop() -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(0, 200, (478, 2))
    predicted = true + rng.normal(0, 3, (478, 2))
    mesh = [(float(x), float(y)) for x, y in true[:468]]
    wide = max(x for x, _ in mesh) - min(x for x, _ in mesh)
    high = max(y for _, y in mesh) - min(y for _, y in mesh)
    total = 0.0
    for (x, y), (u, v) in zip(mesh, predicted[:468], strict=True):
        total += math.hypot(x - u, y - v) / math.sqrt(wide * high) * 100
    errors = normalised_errors(predicted, true, face_side_px(true))
    assert errors.shape == (478,)
    assert errors[:468].mean() == pytest.approx(total / 468, rel=1e-12)


def test_the_face_side_ignores_the_irises() -> None:
    points = np.zeros((478, 2))
    points[:468] = np.random.default_rng(0).uniform(10, 20, (468, 2))
    before = face_side_px(points)
    points[470] = (500.0, 500.0)
    assert face_side_px(points) == before


def test_an_honest_sigma_is_calibrated_and_a_proud_one_is_not() -> None:
    rng = np.random.default_rng(2)
    sigma = rng.uniform(0.5, 4, 40_000)
    distance = np.linalg.norm(rng.normal(0, sigma, (2, 40_000)), axis=0)
    honest, proud = calibration(distance, sigma), calibration(distance, sigma / 3)
    np.testing.assert_allclose(honest.share, QUANTILES, atol=0.01)
    assert honest.expected_error < 0.005
    assert honest.scale == pytest.approx(1.0, abs=0.02)
    assert proud.scale == pytest.approx(3.0, abs=0.06)
    # scipy knows the Rayleigh distribution: a third of the sigma moves every quantile.
    expected = stats.rayleigh.cdf(stats.rayleigh.ppf(QUANTILES) / 3)
    np.testing.assert_allclose(proud.share, expected, atol=0.01)
