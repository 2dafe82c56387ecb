"""The network in ONNX Runtime: the default on a plain CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.network.backends import Backend
from engine.network.backends._image_space import to_image
from engine.network.crop import cut
from engine.network.weights import WeightFile
from engine.types import Alignment, Array, Crop, Frame

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def create(weights: WeightFile, threads: int) -> Backend:
    """Open a session on `threads` threads. Raises AssetError if the file cannot be run."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads spin within a run, which saves a fifth of it, and rest between frames: a pool that
    # went on spinning would steal the other core from the fit and from the receiver's program.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    path = weights.onnx
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise AssetError(f"{path}: ONNX Runtime cannot run it ({error})") from error
    return OnnxBackend(session, weights.config.image_side_px)


class OnnxBackend:
    """A Backend over an InferenceSession."""

    def __init__(self, session: InferenceSession, crop_side_px: int) -> None:
        self._session, self.crop_side_px = session, crop_side_px

    def warm_up(self) -> None:
        """Run once on an empty crop."""
        self._run(np.zeros((self.crop_side_px, self.crop_side_px, 3), np.uint8))

    def align(self, frame: Frame, crop: Crop) -> Alignment:
        """Align one crop."""
        return to_image(*self._run(cut(frame.image, crop)), crop)

    def _run(self, picture: NDArray[np.uint8]) -> tuple[Array, Array]:
        points, sigma = self._session.run(None, {"image": picture[None]})
        return np.asarray(points)[0], np.asarray(sigma)[0]

    def close(self) -> None:
        """Nothing outlives the object."""
