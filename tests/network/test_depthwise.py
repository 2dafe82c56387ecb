"""A depthwise convolution is PyTorch's own; under autocast on a processor it stays in float32."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.network.depthwise import Depthwise


@pytest.mark.parametrize("stride", [1, 2])
def test_is_a_grouped_convolution(stride: int) -> None:
    torch.manual_seed(0)
    layer, x = Depthwise(6, 5, stride), torch.randn(2, 6, 12, 12)
    expected = F.conv2d(x, layer.weight, layer.bias, stride, 2, groups=6)
    torch.testing.assert_close(layer(x), expected)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert list(Depthwise(6, 3, bias=False).state_dict()) == ["weight"]


def test_under_autocast_it_computes_in_single_precision() -> None:
    torch.manual_seed(0)
    layer, x = Depthwise(4, 3), torch.randn(2, 4, 8, 8, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    assert found.dtype == torch.bfloat16  # what follows goes on as it would
    exact = layer(x.float())
    torch.testing.assert_close(found, exact.to(torch.bfloat16), rtol=0.0, atol=0.0)
    exact.square().sum().backward()
    assert layer.weight.grad is not None
    expected = layer.weight.grad.clone()
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        layer(x).float().square().sum().backward()
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad, expected, rtol=5e-3, atol=5e-2)
