"""Two faces, each seen twice, with labels of landmarks: the least that a chain can learn from."""

from __future__ import annotations

import torch

from engine.fit.heads import open_head
from engine.network.config import configuration
from engine.training.batches import Batch


def batch_of_two() -> Batch:
    """Return random pictures and labels; every second view is moved by an affine map."""
    generator = torch.Generator().manual_seed(7)
    side, vertices = configuration("nano").image_side_px, len(open_head.load().neutral)

    def uniform(*size: int) -> torch.Tensor:
        return torch.rand(size, generator=generator)

    move = torch.tensor([[0.98, -0.05, 4.0], [0.05, 0.98, -3.0]]).expand(2, 2, 3)
    return Batch(
        image=uniform(4, 3, side, side),
        points=torch.zeros(4, vertices, 2),
        point_weight=torch.zeros(4, vertices),
        landmarks=uniform(4, 478, 2) * side,
        landmark_weight=uniform(4, 478) + 0.1,
        identity=torch.zeros(4, 60),
        identity_weight=torch.zeros(4),
        expression=torch.zeros(4, 52),
        expression_weight=torch.zeros(4),
        fit_vertex=torch.zeros(4, 0, dtype=torch.long),
        fit_jacobian=torch.zeros(4, 0, 2, 65),
        fit_information=torch.zeros(4, 0),
        second_from_first=move,
    )
