"""Training without packs made beforehand: what an unpacked bundle gives a trainer.

Use::

    bundle = open_bundle(path, cache_folder)
    portraits = portrait_pack(bundle, cache_folder / "c.npz")     # stream (c), made once
    streams = live_streams(bundle, seed=1, workers=8, folder=run) # streams (a), (a) of ICT, (b)
    ...
    for stream in streams.values(): stream.advance(4)             # after every step
    save_streams(streams, run)                                    # with every checkpoint
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from engine.fit.heads import open_head
from engine.resources import sha256
from engine.training.bundle import Bundle
from engine.training.packs import Pack, read_pack
from engine.training.portraits.collection import read_collection
from engine.training.portraits.fit_file import load_fits
from engine.training.portraits.live import PortraitSource
from engine.training.portraits.stream import write_labelled
from engine.training.render.ring import RenderedStream, load_rows
from engine.training.render.workers import HeadSource, Source

POSITIONS = "rendered.json"


def portrait_pack(bundle: Bundle, path: Path) -> Pack:
    """Return stream (c) of a bundle's portraits, written to `path` the first time."""
    if not path.is_file():
        collection = read_collection(bundle.data / "faces")
        head = sha256(open_head.DEFAULT_PATH)
        write_labelled(path, collection, head, load_fits(bundle.fits))
    return read_pack(path)


def live_sources(bundle: Bundle, seed: int) -> dict[str, Source]:
    """Return what can be drawn, by name: "a", "ict" if the bundle has that head, "b"."""
    sources: dict[str, Source] = {"a": HeadSource(open_head.DEFAULT_PATH, bundle.data, seed)}
    if bundle.ict_head is not None:
        sources["ict"] = HeadSource(bundle.ict_head, bundle.data, seed + 1, known=False)
    faces = bundle.data / "faces"
    sources["b"] = PortraitSource(open_head.DEFAULT_PATH, faces, bundle.fits, seed + 2)
    return sources


def live_streams(
    bundle: Bundle,
    seed: int,
    workers: int,
    capacity: int = 4096,
    gpu: int | None = None,
    folder: Path | None = None,
) -> dict[str, RenderedStream]:
    """Start rendering every source, by name; each has at least one worker.

    folder  where `save_streams` left rings of an earlier run: they go on from there
    gpu     index of the EGL device that draws; the system's choice if None
    """
    sources = live_sources(bundle, seed)
    started: dict[str, int] = {}
    if folder is not None and (folder / POSITIONS).is_file():
        started = json.loads((folder / POSITIONS).read_text(encoding="utf-8"))
    streams: dict[str, RenderedStream] = {}
    for place, (name, source) in enumerate(sources.items()):
        share = max(1, (workers + len(sources) - 1 - place) // len(sources))
        saved = None if folder is None else folder / f"rendered_{name}.npz"
        rows = load_rows(saved) if saved is not None and name in started else []
        streams[name] = RenderedStream(source, share, capacity, started.get(name, 0), gpu, rows)
    return streams


def save_streams(streams: dict[str, RenderedStream], folder: Path) -> None:
    """Write every ring that holds pictures, and how far it came."""
    positions: dict[str, int] = {}
    for name, stream in streams.items():
        if stream.filled:
            stream.save(folder / f"rendered_{name}.npz")
            positions[name] = stream.position
    writing = folder / f"{POSITIONS}.writing"
    writing.write_text(json.dumps(positions), encoding="utf-8")
    writing.replace(folder / POSITIONS)


def fill(streams: Sequence[RenderedStream], least: int) -> None:
    """Wait until every ring holds at least `least` pictures."""
    for stream in streams:
        stream.advance(max(0, least - stream.filled))
