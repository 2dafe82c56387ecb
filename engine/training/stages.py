"""What each stage of training minimises: the alignment, warm steps in chains, the heads on it."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.network.aligner import Aligner, FlowMap, Memory, View
from engine.network.traits import Traits
from engine.training.batches import Batch
from engine.training.chains import chain_loss
from engine.training.loss import AlignmentLoss
from engine.training.warm_start import WarmSettings, carried, disturbed

ALIGNMENT, WARM, HEADS = STAGES = "alignment", "warm", "heads"

Loss = tuple[Tensor, dict[str, float]]  # with its parts by name, for the log


class Stages:
    """The losses of a network.

    settings  how wrong a memory is
    """

    def __init__(self, network: Aligner, loss: AlignmentLoss, settings: WarmSettings) -> None:
        self._network, self._loss, self._settings = network, loss, settings

    def learns(self, stage: str, parameter: str) -> bool:
        """Return whether a parameter of this name learns in a stage."""
        part, own = parameter.split(".")[0], self._network.config.own_warm_update
        if stage == HEADS:
            return part in ("traits", "eyes")
        if stage == WARM:
            return part == ("warm_update" if own else "update")
        if part == "traits":
            return self._loss.settings.traits > 0
        return part not in ("warm_update", "eyes")

    def of(self, stage: str, batch: Batch, generator: torch.Generator) -> Loss:
        """Return the loss of a batch.

        generator  on the CPU; it draws what happens between two frames
        """
        if stage == HEADS:
            return self._heads(batch, generator)
        return (self._alignment if stage == ALIGNMENT else self._warm)(batch, generator)

    def _alignment(self, batch: Batch, generator: torch.Generator) -> Loss:
        """Cold on all views, a further step, agreement of the views."""
        network, settings, first = self._network, self._loss.settings, slice(0, batch.pairs)
        with _autocast(batch):
            cold = network(_channels_last(batch.image))
            start, view, seen = cold.memory.part(first), cold.view.part(first), batch.part(first)
            if not network.config.own_warm_update:
                # One block for both: the warm step of the second views is in the same batch.
                warm = self._next(start, cold.view, batch, generator)
                start = Memory(*(torch.cat(both) for both in zip(start, warm, strict=True)))
                view, seen = cold.view, batch
            further = network.refine(view.settled(), start)
        total, parts = self._loss(_float(cold.steps), batch)
        loss, told = self._loss(_float([further.flow_map()]), seen)
        total, parts["further_px"] = total + settings.further * loss, told["vertex_px"]
        still, parts["still_px"] = self._loss.stillness(_float(cold.steps)[-1], batch)
        total = total + settings.still * still
        if settings.fit > 0 and batch.fit_vertex.shape[1]:
            loss, told = self._loss.fit(_float(cold.steps)[-1], batch)
            total, parts = total + settings.fit * loss, parts | told
        if settings.traits > 0 and cold.traits is not None:
            loss, told = self._loss.traits(_all_float(cold.traits), batch)
            total, parts = total + settings.traits * loss, parts | told
        return total, parts

    def _warm(self, batch: Batch, generator: torch.Generator) -> Loss:
        """Warm steps in a row; where they share a block with the cold ones, those too."""
        network, own = self._network, self._network.config.own_warm_update
        steps: list[FlowMap] = []
        with _autocast(batch):
            with torch.no_grad():
                view = network.look(_channels_last(batch.image))
                memory = network.begin(view)
            with torch.set_grad_enabled(not own):
                for _ in range(network.config.iterations):
                    memory = network.refine(view, memory)
                    steps.append(memory.flow_map())
            start = Memory(*(tensor[: batch.pairs].detach() for tensor in memory))
            total, parts = chain_loss(
                network, view, start, batch, self._loss, self._settings, generator
            )
        if own:
            return total, parts
        cold, told = self._loss(_float(steps), batch)
        return total + cold, parts | told

    def _heads(self, batch: Batch, generator: torch.Generator) -> Loss:
        """Traits, cold and warm, and irises, on a network that is held fixed."""
        network, second = self._network, slice(batch.pairs, None)
        with _autocast(batch):
            cold = network(_channels_last(batch.image))
            if cold.traits is None:
                raise ConfigError(f"{network.config.name}: has no traits to learn")
            start = cold.memory.part(slice(0, batch.pairs))
            warm = self._next(start, cold.view, batch, generator)
            view = cold.view.part(second)
            told = network.tell(view, network.refine(view, warm, warm=True))
        total, parts = self._loss.traits(_all_float(cold.traits), batch)
        loss, _ = self._loss.traits(_all_float(told or cold.traits), batch.part(second))
        total = total + 0.5 * loss
        if network.eyes is not None:
            with _autocast(batch):
                irises = network.eyes(batch.image, cold.steps[-1].position)
            loss, told = self._loss.irises(irises, batch)
            total, parts = total + loss, parts | told
        return total, parts

    def _next(self, memory: Memory, view: View, batch: Batch, generator: torch.Generator) -> Memory:
        """Begin with the second views after the first ones, and what happened meanwhile.

        memory  of the first views
        view    of all
        """
        side = self._network.config.image_side_px
        moved = carried(memory, batch.second_from_first)
        before = disturbed(moved, self._settings, side, generator)
        return self._network.resume(view.part(slice(batch.pairs, None)), before)


def _autocast(batch: Batch) -> torch.autocast:
    """Compute in bfloat16 where the machine multiplies in it: a card, a processor with AMX."""
    device = batch.image.device.type
    fast = device == "cuda" or torch.cpu.get_capabilities().get("amx_bf16", False)
    return torch.autocast(device, torch.bfloat16, enabled=bool(fast))


def _float(steps: list[FlowMap]) -> list[FlowMap]:
    return [FlowMap(*(tensor.float() for tensor in flow)) for flow in steps]


def _all_float(told: Traits) -> Traits:
    return Traits(*(tensor.float() for tensor in told))


def _channels_last(image: Tensor) -> Tensor:
    return image.contiguous(memory_format=torch.channels_last)
