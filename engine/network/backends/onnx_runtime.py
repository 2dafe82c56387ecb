"""The network in ONNX Runtime: the default on a plain CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.network.backends import Backend
from engine.network.backends._image_space import to_image
from engine.network.crop import cut
from engine.network.onnx_file import onnx_file
from engine.network.warm import MEMORY_NAMES, carried
from engine.network.weights import WeightFile
from engine.types import Alignment, AlignmentMemory, Crop, Frame

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def create(weights: WeightFile, threads: int) -> Backend:
    """Open a session on `threads` threads. Raises AssetError if a file cannot be run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads spin within a run, which saves a fifth of it, and rest between frames: a pool that
    # went on spinning would steal the other core from the fit and from the receiver's program.
    options.add_session_config_entry("session.force_spinning_stop", "1")

    def session(path: Path) -> InferenceSession:
        try:
            return onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise AssetError(f"{path}: ONNX Runtime cannot run it ({error})") from error

    side = weights.config.image_side_px
    return OnnxBackend(session(onnx_file(weights)), session(onnx_file(weights, warm=True)), side)


class OnnxBackend:
    """A Backend over two InferenceSessions, cold and warm."""

    def __init__(self, cold: InferenceSession, warm: InferenceSession, crop_side_px: int) -> None:
        self._cold, self._warm, self.crop_side_px = cold, warm, crop_side_px

    def warm_up(self) -> None:
        """Run both once on an empty crop."""
        side = self.crop_side_px
        empty = Frame(np.zeros((side, side, 3), np.uint8), 0, 0)
        crop = Crop(np.eye(3), side)
        self.align(empty, crop, self.align(empty, crop).memory)

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        """Align one crop."""
        inputs: dict[str, NDArray] = {"image": cut(frame.image, crop)[None]}
        session = self._cold
        if memory is not None:
            session = self._warm
            inputs.update(zip(MEMORY_NAMES, carried(memory, crop), strict=True))
        names = [output.name for output in session.get_outputs()]
        answer = zip(names, session.run(names, inputs), strict=True)
        return to_image({name: np.asarray(value) for name, value in answer}, crop)

    def close(self) -> None:
        """Nothing outlives the object."""
