"""Catches code that asks the host for a value of a tensor on a device."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class OnlyOnDevice(TorchDispatchMode):
    """Fails at any operation that touches a tensor of the host; meta tensors refuse the rest."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        found = torch.utils._pytree.tree_leaves((args, kwargs, result))
        for tensor in (leaf for leaf in found if isinstance(leaf, torch.Tensor)):
            assert tensor.device.type == "meta", f"{func} is given a tensor on {tensor.device}"
        return result
