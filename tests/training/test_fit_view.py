"""What an alignment's errors do to the fit, against heads that were turned and bent a little."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import torch

from engine.fit.heads import open_head
from engine.fit.residuals import EXPRESSION_START, GAZE
from engine.fit.skinning import vertices
from engine.network.aligner import FlowMap
from engine.training.augment import AugmentSettings
from engine.training.batches import BatchMaker
from engine.training.fit_view import FitLinear, Unknowns, importance_of, unknowns
from engine.training.loss import AlignmentLoss, LossSettings
from engine.training.packs import Pack, read_pack, write_pack
from engine.training.train import StreamShares, Trainer, TrainSettings

HEAD = open_head.load()
NAMES = HEAD.expression_names
LINEAR = FitLinear(HEAD)
SIDES = "Left", "Right"
SIZE = EXPRESSION_START + len(NAMES)
NO_PRIOR = 1e-6 * torch.eye(SIZE)
K = np.array([[300.0, 0, 128.0], [0, 300.0, 120.0], [0, 0, 1]])


class Face(NamedTuple):
    turn: np.ndarray  # rotation vector
    expression: np.ndarray
    gaze: np.ndarray
    identity: np.ndarray

    @property
    def camera_from_head(self) -> np.ndarray:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(self.turn)[0], (0.01, -0.02, 0.45)
        return pose

    def points(self) -> np.ndarray:
        """Project every vertex (V, 2), px."""
        there = vertices(HEAD, self.identity, self.expression, self.gaze, np.zeros(3))
        seen = (there @ self.camera_from_head[:3, :3].T + self.camera_from_head[:3, 3]) @ K.T
        return (seen[:, :2] / seen[:, 2:]).astype(np.float32)


def some_face() -> Face:
    rng = np.random.default_rng(3)
    expression = np.zeros(52)
    expression[[NAMES.index("jawOpen"), NAMES.index("mouthSmileRight")]] = 0.4, 0.3
    return Face(
        np.array([0.1, -0.3, 0.05]), expression, np.full((2, 2), 0.1), rng.normal(0, 0.7, 60)
    )


def changed(face: Face) -> tuple[Face, np.ndarray]:
    """Return the face, a little different, and by how much: 13 + 52 unknowns, no shift."""
    step = np.zeros(SIZE)
    step[:3] = 0.004, -0.006, 0.003
    step[GAZE] = 0.01, -0.008, 0.012, 0.006
    step[EXPRESSION_START + NAMES.index("jawOpen")] = 0.02
    step[EXPRESSION_START + NAMES.index("mouthSmileLeft")] = 0.03
    turned = cv2.Rodrigues(step[:3])[0] @ cv2.Rodrigues(face.turn)[0]
    return Face(
        cv2.Rodrigues(turned)[0][:, 0],
        face.expression + step[EXPRESSION_START:],
        face.gaze + step[GAZE].reshape(2, 2),
        face.identity,
    ), step


def held(face: Face) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return face.camera_from_head, face.expression, face.gaze, face.identity


def assert_is(found: Unknowns, sample: int, step: np.ndarray) -> None:
    """A step of Gauss-Newton: right to first order."""
    np.testing.assert_allclose(found.rotation_rad[sample], step[:3], atol=8e-4)
    np.testing.assert_allclose(found.gaze_rad[sample], step[GAZE], atol=1.5e-3)
    off = found.expression[sample].numpy() - step[EXPRESSION_START:]
    # Lids that follow an eye inwards and outwards at once undo each other: that shows little.
    opposed = [NAMES.index(f"eyeLook{way}{eye}") for way in ("In", "Out") for eye in SIDES]
    np.testing.assert_allclose(np.delete(off, opposed), 0.0, atol=8e-3)
    np.testing.assert_allclose(off[opposed], 0.0, atol=1e-2)


def test_a_head_that_moved_a_little_is_found_again() -> None:
    face = some_face()
    other, step = changed(face)
    view = LINEAR.at(face.points(), *held(face))
    assert view is not None
    error = torch.from_numpy((other.points() - face.points())[view.vertex])
    found = unknowns(
        error[None],
        torch.ones(1, len(error)),
        torch.from_numpy(view.jacobian)[None],
        torch.from_numpy(view.information)[None],
        NO_PRIOR,
    )
    assert_is(found, 0, step)
    # Of a head turned to its right, the left side is averted and is not read.
    across = HEAD.neutral[view.vertex, 0]
    assert np.median(view.information[across > 0.06]) == 0
    assert np.median(view.information[across < -0.06]) > 0


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Two pictures of one face, with its state."""
    face = some_face()
    grey = cv2.imencode(".jpg", np.full((256, 256, 3), 90, np.uint8))[1].tobytes()
    camera, expression, gaze, identity = (np.stack([part, part]) for part in held(face))
    write_pack(
        tmp_path / "a.npz",
        [grey, grey],
        points=np.round(np.stack([face.points()] * 2) * 64).astype(np.int16),
        visible=np.full((2, 630), 255, np.uint8),
        camera_from_head=camera,
        expression=expression,
        gaze=gaze,
        identity=identity,
        stream="a",
    )
    return read_pack(tmp_path / "a.npz")


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_crops_and_mirrored_ones_say_it_as_well(pack: Pack, mirror: float) -> None:
    face = some_face()
    other, step = changed(face)
    settings = replace(AugmentSettings.none(), mirror=mirror, roll_sd_rad=0.3)
    batch = BatchMaker(HEAD, [pack], [1.0], 192, settings, fit=LINEAR).make(1, 0, 2)
    before, after = (one.points()[LINEAR.vertex] for one in (face, other))
    for sample in range(4):
        vertex = batch.fit_vertex[sample]
        labels = batch.points[sample, vertex].numpy()
        ones = np.ones((len(labels), 1), np.float32)
        crop_from_image = np.linalg.lstsq(np.hstack([before, ones]), labels, rcond=None)[0]
        assert (np.linalg.det(crop_from_image[:2]) < 0) == bool(mirror)
        # Labels are rounded to 1/64 px, which shapes that look alike would make much of.
        error = (after - before) @ crop_from_image[:2]
        assert abs(np.hstack([before, ones]) @ crop_from_image - labels).max() < 0.05
        found = unknowns(
            torch.from_numpy(error)[None],
            torch.ones(1, len(labels)),
            batch.fit_jacobian[sample][None],
            batch.fit_information[sample][None],
            NO_PRIOR,
        )
        assert_is(found, 0, mirrored_shapes(step) if mirror else step)
        # What is there, as the batch tells it, is there in the columns.
        there = face.expression if not mirror else mirrored_shapes(face.expression, 0)
        np.testing.assert_allclose(batch.expression[sample], there, atol=1e-6)


def mirrored_shapes(values: np.ndarray, start: int = EXPRESSION_START) -> np.ndarray:
    """Return values with the shapes, from `start` on, of the other side."""
    result = values.copy()
    for k, name in enumerate(NAMES):
        if name.endswith("Left"):
            other = start + NAMES.index(name.removesuffix("Left") + "Right")
            result[[start + k, other]] = values[[other, start + k]]
    return result


def test_another_heads_labels_say_nothing(pack: Pack) -> None:
    face = some_face()
    elsewhere = np.random.default_rng(0).uniform(0, 256, (len(HEAD.neutral), 2))
    assert LINEAR.at(elsewhere.astype(np.float32), *held(face)) is None
    bare = replace(pack, camera_from_head=None)
    batch = BatchMaker(HEAD, [bare], [1.0], 192, AugmentSettings.none(), fit=LINEAR).make(1, 0, 2)
    assert batch.fit_vertex.shape == (4, 0)


def test_what_is_there_counts_more_than_what_is_not() -> None:
    truth = torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.0, 0.0]])
    wrong = Unknowns(
        torch.tensor([[0.05, 0.0, -0.1], [9.0, 9.0, 9.0]]),
        torch.tensor([[0.1, -0.1, 0.0, 0.2], [9.0, 9.0, 9.0, 9.0]]),
        torch.tensor([[-0.2, 0.4, 0.2], [9.0, 9.0, 9.0]]),
        torch.tensor([1.0, 0.0]),
    )
    # (0.2 + 0.25 x (0.4 + 0.2)) / 1.5 in tenths; 0.05 in 0.05 rad; 0.1 in 0.1 rad
    alike = torch.ones(3)
    assert float(wrong.loss(truth, alike)) == pytest.approx(0.35 / 0.15 + 1.0 + 1.0, rel=1e-5)
    # (0.2 + 0.25 x (3 x 0.4 + 0.2)) / (1 + 0.25 x 4)
    second = torch.tensor([1.0, 3.0, 1.0])
    assert float(wrong.loss(truth, second)) == pytest.approx(0.55 / 0.2 + 2.0, rel=1e-5)
    assert wrong.parts(truth)["active_shapes"] == pytest.approx(0.2)


def test_jaws_and_blinks_count_more_than_other_shapes() -> None:
    counts = dict(zip(NAMES, importance_of(HEAD), strict=True))
    more = {name for name, value in counts.items() if value > 1.0}
    assert more == {"jawOpen", "eyeBlinkLeft", "eyeBlinkRight"}
    assert set(counts.values()) >= {1.0}
    assert counts["eyeBlinkLeft"] == counts["eyeBlinkRight"]


def test_points_learn_from_it_and_sigma_does_not(pack: Pack) -> None:
    batch = BatchMaker(HEAD, [pack], [1.0], 192, AugmentSettings.none(), fit=LINEAR).make(1, 0, 1)
    torch.manual_seed(0)
    position = (torch.rand(2, 2, 32, 32) * 192).requires_grad_()
    sigma = (torch.rand(2, 1, 32, 32) + 1.0).requires_grad_()
    loss = AlignmentLoss(HEAD, LossSettings(fit=1.0))
    wrong, _ = loss.fit(FlowMap(position, sigma), batch)
    wrong.backward()
    assert position.grad is not None
    assert float(position.grad.abs().max()) > 0
    assert sigma.grad is None or not bool(sigma.grad.any())


def test_training_takes_it_in(pack: Pack, tmp_path: Path) -> None:
    shares = StreamShares(a=1.0, b=0.0, c=0.0)
    settings = TrainSettings(shares=shares, steps=1, batch=2, loss=LossSettings(fit=2.0))
    seen: dict[str, float] = {}
    trainer = Trainer(settings, [pack], tmp_path / "run")
    trainer.run(None, lambda step, parts: seen.update(parts))
    assert seen["rotation_deg"] > 0
    without = Trainer(replace(settings, loss=LossSettings()), [pack], tmp_path / "without")
    seen.clear()
    without.run(None, lambda step, parts: seen.update(parts))
    assert "rotation_deg" not in seen


def test_validation_says_what_errors_do_to_the_fit(pack: Pack, tmp_path: Path) -> None:
    held_out = replace(pack, path=tmp_path / "a_test.npz")
    shares = StreamShares(a=1.0, b=0.0, c=0.0)
    trainer = Trainer(TrainSettings(shares=shares), [pack, held_out], tmp_path / "run")
    told = trainer.validate(2)
    assert told["rendered_rotation_deg"] > 0
    assert told["rendered_active_shapes"] > 0
    bare = replace(held_out, camera_from_head=None)
    without = Trainer(TrainSettings(shares=shares), [pack, bare], tmp_path / "bare")
    assert "rendered_rotation_deg" not in without.validate(2)
