"""What every backend does with the network's answer: carry it into the full image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.types import Alignment, AlignmentMemory, Array, Crop, FaceTraits


def to_image(answer: Mapping[str, Array], crop: Crop) -> Alignment:
    """Carry a network's answer for one picture into pixels of the full image.

    answer  by the names of engine.network.point_aligner.PointAnswer, each with a batch axis of 1
    """
    linear, shift = crop.image_from_crop[:2, :2], crop.image_from_crop[:2, 2]
    scale = float(np.sqrt(abs(np.linalg.det(linear))))
    points, sigma = answer["points"][0], answer["sigma"][0]
    return Alignment(
        points_px=points.astype(np.float64) @ linear.T + shift,
        sigma_px=sigma.astype(np.float64) * scale,
        anchors=np.arange(len(points), dtype=np.int32),
        memory=AlignmentMemory(
            crop, *(np.asarray(answer[n][0]) for n in ("position", "log_sigma", "hidden"))
        ),
        traits=_traits(answer),
    )


def _traits(answer: Mapping[str, Array]) -> FaceTraits | None:
    if not answer["identity"].size:
        return None
    names = ("identity", "identity_sigma", "expression", "expression_sigma")
    return FaceTraits(
        *(answer[name][0].astype(np.float64) for name in names),
        tongue=float(answer["tongue"][0, 0]),
    )
