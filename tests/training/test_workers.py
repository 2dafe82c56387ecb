"""Rendering while training: order, restart, failure, and the ring's likeness to a pack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numbered_source import NumberedSource

from engine.errors import BackendError
from engine.fit.heads import open_head
from engine.training.bundle import Bundle
from engine.training.live import POSITIONS, live_sources, save_streams
from engine.training.packs import read_pack
from engine.training.render.ring import RenderedStream, load_rows
from engine.training.render.workers import BLOCK, HeadSource, Workers


@pytest.fixture
def stream() -> Iterator[RenderedStream]:
    ring = RenderedStream(NumberedSource(), workers=1, capacity=5)
    yield ring
    ring.close()


def test_pictures_come_in_order_from_all_workers() -> None:
    workers = Workers(NumberedSource(), 2, first=BLOCK + 1)
    try:
        rows = [workers.take() for _ in range(4 * BLOCK)]
    finally:
        workers.close()
    numbers = [int(row[1]["points"][0, 0]) // 64 for row in rows if row]
    assert numbers == list(range(BLOCK + 1, 5 * BLOCK + 1))
    assert workers.next == 5 * BLOCK + 1


def test_a_failure_in_a_worker_reaches_the_trainer() -> None:
    workers = Workers(NumberedSource(fails_at=2), 1)
    try:
        assert workers.take() is not None
        assert workers.take() is not None
        with pytest.raises(BackendError, match=r"render-a-0: BackendError: no such graphics card"):
            workers.take()
    finally:
        workers.close()


def test_the_ring_keeps_the_newest_pictures(stream: RenderedStream) -> None:
    stream.advance(3)
    assert (len(stream), stream.filled, stream.position) == (5, 3, 3)
    assert stream.points_px(4)[0, 0] == 1.0  # three pictures for five indices: they repeat
    assert stream.expression is not None
    np.testing.assert_allclose(1000 * stream.expression[:, 0], [0, 1, 2, 0, 1], atol=0.01)
    stream.advance(5)
    shown = sorted(int(stream.points_px(i)[0, 0]) for i in range(5))
    assert shown == [3, 4, 5, 6, 7]
    for i in range(5):
        number = int(stream.points_px(i)[0, 0])
        assert stream.image(i)[0, 0, 0] == number
        assert stream.seen(i).tolist() == [(k % 2) == number % 2 for k in range(9)]
        assert 1000 * stream.expression[i, 0] == pytest.approx(number, abs=0.01)
    assert stream.identity is None


def test_a_saved_ring_goes_on_where_it_stopped(stream: RenderedStream, tmp_path: Path) -> None:
    stream.advance(7)
    stream.save(tmp_path / "ring.npz")
    assert len(read_pack(tmp_path / "ring.npz")) == 5
    again = RenderedStream(
        NumberedSource(), 1, 5, stream.position, rows=load_rows(tmp_path / "ring.npz")
    )
    try:
        stream.advance(2)
        again.advance(2)
        for ring in (stream, again):
            assert sorted(int(ring.points_px(i)[0, 0]) for i in range(5)) == [4, 5, 6, 7, 8]
    finally:
        again.close()


@pytest.mark.slow
def test_workers_draw_heads(tmp_path: Path) -> None:
    source = HeadSource(open_head.DEFAULT_PATH, tmp_path, seed=3)
    draw = source.open()
    workers = Workers(source, 2)
    try:
        for index in range(2 * BLOCK):
            row = workers.take()
            assert row is not None
            assert row[0] == draw(index)[0]
    finally:
        workers.close()


def test_live_streams_are_kept_by_name(stream: RenderedStream, tmp_path: Path) -> None:
    stream.advance(4)
    save_streams({"a": stream}, tmp_path)
    assert json.loads((tmp_path / POSITIONS).read_text(encoding="utf-8")) == {"a": 4}
    kept = [int(row[1]["points"][0, 0]) // 64 for row in load_rows(tmp_path / "rendered_a.npz")]
    assert kept == [0, 1, 2, 3]


def test_a_bundle_names_what_can_be_drawn(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path, tmp_path / "fits.npz", tmp_path / "ict_head.npz", ())
    sources = live_sources(bundle, seed=5)
    assert {name: source.stream for name, source in sources.items()} == {
        "a": "a", "ict": "a", "b": "b"
    }  # fmt: skip
    assert len({getattr(source, "seed") for source in sources.values()}) == 3  # noqa: B009
    assert not getattr(sources["ict"], "known")  # noqa: B009 - its people are another model's
    assert set(live_sources(replace(bundle, ict_head=None), 5)) == {"a", "b"}
