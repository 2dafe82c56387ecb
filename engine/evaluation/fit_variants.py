"""The live fit with parts of it switched off: what each part is worth, in one run.

A new part of the fit gets an entry in VARIANTS: what it shows, and the settings that show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.assembly import TrackerMaker
from engine.config import TrackerConfig
from engine.errors import ConfigError
from engine.fit.heads import HeadModel
from engine.fit.noise import NoiseModel
from engine.fit.settings import TrackerSettings
from engine.graph import FrameTracker
from engine.network.backends import Backend
from engine.types import Camera

_LOOSE = 1e3  # so wide a prior says nothing


@dataclass(frozen=True)
class Variant:
    """One set of settings of the tracker."""

    about: str
    settings: Callable[[TrackerSettings], TrackerSettings]


def _as_shipped(settings: TrackerSettings) -> TrackerSettings:
    return settings


def _without_past(settings: TrackerSettings) -> TrackerSettings:
    fit = replace(
        settings.fit,
        expression_step_sigma=(("", _LOOSE),),
        gaze_step_sigma_rad=_LOOSE,
        neck_step_sigma_rad=_LOOSE,
        rotation_step_sigma_rad=_LOOSE,
        shift_step_sigma_m=_LOOSE,
    )
    return replace(settings, fit=fit)


def _without_flow(settings: TrackerSettings) -> TrackerSettings:
    return replace(settings, motion=replace(settings.motion, weight=0.0))


SHIPPED = "shipped"
VARIANTS: dict[str, Variant] = {
    SHIPPED: Variant("the fit as it is sent on", _as_shipped),
    "no_flow": Variant("alignment and the priors between frames, no flow", _without_flow),
    "alone": Variant(
        "every frame's alignment fitted on its own, no prior between, no flow",
        lambda settings: _without_flow(_without_past(settings)),
    ),
}


def chosen(names: list[str] | None) -> dict[str, Variant]:
    """Return variants by name in that order; all if None. Raises ConfigError for another name."""
    for name in names or []:
        if name not in VARIANTS:
            raise ConfigError(f"variant {name!r}: allowed are {', '.join(VARIANTS)}")
    return {name: VARIANTS[name] for name in (names or VARIANTS)}


class VariantMaker:
    """Makes trackers of one variant around a network that others share."""

    def __init__(
        self, variant: Variant, head: HeadModel, backend: Backend, noise: NoiseModel | None
    ) -> None:
        self._settings = variant.settings(TrackerSettings())
        self._head, self._backend, self._noise = head, backend, noise

    @property
    def about(self) -> str:
        """What runs the network."""
        return self._backend.about

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        """Return a tracker that starts without a face; the network is the one given."""
        from engine.fit.tracker import Tracker
        from engine.network.detector import Detector

        settings = replace(self._settings, enrol=replace(self._settings.enrol, threaded=live))
        return Tracker(self._head, self._backend, Detector(), settings, camera, noise=self._noise)

    def close(self) -> None:
        """Leave the network to whoever made it."""


def makers(
    names: list[str] | None, head: HeadModel, backend: Backend, noise: NoiseModel | None = None
) -> dict[str, TrackerMaker]:
    """Return makers of the chosen variants, by name. `noise`: how the network errs."""
    return {name: VariantMaker(one, head, backend, noise) for name, one in chosen(names).items()}
