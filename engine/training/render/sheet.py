"""Contact sheets of samples, plain or with their labels drawn in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.fit.heads.open_head import OpenHead
from engine.training.render.scene import Rendered

REGION_COLOURS = {
    "face": (90, 220, 90), "eyes": (80, 200, 255), "nose": (255, 200, 60), "mouth": (255, 90, 90),
    "ears": (200, 120, 255), "eyeball_left": (255, 255, 255), "eyeball_right": (255, 255, 255),
}  # fmt: skip


def labelled(image: NDArray[np.uint8], rendered: Rendered, head: OpenHead) -> NDArray[np.uint8]:
    """Draw every visible vertex of the face, coloured by region, at three times the size."""
    zoom = 3
    canvas = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    for region, colour in REGION_COLOURS.items():
        for x, y in rendered.points_px[rendered.visible & head.in_regions(region)]:
            centre = (int(x * zoom * 16 - 8), int(y * zoom * 16 - 8))
            cv2.circle(canvas, centre, 14, colour, -1, cv2.LINE_AA, 4)
    return canvas.astype(np.uint8)


def write_sheet(tiles: list[NDArray[np.uint8]], columns: int, tile_px: int, path: Path) -> None:
    """Write tiles, each (S, S, 3), as rows of `columns` into one JPEG."""
    small = [cv2.resize(t, (tile_px, tile_px), interpolation=cv2.INTER_AREA) for t in tiles]
    blank = np.zeros_like(small[0])
    small += [blank] * (-len(small) % columns)
    rows = [np.hstack(small[i : i + columns]) for i in range(0, len(small), columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
