"""What every backend does with the network's answer: carry it into the full image."""

from __future__ import annotations

import numpy as np

from engine.types import Alignment, Array, Crop


def to_image(points: Array, sigma: Array, crop: Crop) -> Alignment:
    """Carry points (V, 2) and sigma (V,) from crop px to pixels of the full image."""
    linear, shift = crop.image_from_crop[:2, :2], crop.image_from_crop[:2, 2]
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    return Alignment(
        points_px=points.astype(np.float64) @ linear.T + shift,
        sigma_px=sigma.astype(np.float64) * scale,
        anchors=np.arange(len(points), dtype=np.int32),
    )
