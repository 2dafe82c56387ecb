from __future__ import annotations

from dataclasses import asdict

import numpy as np

from engine.evaluation.accuracy import calibration
from engine.evaluation.reliability import draw_reliability, of_align, place

BLUE, RED = np.array([31, 119, 180]), np.array([214, 39, 40])


def near(picture: np.ndarray, where: np.ndarray, colour: np.ndarray) -> bool:
    x, y = np.round(where).astype(int)
    around = picture[y - 2 : y + 3, x - 2 : x + 3].astype(int)
    return bool((np.abs(around - colour).max(axis=-1) < 40).any())


def test_the_curve_goes_through_its_points_and_a_proud_sigma_lies_below_the_diagonal() -> None:
    rng = np.random.default_rng(0)
    distance = np.linalg.norm(rng.normal(0, 2.0, (2, 20_000)), axis=0)
    honest = calibration(distance, np.full(20_000, 2.0))
    proud = calibration(distance, np.full(20_000, 1.0))
    picture = draw_reliability({"honest": honest, "proud": proud})
    for quantile, share in zip(proud.quantile, proud.share, strict=True):
        assert near(picture, place(quantile, share), RED)
        assert share < quantile
    assert near(picture, place(0.5, 0.5), BLUE)
    assert not near(picture, place(0.5, 0.75), RED)
    left, top = place(0.0, 1.0)
    right, bottom = place(1.0, 0.0)
    assert left < right
    assert top < bottom


def test_the_curves_of_bench_align_are_found() -> None:
    made = calibration(np.linspace(0.1, 3, 50), np.ones(50))
    row = {"calibration": asdict(made)}
    figures = {"teacher_box": row, "harder": {"low_light": row}, "rendered": row}
    assert of_align(figures) == {"portraits": made, "low_light": made, "rendered": made}
