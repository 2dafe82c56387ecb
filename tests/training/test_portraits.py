"""Portrait fits, their re-rendering and the packs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.errors import AssetError
from engine.fit.closure import Closure
from engine.fit.heads import landmarks, open_head
from engine.fit.heads.open_head import OpenHead
from engine.fit.skinning import vertices
from engine.geometry import project, rotation_from_vector
from engine.training.packs import read_pack
from engine.training.portraits.backdrop import displacement_field, warped
from engine.training.portraits.collection import read_collection, squared
from engine.training.portraits.fit import Labels, PortraitFitter
from engine.training.portraits.fit_file import load_fits
from engine.training.portraits.landmark_model import FaceState, LandmarkModel
from engine.training.portraits.lids import closing
from engine.training.portraits.registration import spreading
from engine.training.portraits.rerender import PortraitRenderer, Rerendered
from engine.training.portraits.stream import write_rerendered
from engine.training.portraits.variation import Variation, varied_expression, vary
from engine.types import BLENDSHAPE_NAMES, Array

SIDE = 256


@pytest.fixture(scope="module")
def head() -> OpenHead:
    return open_head.load()


@pytest.fixture(scope="module")
def renderer(head: OpenHead) -> PortraitRenderer:
    return PortraitRenderer(head, SIDE)


def face(head: OpenHead, seed: int, turn: float = 0.15) -> FaceState:
    rng = np.random.default_rng(seed)
    expression = np.where(rng.random(52) < 0.15, rng.uniform(0, 0.7, 52), 0.0)
    return FaceState(
        rotation=rotation_from_vector(rng.normal(0, turn, 3))[None],
        translation=np.array([[0.01, -0.01, 0.9]]),
        log_focal=np.log([720.0]),
        identity=rng.normal(0, 0.7, (1, head.identity_basis.shape[0])),
        expression=expression[None],
        gaze=rng.normal(0, 0.15, (1, 2, 2)),
    )


def camera_from_head(state: FaceState) -> Array:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = state.rotation[0], state.translation[0]
    return matrix


def project_head(head: OpenHead, state: FaceState) -> Array:
    """By way of the product's own skinning and projection, which the portrait fit does not use."""
    posed = vertices(head, state.identity[0], state.expression[0], state.gaze[0], np.zeros(3))
    focal = float(np.exp(state.log_focal[0]))
    K = np.array([[focal, 0, SIDE / 2], [0, focal, SIDE / 2], [0, 0, 1.0]])
    return project(posed.astype(np.float64), camera_from_head(state), K)


def same_face(state: FaceState) -> Variation:
    return Variation(
        camera_from_head=camera_from_head(state),
        identity=state.identity[0],
        expression=state.expression[0],
        gaze=state.gaze[0],
        neck=np.zeros(3),
        focal_px=float(np.exp(state.log_focal[0])),
        gain=np.ones(3),
        light_direction=np.array([0.0, 0.0, -1.0]),
        light_tint=np.zeros(3),
        highlight=np.array([0.0, -0.6, -0.8]),
        pupil=0.4,
        seed=0.0,
    )


def test_landmark_model_agrees_with_skinning_every_vertex(head: OpenHead) -> None:
    for seed in range(3):
        state = face(head, seed)
        args = (state.identity[0], state.expression[0], state.gaze[0], np.zeros(3))
        whole = landmarks(head, vertices(head, *args).astype(np.float64))
        np.testing.assert_allclose(LandmarkModel(head).points(state)[0], whole, atol=2e-6)


def test_landmark_jacobian_agrees_with_finite_differences(head: OpenHead) -> None:
    model, state, step = LandmarkModel(head), face(head, 4), 1e-6
    rows = np.random.default_rng(5).normal(size=(1, 478, 3))
    jacobian, at = model.jacobian(state, rows)[0], model.points(state)
    K = model.identity_count
    for parameter in (0, 7, K + 5, K + 17, K + 24, K + 52, K + 53, K + 54, K + 55):
        values = [state.identity.copy(), state.expression.copy(), state.gaze.reshape(1, 4).copy()]
        part, index = (
            (0, parameter) if parameter < K
            else (1, parameter - K) if parameter < K + 52
            else (2, parameter - K - 52)
        )  # fmt: skip
        values[part][0, index] += step
        moved = replace(
            state, identity=values[0], expression=values[1], gaze=values[2].reshape(1, 2, 2)
        )
        slope = ((model.points(moved) - at) * rows).sum(2)[0] / step
        np.testing.assert_allclose(jacobian[parameter], slope, atol=3e-6)


def test_fit_finds_a_face_that_the_model_can_make(head: OpenHead) -> None:
    truth = face(head, 6)
    labels_px = landmarks(head, project_head(head, truth))
    noise = np.random.default_rng(7).normal(0, 0.2, labels_px.shape)
    labels = Labels((labels_px + noise)[None], np.full((1, 478), 0.3), np.full((1, 2), 256.0))
    found = PortraitFitter(head).fit(labels)
    assert found.error[0] < 0.004
    away = np.linalg.norm(project_head(head, found.state) - project_head(head, truth), axis=1)
    assert np.median(away[head.in_regions("face", "nose", "eyes", "mouth")]) < 0.6
    np.testing.assert_allclose(found.state.gaze, truth.gaze, atol=0.08)
    assert ((found.state.expression >= 0) & (found.state.expression <= 1)).all()


def test_spreading_keeps_a_common_shift_and_fades_nothing_in_the_face(head: OpenHead) -> None:
    shift = np.tile([2.0, -1.0], (478, 1))
    moved = spreading(head) @ shift
    inside = head.in_regions("face", "eyes", "nose", "mouth")
    np.testing.assert_allclose(moved[inside], np.tile([2.0, -1.0], (inside.sum(), 1)), atol=0.15)


def test_displacement_field_follows_its_points_and_rests_at_the_bottom() -> None:
    grid = np.stack(np.meshgrid(np.arange(80, 180, 3.0), np.arange(60, 170, 3.0)), -1)
    places = grid.reshape(-1, 2)
    field = displacement_field(places, np.tile([6.0, -4.0], (len(places), 1)), SIDE)
    np.testing.assert_allclose(field[90:140, 100:160].mean((0, 1)), [6.0, -4.0], atol=0.05)
    assert np.abs(field[-1]).max() < 0.8


def test_warped_moves_a_picture_like_shifting_its_rows() -> None:
    image = np.random.default_rng(8).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    field = np.tile(np.array([5.0, 0.0]), (64, 64, 1))
    np.testing.assert_array_equal(warped(image, field, 1)[:, 10:], image[:, 5:-5])


def test_a_mark_on_the_face_moves_to_its_label(head: OpenHead, renderer: PortraitRenderer) -> None:
    """Paint a dot where the portrait shows a vertex; after re-rendering it lies at the label."""
    state = face(head, 9, turn=0.05)
    projected = project_head(head, state)
    labels_px = landmarks(head, projected)
    neutral = head.neutral
    cheek = int(np.linalg.norm(neutral - [0.038, 0.045, -0.02], axis=1).argmin())
    chin = int(np.linalg.norm(neutral - [0.0, 0.1, -0.03], axis=1).argmin())
    for vertex in (cheek, chin):
        image = np.full((SIDE, SIDE, 3), 40, np.uint8)
        centre = tuple(int(v) for v in np.round((projected[vertex] - 0.5) * 16))
        cv2.circle(image, centre, 40, (250, 250, 250), -1, cv2.LINE_AA, 4)
        likeness = renderer.likeness(image, state, labels_px)
        turn = rotation_from_vector(np.array([0.1, 0.15, 0.1]))
        moved = replace(state, rotation=turn @ state.rotation)
        turned = replace(same_face(state), camera_from_head=camera_from_head(moved))
        drawn = renderer.draw(likeness, turned)
        label = drawn.points_px[vertex]
        y, x = np.mgrid[:SIDE, :SIDE] + 0.5
        bright = np.clip(drawn.image.astype(float).mean(2) - 60, 0, None)
        bright *= np.hypot(x - label[0], y - label[1]) < 12
        found = np.array([(bright * x).sum(), (bright * y).sum()]) / bright.sum()
        assert np.linalg.norm(label - projected[vertex]) > 4.0
        np.testing.assert_allclose(found, label, atol=0.5)
        assert drawn.visible[vertex]


def test_the_same_face_gives_the_same_picture(head: OpenHead, renderer: PortraitRenderer) -> None:
    state = face(head, 10, turn=0.05)
    noise = np.random.default_rng(11).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    projected = project_head(head, state)
    likeness = renderer.likeness(image, state, landmarks(head, projected))
    drawn = renderer.draw(likeness, same_face(state))
    np.testing.assert_allclose(drawn.points_px, projected, atol=0.02)
    skin = drawn.visible & head.in_regions("face", "nose")
    column, row = projected[skin].astype(int).T
    difference = np.abs(drawn.image[row, column].astype(float) - image[row, column])
    assert np.median(difference) < 3.0


def test_a_turned_head_hides_its_far_ear(head: OpenHead, renderer: PortraitRenderer) -> None:
    state = face(head, 12, turn=0.0)
    turned = replace(state, rotation=rotation_from_vector(np.array([0.0, 0.9, 0.0]))[None])
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    likeness = renderer.likeness(image, state, landmarks(head, project_head(head, state)))
    visible = renderer.draw(likeness, same_face(turned)).visible
    ears, x = head.in_regions("ears"), head.neutral[:, 0]
    # A turn of +y about y takes the nose (-z) to -x, the subject's right: the left ear comes near.
    assert visible[ears & (x > 0)].mean() > 0.3
    assert visible[ears & (x < 0)].mean() < 0.02


def test_closing_shuts_lids_without_crossing(head: OpenHead) -> None:
    """By way of the product's skinning and of landmarks all along the lids."""
    upper, lower = [388, 386, 384, 157, 159, 161], [390, 374, 381, 154, 145, 163]
    for seed in range(5):
        state = face(head, seed)
        expression = state.expression[0] * 0.0
        expression[BLENDSHAPE_NAMES.index("eyeSquintLeft")] = 0.1 * seed
        values = closing(head, state.identity[0], expression)
        expression[[BLENDSHAPE_NAMES.index(f"eyeBlink{s}") for s in ("Left", "Right")]] = values
        posed = vertices(head, state.identity[0], expression, np.zeros((2, 2)), np.zeros(3))
        gap = landmarks(head, posed)[lower, 1] - landmarks(head, posed)[upper, 1]
        assert gap.max() < 0.0
        assert gap.min() > -0.003


def test_lips_mostly_touch(head: OpenHead) -> None:
    """The lips' red borders come nearer by what separates the neutral lips."""
    closure, rng = Closure(head), np.random.default_rng(3)
    for _ in range(5):
        identity, expression = rng.normal(0, 0.8, len(head.identity_basis)), np.zeros(52)
        expression[BLENDSHAPE_NAMES.index("mouthClose")] = closure.seal(identity)
        posed = vertices(head, identity, expression, np.zeros((2, 2)), np.zeros(3))
        at = landmarks(head, posed)
        overlap = (at[[82, 13, 312], 1] - at[[87, 14, 317], 1]).mean()
        assert overlap == pytest.approx(0.0022, abs=2e-4)


def test_variations_close_eyes_and_open_mouths_often(head: OpenHead) -> None:
    rng, state = np.random.default_rng(13), face(head, 14)
    drawn = np.stack([varied_expression(state.expression[0], rng) for _ in range(400)])
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    blink = drawn[:, [BLENDSHAPE_NAMES.index(f"eyeBlink{s}") for s in ("Left", "Right")]]
    assert (blink.min(1) > 0.7).mean() > 0.2
    assert ((blink.max(1) > 0.7) & (blink.min(1) < 0.3)).mean() > 0.05
    assert (drawn[:, BLENDSHAPE_NAMES.index("jawOpen")] > 0.3).mean() > 0.1
    assert 0.03 < (drawn[:, BLENDSHAPE_NAMES.index("tongueOut")] > 0.4).mean() < 0.1


def test_the_shoulders_stay_when_the_head_turns(head: OpenHead) -> None:
    """The neck's root must not follow the head: in camera space it stays where it was."""
    state = replace(face(head, 15), expression=np.zeros((1, 52)))
    new = vary(head, state, np.random.default_rng(16))
    root = head.skin_weights[:, 1] > 0.85
    args = (state.identity[0], np.zeros(52), np.zeros((2, 2)))
    still = vertices(head, *args, np.zeros(3))[root]
    before = still @ state.rotation[0].T + state.translation[0]
    rotation, translation = new.camera_from_head[:3, :3], new.camera_from_head[:3, 3]
    after = vertices(head, *args, new.neck)[root] @ rotation.T + translation
    led = still @ rotation.T + translation
    assert root.sum() > 20
    moved, without_neck = (np.linalg.norm(p - before, axis=1).mean() for p in (after, led))
    assert without_neck > 0.003
    assert moved < 0.2 * without_neck


def test_a_pack_holds_what_was_drawn(tmp_path: Path, head: OpenHead) -> None:
    rng = np.random.default_rng(17)
    smooth = cv2.GaussianBlur(rng.uniform(0, 255, (SIDE, SIDE, 3)), (0, 0), 9)
    pictures = [
        Rerendered(smooth.astype(np.uint8), rng.uniform(-20, 300, (11, 2)), rng.random(11) < 0.5,
                   vary(head, face(head, seed), rng))
        for seed in range(3)
    ]  # fmt: skip
    write_rerendered(tmp_path / "b.npz", iter(pictures), 3, "abc")
    with np.load(tmp_path / "b.npz", allow_pickle=False) as pack:
        assert str(pack["stream"]) == "b"
        assert str(pack["head_sha256"]) == "abc"
        start, end = pack["offsets"][1:3]
        back = cv2.imdecode(pack["jpeg"][start:end], cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(back.astype(int) - pictures[1].image).mean() < 2.0
        np.testing.assert_allclose(pack["points"][1] / 64.0, pictures[1].points_px, atol=0.008)
        unpacked = np.unpackbits(pack["visible"][1])[:11].astype(bool)
        np.testing.assert_array_equal(unpacked, pictures[1].visible)
    read = read_pack(tmp_path / "b.npz")
    for name in ("expression", "identity", "gaze", "camera_from_head"):
        expected = [getattr(picture.state, name) for picture in pictures]
        np.testing.assert_allclose(getattr(read, name), expected, atol=2e-3, err_msg=name)


def test_squared_keeps_the_shape_of_what_is_shown() -> None:
    image = np.zeros((100, 50, 3), np.uint8)
    image[20:40, 10:30] = 255
    square, factor = squared(image)
    assert square.shape == (SIDE, SIDE, 3)
    assert factor == pytest.approx(2.56)
    rows, columns = np.nonzero(square[:, :128].mean(2) > 128)
    assert np.ptp(rows) + 1 == pytest.approx(51, abs=1)
    assert np.ptp(columns) + 1 == pytest.approx(51, abs=1)


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"labels\.npz.*FLOWFACE_DATA"):
        read_collection(tmp_path)
    with pytest.raises(AssetError, match=r"fits\.npz.*fit"):
        load_fits(tmp_path / "fits.npz")
