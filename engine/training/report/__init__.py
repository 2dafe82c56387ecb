"""Pictures of a training run: how its figures move, and what it sees on a few faces."""

from __future__ import annotations

from engine.training.report.curves import draw_curves
from engine.training.report.samples import draw_samples

__all__ = ["draw_curves", "draw_samples"]
