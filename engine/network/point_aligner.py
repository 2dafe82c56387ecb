"""What runs in a backend: the alignment network with its read-out, and the mirror image's answer.

A network errs differently on a picture and on its mirror image. The mean of both answers errs by
4 % less than either and trembles by a quarter less (BENCHMARKS.md); on a card, where a picture of a
few GFLOP costs its kernel launches, two at once cost hardly more than one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.network.aligner import Aligner, Memory, Readout
from engine.network.traits import Traits


class PointAnswer(NamedTuple):
    """What runs in a backend gives, by these names in every exported graph; B = 1."""

    points: Tensor  # (B, V, 2) crop px
    sigma: Tensor  # (B, V) crop px
    position: Tensor  # (B, 2, D, D) crop px: the memory for the next frame;
    # with that of the mirror image beside it 2 D across, all three
    log_sigma: Tensor  # (B, 1, D, D)
    hidden: Tensor  # (B, H, D, D)
    identity: Tensor  # (B, K); from here on (B, 0) if the network tells no traits
    identity_sigma: Tensor  # (B, K)
    expression: Tensor  # (B, E)
    expression_sigma: Tensor  # (B, E)
    tongue: Tensor  # (B, 1) probability


class MirrorImage(nn.Module):
    """Puts a picture beside its mirror image, and brings what is found there back.

    Outside the network the memories of both lie side by side, 2 D texels wide, in pixels of the
    picture itself: whoever moves one into the crop of the next frame need not know of two.

    vertices  (V,) of the head, each with its reflection
    side_px   S
    """

    def __init__(self, vertices: Tensor, side_px: int) -> None:
        super().__init__()
        self._side_px = side_px
        self.register_buffer("vertices", vertices, persistent=False)
        self.register_buffer("columns", torch.arange(side_px - 1, -1, -1), persistent=False)
        self.vertices: Tensor
        self.columns: Tensor

    def pictures(self, picture: Tensor) -> Tensor:
        """Return (2 B, 3, S, S): those given, then their mirror images."""
        # By columns and not by `flip`, whose graph has steps of -1.
        return torch.cat([picture, picture.index_select(3, self.columns)])

    def apart(self, memory: Memory) -> Memory:
        """Return the memories (2 B, ., D, D) of what lies side by side (B, ., D, 2 D)."""
        position, *others = (torch.cat(tensor.chunk(2, dim=3)) for tensor in memory)
        return Memory(self._second_turned(position), *others)

    def beside(self, memory: Memory) -> Memory:
        """Undo `apart`."""
        position = self._second_turned(memory.position)
        both = (position, memory.log_sigma, memory.hidden)
        return Memory(*(torch.cat(tensor.chunk(2), dim=3) for tensor in both))

    def mean(self, points: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of both answers: (2 B, V, 2) and (2 B, V) to (B, V, 2) and (B, V)."""
        first, second = points.chunk(2)
        x, y = second.index_select(1, self.vertices).split(1, dim=2)
        turned = torch.cat([self._side_px - x, y], dim=2)
        one, other = sigma.chunk(2)
        return 0.5 * (first + turned), 0.5 * (one + other.index_select(1, self.vertices))

    def _second_turned(self, position: Tensor) -> Tensor:
        first, second = position.chunk(2)
        x, y = second.split(1, dim=1)
        return torch.cat([first, torch.cat([self._side_px - x, y], dim=1)])


class PointAligner(nn.Module):
    """A crop in, vertex positions, memory and traits out.

    mirror  if the answer is the mean with the mirror image's
    """

    def __init__(
        self, aligner: Aligner, readout: Readout, mirror: MirrorImage | None = None
    ) -> None:
        super().__init__()
        self.aligner, self.readout, self.mirror = aligner, readout, mirror
        # One factor, found on validation images, makes the predicted sigma an honest one.
        self.register_buffer("sigma_scale", torch.ones(()))
        self.sigma_scale: Tensor

    @property
    def memory_sizes(self) -> tuple[tuple[int, int, int, int], ...]:
        """Shapes of position, log sigma and hidden state of one picture."""
        config = self.aligner.config
        side = config.uv_side
        across = side if self.mirror is None else 2 * side
        two, one, hidden = ((1, count, side, across) for count in (2, 1, config.hidden))
        return two, one, hidden

    def forward(self, image: Tensor, *memory: Tensor) -> PointAnswer:
        """Answer for crops.

        image   (B, S, S, 3) uint8
        memory  for a warm step: position, log_sigma and hidden of the frame before, in this crop
        """
        # Floats before all else: TensorRT does nothing with 8-bit values but cast them.
        picture = image.float().permute(0, 3, 1, 2) / 255.0
        return self.answer(picture, Memory(*memory) if memory else None)

    def answer(
        self, picture: Tensor, memory: Memory | None = None, iterations: int | None = None
    ) -> PointAnswer:
        """Answer for pictures (B, 3, S, S) sRGB 0..1.

        iterations  steps to take; None as Aligner has it
        """
        mirror = self.mirror
        if mirror is not None:
            memory = None if memory is None else mirror.apart(memory)
            picture = mirror.pictures(picture)
        estimate = self.aligner(picture, memory, iterations)
        points, sigma = self.readout(self.aligner.answer(picture, estimate))
        kept, told = estimate.memory, _told(estimate.traits, picture)
        if mirror is not None:
            points, sigma = mirror.mean(points, sigma)
            # Traits have a left and a right: those of the picture itself.
            kept, told = mirror.beside(kept), tuple(tensor.chunk(2)[0] for tensor in told)
        return PointAnswer(points, sigma * self.sigma_scale, *kept, *told)


def _told(traits: Traits | None, like: Tensor) -> tuple[Tensor, ...]:
    if traits is None:
        return (like.new_zeros(like.shape[0], 0),) * 5
    return (
        traits.identity,
        traits.identity_log_sigma.exp(),
        traits.expression,
        traits.expression_log_sigma.exp(),
        traits.tongue_logit.sigmoid(),
    )
