"""The network in PyTorch, as trained: the reference for every other backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.network.backends import Backend
from engine.network.backends._image_space import to_image
from engine.network.crop import cut
from engine.network.warm import carried
from engine.network.weights import WeightFile
from engine.types import Alignment, AlignmentMemory, Crop, Frame

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
        """Run once on an empty crop, cold and warm."""
        side = self.crop_side_px
        empty = Frame(np.zeros((side, side, 3), np.uint8), 0, 0)
        crop = Crop(np.eye(3), side)
        self.align(empty, crop, self.align(empty, crop).memory)

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        """Align one crop."""
        import torch

        inputs: list[NDArray] = [cut(frame.image, crop)[None]]
        if memory is not None:
            inputs += carried(memory, crop)
        with torch.inference_mode():
            answer = self._network(*(torch.from_numpy(x).to(self._device) for x in inputs))
        named = {name: tensor.cpu().numpy() for name, tensor in answer._asdict().items()}
        return to_image(named, crop)

    def close(self) -> None:
        """Nothing outlives the object."""
