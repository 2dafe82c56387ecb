from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import AssetError
from engine.evaluation import ablation
from engine.evaluation.ablation import Variant, gflop, variants
from engine.evaluation.variants import backend_of, trained, ways
from engine.network.build import untrained_point_aligner
from engine.network.config import configuration
from engine.network.point_aligner import PointAligner
from engine.types import Crop, Frame

SMALL = replace(configuration("nano"), image_side_px=64, uv_side=16)


@pytest.fixture(scope="module")
def network() -> PointAligner:
    torch.manual_seed(0)
    return untrained_point_aligner(SMALL).eval()


def test_every_number_of_steps_that_there_are_parts_for(network: PointAligner) -> None:
    ways = variants(network)
    assert [(v.steps, v.warm) for v in ways] == [
        (0, False), (1, False), (2, False), (3, False), (1, True),
    ]  # fmt: skip
    zero: Any = untrained_point_aligner(replace(SMALL, start="zero", iterations=2))
    assert variants(zero)[0] == Variant(1, warm=False)
    bare: Any = untrained_point_aligner(replace(SMALL, iterations=0))
    assert [(v.steps, v.warm) for v in variants(bare)] == [(0, False)]


def test_steps_cost_what_one_step_costs(network: PointAligner) -> None:
    counts = [gflop(network, Variant(steps, warm=False)) for steps in (0, 1, 2)]
    steps = np.diff(counts)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert steps[0] > 0
    # Warm, there is a step but no matching, whose product is as large as that of all positions.
    assert gflop(network, Variant(1, warm=True)) <= counts[1]


def test_the_counter_agrees_with_a_sum_by_hand() -> None:
    """A convolution costs two operations per tap, channel in, channel out and output pixel."""

    class Sizes:
        config = SMALL

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.aligner = torch.nn.Conv2d(3, 5, 3, padding=1), Sizes()

        def answer(self, picture: Any, start: Any, steps: int) -> Any:
            class Answer:
                points = self.layer(picture)

            return Answer

    whole: Any = Whole()
    assert gflop(whole, Variant(1, warm=False)) == pytest.approx(2 * 27 * 5 * 64 * 64 / 1e9)


def test_a_backend_takes_the_steps_that_it_is_told(network: PointAligner) -> None:
    rng = np.random.default_rng(0)
    frame = Frame(rng.integers(0, 255, (90, 90, 3), np.uint8), 0, 0)
    crop = Crop(np.eye(3), 64)
    picture = frame.image[:64, :64]
    assert network.aligner.config.iterations == 1
    for steps in (0, 2):
        found = backend_of(network, steps).align(frame, crop).points_px
        with torch.inference_mode():
            image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255.0
            estimate = network.aligner(image, None, steps)
            flow = network.aligner.answer(image, estimate)
            expected = network.readout(flow)[0][0].numpy()
        np.testing.assert_allclose(found, expected, atol=1e-3)
    assert network.aligner.config.iterations == 1


def test_a_network_without_steps_is_never_started_warm(network: PointAligner) -> None:
    own: Any = object()
    names = list(ways(network, own, 1))
    assert names == ["cold", "cold, 3 steps", "warm, 1 step"]
    assert ways(network, own, 1)["warm, 1 step"] == (own, True)
    bare = untrained_point_aligner(replace(SMALL, iterations=0))
    assert ways(bare, own, 1) == {"cold": (own, False)}
    paper = untrained_point_aligner(replace(SMALL, iterations=3))
    assert list(ways(paper, own, 1)) == ["cold", "warm, 1 step"]


def test_a_run_is_read_from_its_checkpoint(tmp_path: Path, network: PointAligner) -> None:
    state = {"config": asdict(SMALL), "average": network.aligner.state_dict(), "settings": {}}
    torch.save(state, tmp_path / "checkpoint.pt")
    again = trained(str(tmp_path))
    assert again.aligner.config == SMALL
    for mine, theirs in zip(again.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)
    torch.save({"average": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(AssetError, match="not a checkpoint"):
        trained(str(tmp_path))
    with pytest.raises(AssetError, match="no weights named"):
        trained(str(tmp_path / "nowhere"))


def test_the_table_marks_the_steps_that_were_trained() -> None:
    row = {
        "run": "a", "encoder": "light", "image_side_px": 64, "uv_side": 16, "start": "warm",
        "steps": 1, "trained_steps": 1, "parameters": 2_000_000, "gflop": 0.5, "cpu_ms": 3.0,
        "gpu_ms": float("nan"),
    }  # fmt: skip
    text = ablation.text({"rows": [row, {**row, "steps": 3}], "threads": 2})
    assert "1*" in text
    assert "3*" not in text
    assert "2.00" in text


def test_a_backend_keeps_the_mirror_image() -> None:
    torch.manual_seed(2)
    network = untrained_point_aligner(replace(SMALL, mirrored=True)).eval()
    torch.nn.init.normal_(network.aligner.place)
    rng = np.random.default_rng(1)
    frame, crop = Frame(rng.integers(0, 255, (64, 64, 3), np.uint8), 0, 0), Crop(np.eye(3), 64)
    steps = network.aligner.config.iterations
    told, usual = (backend_of(network, n).align(frame, crop).points_px for n in (steps, None))
    np.testing.assert_array_equal(told, usual)
