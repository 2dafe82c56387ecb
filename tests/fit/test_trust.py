"""Every single reason to doubt a fit, on its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.fit.settings import TrustSettings
from engine.fit.trust import Quality, doubt

GOOD = Quality(
    face_px=150.0,
    sigma_share=0.012,
    distance_share=0.009,
    inlier_share=0.99,
    inside_share=1.0,
    depth_m=0.6,
    facing_cosine=0.95,
    rms_px=1.5,
)


def test_a_good_fit_is_believed() -> None:
    assert doubt(GOOD, TrustSettings()) is None


@pytest.mark.parametrize(
    ("worse", "reason"),
    [
        ({"face_px": 10.0}, "face too small"),
        ({"depth_m": -0.6}, "implausible distance"),
        ({"depth_m": 20.0}, "implausible distance"),
        ({"facing_cosine": -0.8}, "face averted"),
        ({"inside_share": 0.2}, "face outside the image"),
        ({"sigma_share": 0.2}, "network unsure"),
        ({"distance_share": 0.2}, "no head fits"),
        ({"inlier_share": 0.3}, "too many outliers"),
        ({"sigma_share": float("nan")}, "network unsure"),
        ({"distance_share": float("inf")}, "no head fits"),
    ],
)
def test_each_fault_is_named(worse: dict[str, float], reason: str) -> None:
    assert doubt(replace(GOOD, **worse), TrustSettings()) == reason


def test_a_first_look_is_judged_more_leniently() -> None:
    rough = replace(GOOD, sigma_share=0.09, distance_share=0.08, inlier_share=0.5)
    assert doubt(rough, TrustSettings()) is not None
    assert doubt(rough, TrustSettings(), leniency=2.0) is None
