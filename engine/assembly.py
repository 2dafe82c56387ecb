"""Puts a tracker together from its settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol

from threadpoolctl import threadpool_limits

import engine.fit.heads
import engine.network.backends
from engine import plugins
from engine.config import TrackerConfig
from engine.errors import AssetError, PersonError, TakeError
from engine.fit.heads import HeadModel
from engine.fit.noise import NoiseModel, read_noise
from engine.fit.person import StoredPerson
from engine.fit.rest import RestSettings
from engine.fit.retarget import RetargetSettings
from engine.fit.settings import EnrolSettings, TrackerSettings
from engine.fit.sides import split
from engine.fit.step_choice import StepsMaker
from engine.graph import FrameTracker
from engine.network import weights
from engine.network.backends import Backend, auto
from engine.people import People
from engine.resources import checked, sha256
from engine.types import Camera


class TrackerMaker(Protocol):
    """Makes trackers for a session, one after the other."""

    @property
    def about(self) -> str:
        """What runs the network, for the user; empty before the first tracker."""
        ...

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        """Return a tracker that starts without a face. Raises AssetError or ConfigError.

        live  it must never wait for what it learns; else the same frames give the same results
        """
        ...

    def close(self) -> None:
        """Release what the trackers shared."""
        ...


class _Parts(NamedTuple):
    """What trackers share."""

    config: TrackerConfig
    head: HeadModel
    backend: Backend
    noise: NoiseModel | None


class TrackerFactory:
    """Keeps network and head loaded while only the camera changes.

    progress  how far making a tracker has come: share of the usual time, and what is being done
    """

    def __init__(self) -> None:
        self._loaded: _Parts | None = None
        self._steps: StepsMaker | None = None
        self.progress = (0.0, "")

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        """Return a tracker that starts without a face. Raises AssetError or ConfigError.

        live  the person is learnt on a thread of its own, which `close` of the tracker ends
        """
        self.progress = (0.1, "Loading libraries")
        # Imported here, so that a session with another tracker never loads these libraries.
        from engine.fit.tracker import Tracker
        from engine.network.detector import Detector

        person = None if config.person is None else expected_person(config.person, config.head)
        parts = self._parts(config)
        settings = TrackerSettings(
            enrol=EnrolSettings(threaded=live),
            retarget=RetargetSettings(rest=RestSettings(on=config.learn_rest)),
        )
        self.progress = (0.8, "Preparing the fit")
        self._steps = StepsMaker(config.solver, parts.backend)
        return Tracker(
            parts.head,
            parts.backend,
            Detector(),
            settings,
            camera,
            person,
            People().save,
            lambda name: newcomer(name, config.head),
            noise=parts.noise,
            steps=self._steps,
        )

    @property
    def about(self) -> str:
        """What runs the network, and the fit if not the usual; empty before the first tracker."""
        if self._loaded is None:
            return ""
        fit = "" if self._steps is None else self._steps.about
        return "; ".join(filter(None, (self._loaded.backend.about, fit)))

    def close(self) -> None:
        """Release the network."""
        if self._loaded is not None:
            self._loaded.backend.close()
            self._loaded = None

    def _parts(self, config: TrackerConfig) -> _Parts:
        config = resolved(replace(config, person=None, solver="auto", learn_rest=True))
        if self._loaded is None or self._loaded.config != config:
            self.close()
            # The fit's products are small: threads would wait for one another, and spin meanwhile.
            threadpool_limits(limits=1, user_api="blas")
            self.progress = (0.4, "Reading the head model")
            head = load_head(config.head)
            self.progress = (0.5, "Loading the network")
            files = weights.load(config.weights)
            _check_head(files, config.head)
            backend = load_backend(files, config)
            self._loaded = _Parts(config, head, backend, load_noise(files, head))
        return self._loaded


def expected_person(name: str, head: str) -> StoredPerson:
    """Return a stored person, or a new one of that name.

    Raises PersonError for a damaged file, a file of another head model, or an impossible name.
    """
    people, made_for = People(), sha256(head_file(head))
    if name not in people.names():
        people.path(name)  # a name that cannot be stored is told now, not at the end
        return StoredPerson(name, head, made_for)
    person = people.load(name)
    if person.head_sha256 != made_for:
        raise PersonError(
            f"{people.path(name)}: learnt with another head model ({person.head}, "
            f"{person.head_sha256[:12]}); `flowface person forget` removes it"
        )
    return person


def newcomer(name: str, head: str) -> StoredPerson:
    """Return somebody of whom nothing is known. Raises PersonError if the name is taken."""
    people = People()
    if people.path(name).exists():
        raise PersonError(
            f"{people.path(name)}: somebody is stored as {name!r} already; expect them from the "
            "start (--person), or choose another name"
        )
    return StoredPerson(name, head, sha256(head_file(head)))


def resolved(config: TrackerConfig) -> TrackerConfig:
    """Return a configuration that names its network where it said `auto`."""
    if config.weights != weights.AUTO:
        return config
    large = weights.ON_CARD in weights.names() and auto.runs_on_card(config.backend)
    return replace(config, weights=weights.ON_CARD if large else weights.DEFAULT)


def _check_head(files: weights.WeightFile, head: str) -> None:
    """Raise AssetError if the network was trained for another head: it would read out nonsense."""
    path = head_file(head)
    if files.head_sha256 != sha256(path):
        raise AssetError(
            f"{files.folder / 'card.yaml'}: trained for a head with checksum "
            f"{files.head_sha256[:12]}, {path} has another; install weights made for it"
        )


def load_backend(files: weights.WeightFile, config: TrackerConfig) -> Backend:
    """Load a network, and make its slow first call.

    Raises ConfigError if there is no such backend, BackendError if it cannot run on this machine,
    AssetError for a damaged file.
    """
    module = plugins.load(engine.network.backends, config.backend)
    backend: Backend = module.create(files, config.threads, config.precision == "half")
    backend.warm_up()
    return backend


def load_noise(files: weights.WeightFile, head: HeadModel) -> NoiseModel | None:
    """Return how a network errs, as `flowface bench noise --write` measured it; None if it did not.

    Raises AssetError for a damaged file.
    """
    path = files.folder / weights.NOISE_FILE
    if not path.is_file():
        return None
    return read_noise(checked(path, files.manifest), len(head.neutral))


def load_head(name: str) -> HeadModel:
    """Load a head model, `open` by engine/fit/heads/open_head.py. Raises Asset- or ConfigError.

    For the fit: shapes that ARKit has once have a left and a right.
    """
    return split(_head_module(name).load())


def head_of_take(name: str, checksum: str) -> HeadModel:
    """Return the head model that a take was tracked with.

    Raises TakeError if the one installed is another: its vertices would mean something else.
    """
    path = head_file(name)
    if sha256(path) != checksum:
        raise TakeError(
            f"the take was tracked with the head {name!r} of checksum {checksum[:12]}, "
            f"installed is {sha256(path)[:12]}; track it again"
        )
    return load_head(name)


def head_file(name: str) -> Path:
    """Return the file that a head model is read from. Raises ConfigError if there is no such."""
    return _head_module(name).DEFAULT_PATH


def _head_module(name: str) -> ModuleType:
    return plugins.load(engine.fit.heads, f"{name}_head")
