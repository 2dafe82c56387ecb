"""Warm steps in a row, as in video: each begins where the one before ended.

A network that saw one warm step at a time drifts away over many: what feeds back was never
learnt. Here the two views of a face take turns as the next frame, so that one look at each serves a
chain of any length; what happened meanwhile is a disturbance of the memory.
Source: method.md section 4 (live); back-propagation through the hidden state alone, as in RAFT.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.network.aligner import Aligner, FlowMap, Memory, View
from engine.network.correlation import pyramid
from engine.training.batches import Batch
from engine.training.loss import AlignmentLoss
from engine.training.warm_start import WarmSettings, carried, disturbed


def chain_loss(
    network: Aligner,
    view: View,
    start: Memory,
    batch: Batch,
    loss: AlignmentLoss,
    settings: WarmSettings,
    generator: torch.Generator,
) -> tuple[Tensor, dict[str, float]]:
    """Return the mean loss over a chain of warm steps, with parts by name for the log.

    view   of the whole batch: P first views, then P second ones
    start  memory of the first views
    """
    side, pairs = network.config.image_side_px, batch.pairs
    parts_of = slice(0, pairs), slice(pairs, None)
    views = [view.part(part) for part in parts_of]
    levels = [pyramid(v.correlation, network.config.correlation_levels) for v in views]
    truths = [batch.part(part) for part in parts_of]
    moves = [inverse(batch.second_from_first), batch.second_from_first]  # to first, to second
    memory, parts = start, {"chain_px": 0.0}
    total = view.correlation.new_zeros(())
    for step in range(1, settings.steps + 1):
        now = step % 2
        memory = disturbed(carried(memory, moves[now]), settings, side, generator)
        memory = network.resume(views[now], memory)
        memory = network.refine(views[now], memory, levels[now], warm=True)
        found = FlowMap(*(tensor.float() for tensor in memory.flow_map()))
        each, told = loss([found], truths[now])
        total = total + each / settings.steps
        parts["chain_px"] += told["vertex_px"] / settings.steps
    return total, parts


def inverse(second_from_first: Tensor) -> Tensor:
    """Return the inverses (P, 2, 3) of affine maps (P, 2, 3)."""
    turn = torch.linalg.inv(second_from_first[:, :, :2])
    return torch.cat([turn, -turn @ second_from_first[:, :, 2:]], dim=2)
