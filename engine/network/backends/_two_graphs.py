"""What every backend is: one graph for a cold start, one for a warm one, and a crop in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.network.backends._cuda import StaticRun
from engine.network.backends._image_space import to_image
from engine.network.crop import cut
from engine.network.warm import MEMORY_NAMES, carried
from engine.types import Alignment, AlignmentMemory, Crop, Frame

if TYPE_CHECKING:
    import torch

# From inputs by name ("image", and the memory's if warm) to the fields of PointAnswer by name. It
# takes what it needs of them: a network may begin with a fresh hidden state.
Graph = Callable[[Mapping[str, NDArray]], Mapping[str, NDArray]]


class TwoGraphs:
    """A Backend over two functions; what they run in is their own affair.

    about    what runs the network, for the user
    on_card  whether that is the current NVIDIA card
    """

    def __init__(
        self, cold: Graph, warm: Graph, crop_side_px: int, about: str, on_card: bool = False
    ) -> None:
        self._cold: Graph | None = cold
        self._warm: Graph | None = warm
        self.crop_side_px, self.about, self.on_card = crop_side_px, about, on_card

    def warm_up(self) -> None:
        """Run both once on an empty crop."""
        side = self.crop_side_px
        empty = Frame(np.zeros((side, side, 3), np.uint8), 0, 0)
        crop = Crop(np.eye(3), side)
        self.align(empty, crop, self.align(empty, crop).memory)

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        """Align one crop; one warm step from the memory of the frame before if there is one."""
        graph = self._cold if memory is None else self._warm
        if graph is None:
            raise ValueError("the backend has been closed")
        return to_image(graph(_inputs(frame, crop, memory)), crop)

    def close(self) -> None:
        """Let go of both graphs and of what they hold on the device."""
        self._cold = self._warm = None


class OnDevice(TwoGraphs):
    """A Backend whose answers others may read on the device, before they are fetched.

    runs    cold and warm
    device  where
    """

    def __init__(
        self, runs: tuple[StaticRun, StaticRun], crop_side_px: int, about: str, on_card: bool = True
    ) -> None:
        super().__init__(*runs, crop_side_px, about, on_card)
        self.runs: tuple[StaticRun, ...] = runs
        self.device: torch.device = runs[0].outputs["points"].device

    def align_then(
        self,
        frame: Frame,
        crop: Crop,
        memory: AlignmentMemory | None,
        then: Callable[[], object],
    ) -> Alignment:
        """Align one crop as `align` does, and let `then` enqueue what reads the answer."""
        if not self.runs:
            raise ValueError("the backend has been closed")
        run = self.runs[memory is not None]
        return to_image(run(_inputs(frame, crop, memory), then), crop)

    def close(self) -> None:
        """Let go of both runs and of what they hold on the device."""
        super().close()
        self.runs = ()


def _inputs(frame: Frame, crop: Crop, memory: AlignmentMemory | None) -> dict[str, NDArray]:
    inputs: dict[str, NDArray] = {"image": cut(frame.image, crop)[None]}
    if memory is not None:
        inputs.update(zip(MEMORY_NAMES, carried(memory, crop), strict=True))
    return inputs
