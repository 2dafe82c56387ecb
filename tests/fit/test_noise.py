"""Shared errors of a network: what is marginalised is what a full covariance would give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fit_scene
import numpy as np
import pytest
from fit_scene import INTRINSICS

from engine.errors import AssetError
from engine.fit.heads.open_head import OpenHead
from engine.fit.noise import NoiseModel, read_noise, write_noise
from engine.fit.settings import FitSettings
from engine.fit.shared_errors import Discount, expected
from engine.fit.solver import Past, Solver

N, K, P = 30, 3, 5


class Scene:
    """N vertices seen with own errors and K shared ones, and P unknowns that move them."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.modes = rng.normal(size=(N, K)).astype(np.float32)
        self.sigma = rng.uniform(0.5, 2.0, N)
        self.place = rng.uniform(0.5, 3.0, N)  # 1 / variance of an own error, px^-2
        self.flow = rng.uniform(0.0, 2.0, N)  # the same of a second measurement, free of modes
        self.moves = rng.normal(size=(N, 2, P))  # px per unknown
        self.misfit, self.flow_misfit = rng.normal(size=(2, N, 2))
        self.mean, self.precision = rng.normal(size=(K, 2)), rng.uniform(1.0, 4.0, K)

    def rows(self, flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted columns and residuals as the loops write them: both measurements as one."""
        total = self.place + flow
        target = (self.place[:, None] * self.misfit + flow[:, None] * self.flow_misfit) / (
            total[:, None]
        )
        root = np.sqrt(total)[:, None]
        jacobian = (root[:, :, None] * self.moves).reshape(2 * N, P).astype(np.float32)
        return jacobian, (root * target).ravel().astype(np.float32)

    def discount(self, flow: np.ndarray) -> Discount:
        prior = expected(np.zeros(K), None, 0.0)._replace(mean=self.mean, precision=self.precision)
        total = self.place + flow
        return Discount(self.modes, self.sigma, self.misfit, self.place, total, prior)

    def augmented(self, flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Normal equations of unknowns and amplitudes together, written out row by row."""
        size = P + 2 * K
        hessian, gradient = np.zeros((size, size)), np.zeros(size)
        for i in range(N):
            for axis in range(2):
                row = np.zeros(size)
                row[:P] = self.moves[i, axis]
                hessian += flow[i] * np.outer(row, row)
                gradient += flow[i] * row * self.flow_misfit[i, axis]
                row[P + axis :: 2] = self.sigma[i] * self.modes[i]
                hessian += self.place[i] * np.outer(row, row)
                gradient += self.place[i] * row * self.misfit[i, axis]
        amplitudes = np.arange(P, size)
        hessian[amplitudes, amplitudes] += np.repeat(self.precision, 2)
        gradient[P:] -= (self.precision[:, None] * self.mean).ravel()
        return hessian, gradient


@pytest.mark.parametrize("with_flow", [False, True])
def test_marginalised_equations_solve_the_augmented_ones(with_flow: bool) -> None:
    scene = Scene()
    flow = scene.flow if with_flow else np.zeros(N)
    hessian, gradient = scene.augmented(flow)
    joint = np.linalg.solve(hessian, -gradient)
    jacobian, residual = scene.rows(flow)
    discount = scene.discount(flow)
    cross = discount.cross(jacobian)
    left = jacobian.T @ jacobian - cross.T @ cross
    step = np.linalg.solve(left, -(jacobian.T @ residual - discount.slope(cross)))
    np.testing.assert_allclose(step, joint[:P], atol=1e-5)
    np.testing.assert_allclose(
        discount.amplitudes(jacobian @ step.astype(np.float32)),
        joint[P:].reshape(K, 2),
        atol=1e-5,
    )


def test_information_is_that_of_the_full_covariance() -> None:
    """The network's errors as one dense covariance, inverted."""
    scene = Scene()
    discount = Discount(
        scene.modes,
        scene.sigma,
        scene.misfit,
        scene.place,
        scene.place,
        expected(np.zeros(K), None, 0.0),
    )
    jacobian, _ = scene.rows(np.zeros(N))
    cross = discount.cross(jacobian)
    shared = scene.sigma[:, None] * scene.modes
    inverse = np.linalg.inv(shared @ shared.T + np.diag(1.0 / scene.place))
    dense = sum(scene.moves[:, a].T @ inverse @ scene.moves[:, a] for a in range(2))
    np.testing.assert_allclose(jacobian.T @ jacobian - cross.T @ cross, dense, rtol=1e-4, atol=1e-4)


def test_amplitudes_are_remembered_for_a_while() -> None:
    """A chain of AR(1) amplitudes has this mean and variance after n steps."""
    before, kept = np.array([[2.0, -1.0]]), np.array([0.9])
    soon, late = expected(kept, before, 2 / 30), expected(kept, before, 10.0)
    np.testing.assert_allclose(soon.mean, 0.81 * before)
    np.testing.assert_allclose(soon.precision, 1 / (0.81 * 0.19 + 0.19))
    np.testing.assert_allclose(late.mean, 0.0, atol=1e-9)
    np.testing.assert_allclose(late.precision, 1.0)


@pytest.fixture
def drifting(head: OpenHead) -> NoiseModel:
    """Errors that are one shift of the whole face, six times sigma, and hardly anything else."""
    count = len(head.neutral)
    return NoiseModel(
        np.full((count, 1), 6.0, np.float32),
        np.full(count, 0.1, np.float32),
        0.001,
        np.zeros(1),
        np.ones(8),
    )


def test_a_shift_of_the_whole_face_says_less_than_a_gap_between_lips(
    head: OpenHead, drifting: NoiseModel
) -> None:
    rest = fit_scene.state_at(head)
    places = fit_scene.projected(head, np.zeros(60), rest)
    opened = fit_scene.projected(head, np.zeros(60), fit_scene.state_at(head, jawOpen=0.4))
    found = {}
    for name, noise in (("none", None), ("drifting", drifting)):
        solver = Solver(head, FitSettings(marginalise=True), noise=noise)
        for what, points in (("shift", places + np.array([3.0, 0.0])), ("jaw", opened)):
            measurement = solver.measured(fit_scene.alignment(points, 1.0))
            past = Past(rest, 1 / 30, shared=np.zeros((1, 2)))
            state = solver.solve(measurement, INTRINSICS, rest, past)
            jaw = state.expression[head.expression_names.index("jawOpen")]
            found[name, what] = jaw if what == "jaw" else state.camera_from_head[0, 3]
    whole = 3.0 * 0.55 / 600
    assert found["none", "shift"] == pytest.approx(whole, rel=0.05)
    assert abs(found["drifting", "shift"]) < 0.7 * whole
    assert found["drifting", "jaw"] > 0.9 * found["none", "jaw"] > 0.3


def test_a_file_brings_back_what_was_written(
    head: OpenHead, drifting: NoiseModel, tmp_path: Path
) -> None:
    path, count = tmp_path / "noise.npz", len(head.neutral)
    write_noise(path, drifting)
    again = read_noise(path, count)
    np.testing.assert_allclose(again.modes, drifting.modes, rtol=1e-3)
    np.testing.assert_allclose(again.own, drifting.own, rtol=1e-3)
    assert again.reach_uv == pytest.approx(drifting.reach_uv)
    with pytest.raises(AssetError, match=f"made for {count} vertices, the head has 7"):
        read_noise(path, 7)
    write_noise(path, replace(drifting, own=-drifting.own))
    with pytest.raises(AssetError, match="no variances"):
        read_noise(path, count)
    path.write_bytes(b"nothing")
    with pytest.raises(AssetError, match="not a noise model"):
        read_noise(path, count)
