"""How busy the machine is: processor, memory, and an NVIDIA card where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil
import pynvml

_MIB = 2**20


@dataclass(frozen=True)
class CardLoad:
    """One graphics card; all programs together."""

    name: str
    busy: float  # share of the time, 0 to 1
    memory_mib: float
    memory_total_mib: float


@dataclass(frozen=True)
class Load:
    """Since the last look, but memory: now."""

    processor: float  # share of all cores that all programs took, 0 to 1
    ours: float  # share of all cores that this program took, 0 to 1
    memory_mib: float  # of this program
    memory_free_mib: float  # of the machine
    card: CardLoad | None = None


class Machine:
    """Looks at the machine. The first look has no time to refer to and sees a processor at rest."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._card, self._card_name = _first_card()
        self.look()

    def look(self) -> Load:
        """Return the load; takes well under a millisecond."""
        return Load(
            processor=psutil.cpu_percent(None) / 100,
            ours=self._process.cpu_percent(None) / 100 / (psutil.cpu_count() or 1),
            memory_mib=self._process.memory_info().rss / _MIB,
            memory_free_mib=psutil.virtual_memory().available / _MIB,
            card=self._card_load(),
        )

    def _card_load(self) -> CardLoad | None:
        if self._card is None:
            return None
        try:
            rates: Any = pynvml.nvmlDeviceGetUtilizationRates(self._card)
            memory: Any = pynvml.nvmlDeviceGetMemoryInfo(self._card)
        except pynvml.NVMLError:  # taken away, or asleep
            return None
        return CardLoad(
            self._card_name, rates.gpu / 100, float(memory.used) / _MIB, float(memory.total) / _MIB
        )


def _first_card() -> tuple[Any, str]:
    try:
        pynvml.nvmlInit()
        card = pynvml.nvmlDeviceGetHandleByIndex(0)
        return card, str(pynvml.nvmlDeviceGetName(card))
    except pynvml.NVMLError:  # no card, or no driver
        return None, ""
