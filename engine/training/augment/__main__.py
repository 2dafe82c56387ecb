"""Draw a sheet of augmented crops: `python -m engine.training.augment PACK --out SHEET.jpg`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads import landmarks
from engine.fit.heads.open_head import load
from engine.training.augment import AugmentSettings, random_crop, scene, sensor, window
from engine.training.packs import read_pack

_COLUMNS = 12


def main() -> None:
    """Read the arguments and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path, help="a training pack")
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--count", type=int, default=72, help="how many crops")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", type=int, default=192, help="side of a crop, px")
    parser.add_argument("--tile", type=int, default=96, help="side of a tile, px")
    parser.add_argument("--covered", action="store_true", help="tint what the scene covers")
    args = parser.parse_args()
    tiles = _tiles(args.pack, args.count, args.side, args.seed, tinted=args.covered)
    small = [cv2.resize(t, (args.tile, args.tile), interpolation=cv2.INTER_AREA) for t in tiles]
    small += [np.zeros_like(small[0])] * (-len(small) % _COLUMNS)
    rows = [np.hstack(small[k : k + _COLUMNS]) for k in range(0, len(small), _COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(args.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])


def _tiles(
    path: Path, count: int, side: int, seed: int, *, tinted: bool
) -> list[NDArray[np.uint8]]:
    pack, head, settings = read_pack(path), load(), AugmentSettings()
    rng = np.random.default_rng(seed)
    tiles: list[NDArray[np.uint8]] = []
    for index in rng.choice(len(pack), count, replace=count > len(pack)):
        points = pack.points_px(int(index))
        marks = points if pack.visible is None else landmarks(head, points)
        crop = random_crop(marks, side, rng, settings)
        crop_from_image = np.linalg.inv(crop.image_from_crop)
        inside = marks @ crop_from_image[:2, :2].T + crop_from_image[:2, 2]
        shown, covered = scene(window(pack.image(int(index)), crop, rng), rng, settings, inside)
        shown = sensor(shown, rng, settings)
        if tinted:
            shown[covered] = shown[covered] // 2 + np.array([127, 0, 127], np.uint8)
        tiles.append(shown)
    return tiles


if __name__ == "__main__":
    main()
