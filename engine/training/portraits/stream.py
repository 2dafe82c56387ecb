"""Packs of training images made of portraits: stream (b) re-rendered, stream (c) labelled.

A pack is one uncompressed .npz: `jpeg` uint8, all files one after another; `offsets` int64
(N + 1,); labels; `stream` "b" or "c"; `head_sha256`. Positions are int16 in 64ths of a pixel,
pixel centres at +0.5. Stream (b) has `points` (N, V, 2) and `visible` (N, V / 8) packed bits.
Stream (c) has `landmarks` (N, 478, 2), `spread` float16 (N, 478) px, `split` uint8 (N,),
1 = validation, and `mirror` int32 (478,). Both carry `expression` (N, 52), `identity` (N, K),
`gaze` (N, 2, 2), `camera_from_head` (N, 4, 4): in (b) what was drawn, in (c) the portrait's fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from engine.errors import AssetError
from engine.fit.heads.open_head import OpenHead
from engine.training.packs import encoded, fixed_point, write_pack
from engine.training.portraits.collection import SIDE_PX, Collection, squared, squared_labels
from engine.training.portraits.fit_file import StoredFits
from engine.training.portraits.rerender import PortraitRenderer, Rerendered
from engine.training.portraits.variation import vary

VARIATIONS = 3  # drawn of a portrait before the next one is prepared
GOOD_FIT = 0.009  # of the box side: portraits that fit worse are not re-rendered
JPEG_QUALITY = 94


def usable_portraits(collection: Collection, fits: StoredFits) -> NDArray[np.intp]:
    """Return the training portraits that are fitted well enough to be re-rendered."""
    return np.flatnonzero(~collection.validation & (fits.error < GOOD_FIT))


def rerendered(
    head: OpenHead, collection: Collection, fits: StoredFits, count: int, seed: int
) -> Iterator[Rerendered]:
    """Yield `count` re-rendered training portraits: the well-fitted ones in turn, varied thrice."""
    usable = usable_portraits(collection, fits)
    rng = np.random.default_rng(seed)
    renderer = PortraitRenderer(head, SIDE_PX)
    wanted = -(-count // VARIATIONS)
    order = np.concatenate([rng.permutation(usable) for _ in range(-(-wanted // len(usable)))])
    for number, index in enumerate(order[:wanted]):
        picked = np.array([index])
        state, labels = fits.state.take(picked), squared_labels(collection, picked)
        image, _ = squared(collection.image(int(index)))
        likeness = renderer.likeness(image, state, labels.landmarks_px[0])
        for _ in range(min(VARIATIONS, count - number * VARIATIONS)):
            yield renderer.draw(likeness, vary(head, state, rng))


def labelled_row(picture: Rerendered) -> tuple[bytes, dict[str, NDArray]]:
    """Return a picture's JPEG file and its labels, as a pack keeps them."""
    state = picture.state
    row: dict[str, NDArray] = {
        "points": fixed_point(picture.points_px),
        "visible": np.packbits(picture.visible),
        "expression": state.expression.astype(np.float16),
        "identity": state.identity.astype(np.float16),
        "gaze": state.gaze.astype(np.float32),
        "camera_from_head": state.camera_from_head.astype(np.float32),
    }
    return encoded(picture.image, JPEG_QUALITY), row


def write_rerendered(path: Path, pictures: Iterator[Rerendered], count: int, sha256: str) -> None:
    """Write stream (b)."""
    files, rows = list[bytes](), dict[str, list[NDArray]]()
    for picture in tqdm(pictures, total=count, unit="image"):
        file, row = labelled_row(picture)
        files.append(file)
        for key, value in row.items():
            rows.setdefault(key, []).append(value)
    labels = {key: np.stack(values) for key, values in rows.items()}
    write_pack(path, files, stream="b", head_sha256=sha256, **labels)


def write_labelled(
    path: Path, collection: Collection, sha256: str, fits: StoredFits | None = None
) -> None:
    """Write stream (c): every portrait, training and validation, with its fit if there is one."""
    every = np.arange(len(collection.validation))
    labels = squared_labels(collection, every)
    files = [encoded(squared(collection.image(int(i)))[0], JPEG_QUALITY) for i in tqdm(every)]
    arrays: dict[str, NDArray] = {
        "landmarks": fixed_point(labels.landmarks_px),
        "spread": labels.spread_px.astype(np.float16),
        "split": collection.validation.astype(np.uint8),
        "mirror": collection.mirror,
    }
    if fits is not None:
        state = fits.state
        arrays["camera_from_head"] = np.tile(np.eye(4, dtype=np.float32), (len(every), 1, 1))
        arrays["camera_from_head"][:, :3, :3] = state.rotation
        arrays["camera_from_head"][:, :3, 3] = state.translation
        arrays |= {"expression": state.expression.astype(np.float16),
                   "identity": state.identity.astype(np.float16),
                   "gaze": state.gaze.astype(np.float32)}  # fmt: skip
    write_pack(path, files, stream="c", head_sha256=sha256, **arrays)


def pack_sheet(path: Path, rows: int, columns: int, tile_px: int) -> NDArray[np.uint8]:
    """Return a contact sheet (rows * tile_px, columns * tile_px, 3) from all over a pack."""
    with np.load(path, allow_pickle=False) as pack:
        data, offsets = pack["jpeg"], pack["offsets"]
    tiles = list[NDArray[np.uint8]]()
    for i in np.linspace(0, len(offsets) - 2, rows * columns).astype(int):
        picture = cv2.imdecode(data[offsets[i] : offsets[i + 1]], cv2.IMREAD_COLOR)
        if picture is None:
            raise AssetError(f"{path}: picture {i} is damaged; write the pack again")
        tile = cv2.resize(picture, (tile_px, tile_px), interpolation=cv2.INTER_AREA)
        tiles.append(np.asarray(tile, dtype=np.uint8)[..., ::-1])
    return np.vstack([np.hstack(tiles[r * columns : (r + 1) * columns]) for r in range(rows)])
