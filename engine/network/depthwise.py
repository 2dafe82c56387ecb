"""Convolutions of every channel by itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Depthwise(nn.Conv2d):
    """A depthwise convolution that keeps the size, up to its stride.

    Processors have no fast gradient for one in bfloat16: under autocast there, in training, it
    computes in float32.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, *, bias: bool = True) -> None:
        super().__init__(
            channels, channels, kernel, stride, kernel // 2, groups=channels, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002, D102
        if input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float()).to(input.dtype)
