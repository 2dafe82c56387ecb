"""The mean with the mirror image's answer, against both answers taken by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.fit.heads import open_head
from engine.fit.symmetry import mirror_of_vertices
from engine.network.aligner import Memory
from engine.network.build import untrained_point_aligner
from engine.network.config import configuration
from engine.network.point_aligner import MirrorImage, PointAligner, PointAnswer
from engine.network.warm import carried
from engine.types import AlignmentMemory, Crop

SIDE = 64
OF_FACE = ("points", "sigma", "position", "log_sigma", "hidden")
CONFIG = replace(configuration("base"), width=1, image_side_px=SIDE, uv_side=16)


@pytest.fixture(scope="module")
def network() -> PointAligner:
    torch.manual_seed(3)
    made = untrained_point_aligner(CONFIG).eval()
    # An untrained crop has no left and right that differ.
    torch.nn.init.normal_(made.aligner.place)
    made.sigma_scale.fill_(0.9)
    return made


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    torch.manual_seed(5)
    coarse = torch.rand(2, 3, SIDE // 8, SIDE // 8)
    return torch.nn.functional.interpolate(coarse, SIDE, mode="bilinear")


def alone(network: PointAligner) -> PointAligner:
    """The same without the mirror image."""
    result = PointAligner(network.aligner, network.readout).eval()
    result.sigma_scale.copy_(network.sigma_scale)
    return result


def turned(points: Tensor) -> Tensor:
    """Points (B, V, 2) of a mirror image, brought back by hand."""
    found = points.numpy().copy()
    found[..., 0] = SIDE - found[..., 0]
    return torch.from_numpy(found[:, mirror_of_vertices(open_head.load())])


@torch.inference_mode()
def test_the_answer_is_the_mean_of_both(network: PointAligner, pictures: Tensor) -> None:
    found = network.answer(pictures)
    one, other = (alone(network).answer(p) for p in (pictures, pictures.flip(3)))
    torch.testing.assert_close(found.points, 0.5 * (one.points + turned(other.points)))
    vertices = mirror_of_vertices(open_head.load())
    torch.testing.assert_close(found.sigma, 0.5 * (one.sigma + other.sigma[:, vertices]))
    for name in set(PointAnswer._fields) - set(OF_FACE):  # traits: of the picture itself
        torch.testing.assert_close(getattr(found, name), getattr(one, name))


@torch.inference_mode()
def test_a_mirror_image_gets_the_mirrored_answer(network: PointAligner, pictures: Tensor) -> None:
    there, here = network.answer(pictures.flip(3)), network.answer(pictures)
    torch.testing.assert_close(turned(there.points), here.points, rtol=1e-4, atol=1e-3)
    lone = alone(network)
    apart = turned(lone.answer(pictures.flip(3)).points) - lone.answer(pictures).points
    assert float(apart.abs().mean()) > 0.1  # which a network alone does not give


@torch.inference_mode()
def test_a_warm_step_goes_on_from_both_memories(network: PointAligner, pictures: Tensor) -> None:
    first, second = pictures.split(1)
    found = network.answer(second, memory_of(network.answer(first)))
    lone = alone(network)
    one = lone.answer(second, memory_of(lone.answer(first)))
    other = lone.answer(second.flip(3), memory_of(lone.answer(first.flip(3))))
    expected = 0.5 * (one.points + turned(other.points))
    torch.testing.assert_close(found.points, expected, rtol=1e-5, atol=1e-4)
    assert not torch.allclose(found.points, network.answer(second).points, atol=1e-3)


@torch.inference_mode()
def test_both_memories_move_with_the_crop(network: PointAligner, pictures: Tensor) -> None:
    """Two memories lie side by side in pixels of one picture, so one movement moves both."""
    kept = memory_of(network.answer(pictures[:1]))
    assert [tensor.shape for tensor in kept] == [torch.Size(s) for s in network.memory_sizes]
    memory = AlignmentMemory(
        Crop(np.eye(3), SIDE), *(tensor[0].numpy().astype(np.float64) for tensor in kept)
    )
    shift = np.array([[1.0, 0, 3], [0, 1, -2], [0, 0, 1]])
    moved = Memory(*map(torch.from_numpy, carried(memory, Crop(shift, SIDE))))
    mirror = network.mirror
    assert mirror is not None
    before, after = (mirror.apart(Memory(*m)).position for m in (kept, moved))
    torch.testing.assert_close(after[0], before[0] + torch.tensor([-3.0, 2.0])[:, None, None])
    torch.testing.assert_close(after[1], before[1] + torch.tensor([3.0, 2.0])[:, None, None])


def test_side_by_side_and_apart_undo_each_other() -> None:
    torch.manual_seed(0)
    mirror = MirrorImage(torch.arange(4), SIDE)
    memory = Memory(*(torch.rand(4, count, 8, 8) for count in (2, 1, 3)))
    together = mirror.beside(memory)
    assert [tuple(tensor.shape) for tensor in together] == [(2, n, 8, 16) for n in (2, 1, 3)]
    for once, again in zip(memory, mirror.apart(together), strict=True):
        torch.testing.assert_close(again, once)


def memory_of(answer: PointAnswer) -> Memory:
    """What the next frame begins from."""
    return Memory(answer.position, answer.log_sigma, answer.hidden)
