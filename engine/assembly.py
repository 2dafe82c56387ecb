"""Puts a tracker together from its settings."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Protocol

import engine.fit.heads
import engine.network.backends
from engine import plugins
from engine.config import TrackerConfig
from engine.fit.heads import HeadModel
from engine.fit.settings import TrackerSettings
from engine.graph import FrameTracker
from engine.network import weights
from engine.network.backends import Backend
from engine.types import Camera


class TrackerMaker(Protocol):
    """Makes trackers for a session, one after the other."""

    def __call__(self, config: TrackerConfig, camera: Camera) -> FrameTracker:
        """Return a tracker that starts without a face. Raises AssetError or ConfigError."""
        ...

    def close(self) -> None:
        """Release what the trackers shared."""
        ...


class TrackerFactory:
    """Keeps network and head loaded while only the camera changes."""

    def __init__(self) -> None:
        self._loaded: tuple[TrackerConfig, HeadModel, Backend] | None = None

    def __call__(self, config: TrackerConfig, camera: Camera) -> FrameTracker:
        """Return a tracker that starts without a face. Raises AssetError or ConfigError."""
        # Imported here, so that a session with another tracker never loads these libraries.
        from engine.fit.tracker import Tracker
        from engine.network.detector import Detector

        head, backend = self._parts(config)
        return Tracker(head, backend, Detector(), TrackerSettings(), camera)

    def close(self) -> None:
        """Release the network."""
        if self._loaded is not None:
            self._loaded[2].close()
            self._loaded = None

    def _parts(self, config: TrackerConfig) -> tuple[HeadModel, Backend]:
        if self._loaded is None or self._loaded[0] != config:
            self.close()
            head = load_head(config.head)
            module = plugins.load(engine.network.backends, config.backend)
            backend: Backend = module.create(weights.load(config.weights), config.threads)
            backend.warm_up()
            self._loaded = config, head, backend
        return self._loaded[1], self._loaded[2]


def load_head(name: str) -> HeadModel:
    """Load a head model, `open` by engine/fit/heads/open_head.py. Raises Asset- or ConfigError."""
    return _head_module(name).load()


def head_file(name: str) -> Path:
    """Return the file that a head model is read from. Raises ConfigError if there is no such."""
    return _head_module(name).DEFAULT_PATH


def _head_module(name: str) -> ModuleType:
    return plugins.load(engine.fit.heads, f"{name}_head")
