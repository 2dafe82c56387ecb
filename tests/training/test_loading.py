"""Batches come in order and once each, whoever makes them, and see what was rendered meanwhile."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch

from engine.training import loading
from engine.training.batches import Batch, BatchMaker
from engine.training.loading import BatchRange, ProcessLoader
from engine.training.render.ring import RenderedStream

LAST = 23


class GrowingStream:
    """Has one picture more each time it is asked to take what is ready."""

    def __init__(self) -> None:
        self.pictures = 0

    def refresh(self) -> int:
        self.pictures += 1
        return 1


class NumberedMaker:
    """Makes batches that tell their number, and how many pictures there were."""

    def __init__(self, stream: GrowingStream) -> None:
        self._stream = stream

    def make(self, seed: int, step: int, pairs: int) -> torch.Tensor:
        if step == seed:
            raise ValueError(f"no batch {step}")
        return torch.tensor([step, self._stream.pictures, pairs])


def loader(live: bool, first: int, fails_at: int = -1) -> ProcessLoader:
    stream = GrowingStream()
    maker, streams = NumberedMaker(stream), [stream] if live else []
    wanted = BatchRange(seed=fails_at, pairs=2, steps=LAST, fresh=0)
    return ProcessLoader(
        cast(BatchMaker, maker), wanted, first, cast(list[RenderedStream], streams), processes=2
    )


def taken(loading: ProcessLoader) -> list[list[int]]:
    batches: list[list[int]] = []
    try:
        while (batch := cast(Any, loading.take())) is not None:
            batches.append(batch.tolist())
    finally:
        loading.stop()
    return batches


def test_processes_give_every_batch_once_and_in_order() -> None:
    cv2.setNumThreads(3)
    # A copy of a process lacks its threads: those of OpenCV at work must not be waited for there.
    cv2.GaussianBlur(np.zeros((999, 999), np.uint8), (9, 9), 3.0)
    assert taken(loader(live=False, first=4)) == [[step, 0, 2] for step in range(4, LAST)]
    assert cv2.getNumThreads() == 3


def test_rounds_see_what_was_rendered_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_ROUND", 8)
    monkeypatch.setattr(loading, "_SHORTEST_ROUND", 3)
    monkeypatch.setattr(loading, "_HANDOVER", 2)
    batches = taken(loader(live=True, first=0))
    assert [step for step, _, _ in batches] == list(range(LAST))
    # Rounds of 3, 3 + 3, then 8 and what is left; each begins two batches before its turn.
    assert [seen for _, seen, _ in batches] == [1] * 3 + [2] * 6 + [8] * 8 + [16] * 6


def test_what_goes_wrong_in_a_process_is_raised() -> None:
    failing = loader(live=False, first=0, fails_at=5)
    with pytest.raises(ValueError, match="no batch 5"):
        taken(failing)


def test_a_batch_keeps_its_kind_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from chain_batch import batch_of_two

    made = batch_of_two()
    monkeypatch.setattr(NumberedMaker, "make", lambda *_: made)
    one = loader(live=False, first=LAST - 1)
    found = one.take()
    one.stop()
    assert isinstance(found, Batch)
    torch.testing.assert_close(found.second_from_first, made.second_from_first)
    assert found.pairs == made.pairs
