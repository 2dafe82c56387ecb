"""What the backends on NVIDIA cards share: whether there is one, and buffers that stay put."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def card_count() -> int:
    """Return how many NVIDIA cards the driver shows; costs nothing where there is no driver.

    Source: CUDA Driver API, cuInit and cuDeviceGetCount.
    """
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


class StaticRun:
    """A computation over tensors that never move: copies in, one launch, copies out.

    inputs, outputs  tensors by name, on one device; `launch` reads the ones and fills the others
    launch           enqueues the computation on the current stream
    stream           where all of it happens; None on a processor

    The host waits once a call, for the answer.
    """

    def __init__(
        self,
        inputs: Mapping[str, Tensor],
        outputs: Mapping[str, Tensor],
        launch: Callable[[], object],
        stream: torch.cuda.Stream | None,
    ) -> None:
        import torch

        def beside(tensor: Tensor) -> Tensor:
            return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=stream is not None)

        self._inputs, self.outputs = dict(inputs), dict(outputs)
        self._launch, self.stream = launch, stream
        self._host_in = {name: beside(tensor) for name, tensor in inputs.items()}
        self._host_out = {name: beside(tensor) for name, tensor in outputs.items()}

    def __call__(
        self, arrays: Mapping[str, NDArray], then: Callable[[], object] | None = None
    ) -> dict[str, NDArray]:
        """Return the outputs by name, in memory of their own.

        arrays  by the names of the inputs, of their shapes and types
        then    enqueues more on the same stream, which may read `outputs`; done on return as well
        """
        import torch

        with torch.inference_mode(), torch.cuda.stream(self.stream):  # None: nothing to enter
            for name, tensor in self._inputs.items():
                np.copyto(self._host_in[name].numpy(), arrays[name], casting="no")
                tensor.copy_(self._host_in[name], non_blocking=True)
            self._launch()
            for name, tensor in self.outputs.items():
                self._host_out[name].copy_(tensor, non_blocking=True)
            if then is not None:
                then()
        if self.stream is not None:
            self.stream.synchronize()
        return {name: tensor.numpy().copy() for name, tensor in self._host_out.items()}
