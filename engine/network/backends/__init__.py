"""Inference backends, one module each; the protocol that they share.

A module here offers `create(weights: WeightFile, threads: int, half: bool = True) -> Backend`.
Heavy libraries are imported inside `create`, so that choosing one backend never loads another.
`half` asks for half precision where there is a graphics card to gain by it; a processor ignores it.
`create` raises BackendError where it cannot run, and AssetError for a damaged file.
"""

from __future__ import annotations

from typing import Protocol

from engine.types import Alignment, AlignmentMemory, Crop, Frame


class Backend(Protocol):
    """Runs the alignment network on one crop at a time."""

    @property
    def crop_side_px(self) -> int:
        """Side of the square crop that the network reads (D_img)."""
        ...

    about: str  # what runs the network, on which device, in which precision, for the user
    on_card: bool  # whether it runs on the current NVIDIA card

    def warm_up(self) -> None:
        """Make the slow first call."""
        ...

    def align(self, frame: Frame, crop: Crop, memory: AlignmentMemory | None = None) -> Alignment:
        """Align one crop: every vertex of the head model, in pixels of the full image.

        memory  of the frame before: one warm step from there; a cold start if None
        """
        ...

    def close(self) -> None:
        """Release what the runtime holds."""
        ...
