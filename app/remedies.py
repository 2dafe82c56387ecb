"""What a button can do about a machine that does not keep up; the words for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from PySide6.QtCore import QCoreApplication

from engine.config import Choice
from engine.strain import Cause, Strain

_SIZES = ((1920, 1080), (1280, 720), (960, 540), (640, 480), (320, 240))
_RATES = (60.0, 50.0, 30.0, 25.0, 20.0, 15.0, 10.0)
_tr = QCoreApplication.translate


class Remedy(Enum):
    """Buttons of the warning."""

    SMALLER = "smaller"
    LOWER_RATE = "lower rate"
    SLOWER_PREVIEW = "slower preview"


@dataclass(frozen=True)
class Offer:
    """A remedy, what its button says, and the source that it makes; None if it is not the source's.

    Only what changes something is offered.
    """

    remedy: Remedy
    words: str
    source: Choice | None = None


def offers(strain: Strain, source: Choice) -> list[Offer]:
    """Return what can be done about a cause with the source in use."""
    found: list[Offer] = []
    if strain.cause is Cause.DRAWING:
        found.append(Offer(Remedy.SLOWER_PREVIEW, _tr("remedies", "Slower preview")))
    if strain.cause in (Cause.TRACKER, Cause.OTHERS, Cause.DRAWING):
        found += _lower_rate(strain, source)
    if strain.cause in (Cause.CAMERA, Cause.TRACKER):
        found += _smaller(source)
    return found


def explained(strain: Strain) -> str:
    """Say what is wrong and what was measured."""
    lost, rate, share = f"{100 * strain.lost:.0f} %", f"{strain.got_rate:.0f}", strain.share
    words = {
        Cause.TRACKER: _tr(
            "remedies",
            "The tracker is slower than the camera: it manages {rate} pictures a second and "
            "{lost} are left out.",
        ),
        Cause.OTHERS: _tr(
            "remedies",
            "Other programs take {share} of the processor: the tracker manages {rate} pictures a "
            "second and {lost} are left out.",
        ),
        Cause.DRAWING: _tr(
            "remedies",
            "Drawing the picture takes {share} of the time: the tracker manages {rate} pictures a "
            "second and {lost} are left out.",
        ),
        Cause.CAMERA: _tr(
            "remedies",
            "The camera loses {lost} of its pictures before they arrive here; {rate} a second do.",
        ),
        Cause.OUTPUT: _tr(
            "remedies",
            "The output {name} is slower than the tracker: it sends {rate} a second and skips "
            "{lost}.",
        ),
    }
    share_words = f"{100 * share:.0f} %"
    return words[strain.cause].format(lost=lost, rate=rate, share=share_words, name=strain.name)


def _lower_rate(strain: Strain, source: Choice) -> list[Offer]:
    asked = getattr(source.settings, "frame_rate", None)
    if source.kind != "webcam" or asked is None:
        return []
    rate = next((r for r in _RATES if r <= strain.got_rate + 0.5 and r < asked), None)
    if rate is None:
        return []
    words = _tr("remedies", "{rate} pictures a second").format(rate=f"{rate:.0f}")
    return [Offer(Remedy.LOWER_RATE, words, _with(source, frame_rate=rate))]


def _smaller(source: Choice) -> list[Offer]:
    if source.kind != "webcam":
        return []
    now = source.settings.width_px * source.settings.height_px
    size = next((s for s in _SIZES if s[0] * s[1] < now), None)
    if size is None:
        return []
    words = _tr("remedies", "{0} × {1} picture").format(*size)
    return [Offer(Remedy.SMALLER, words, _with(source, width_px=size[0], height_px=size[1]))]


def _with(source: Choice, **values: Any) -> Choice:
    return replace(source, settings=replace(source.settings, **values))
