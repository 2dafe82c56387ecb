"""The warm start: what the network found in the last frame, moved into the crop of this one.

Source: method.md section 4 (live): F_0, S_0 and h_0 of frame t come from frame t-1.
"""

from __future__ import annotations

import numpy as np

from engine.types import AlignmentMemory, Array, Crop

# Inputs of the warm graph, in this order; a graph cannot have an output of the same name.
MEMORY_NAMES = ("start_position", "start_log_sigma", "start_hidden")


def carried(memory: AlignmentMemory, crop: Crop) -> tuple[Array, Array, Array]:
    """Return position, log sigma and hidden state as inputs of the warm network, float32.

    The face is taken to have stayed where it was in the image: the step finds how it moved.

    returns  (1, 2, D, D) px of the new crop, (1, 1, D, D), (1, H, D, D)
    """
    new_from_old = np.linalg.inv(crop.image_from_crop) @ memory.crop.image_from_crop
    linear, shift = new_from_old[:2, :2], new_from_old[:2, 2]
    moved = np.einsum("ij,jhw->ihw", linear, memory.position) + shift[:, None, None]
    log_scale = 0.5 * np.log(abs(np.linalg.det(linear)))
    return (
        moved[None].astype(np.float32),
        (memory.log_sigma + log_scale)[None].astype(np.float32),
        memory.hidden[None].astype(np.float32),
    )
