"""The network in PyTorch, as trained: the reference for every other backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.network.backends import Backend
from engine.network.backends._image_space import to_image
from engine.network.crop import cut
from engine.network.weights import WeightFile
from engine.types import Alignment, Array, Crop, Frame

if TYPE_CHECKING:
    from torch import nn


def create(weights: WeightFile, threads: int) -> Backend:
    """Load the parameters. `threads` is PyTorch's own number of threads, process-wide.

    Raises AssetError if the file is damaged or belongs to another configuration.
    """
    import torch

    from engine.network.build import build_point_aligner

    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build_point_aligner(weights).to(device)
    return TorchBackend(network, weights.config.image_side_px, device)


class TorchBackend:
    """A Backend that runs the module itself."""

    def __init__(self, network: nn.Module, crop_side_px: int, device: str) -> None:
        self._network, self._device, self.crop_side_px = network, device, crop_side_px

    def warm_up(self) -> None:
        """Run once on an empty crop."""
        self._run(np.zeros((self.crop_side_px, self.crop_side_px, 3), np.uint8))

    def align(self, frame: Frame, crop: Crop) -> Alignment:
        """Align one crop."""
        return to_image(*self._run(cut(frame.image, crop)), crop)

    def _run(self, picture: NDArray[np.uint8]) -> tuple[Array, Array]:
        import torch

        with torch.inference_mode():
            image = torch.from_numpy(picture)[None].to(self._device)
            points, sigma = self._network(image)
        return points[0].cpu().numpy(), sigma[0].cpu().numpy()

    def close(self) -> None:
        """Nothing outlives the object."""
