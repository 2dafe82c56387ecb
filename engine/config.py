"""The settings of a session: one frozen tree, kept in one YAML file.

::

    version: 1
    source: {kind: webcam, device: "0", width_px: 640, height_px: 480}
    tracker: {backend: auto, weights: auto, head: open, threads: 2}
    outputs:
      - {kind: vmc, host: 127.0.0.1, port: 39539}
    recording: {pre_roll_s: 2.0}
    sound: {device: null}
    remote: {on: false, host: 127.0.0.1, port: 8000}
    shapes: {rows: [{name: jawOpen, gain: 1.3}], links: [{name: eyeBlink}]}

`kind` names a module of engine/capture/sources or engine/outputs; the other keys are the fields of
that module's `Settings`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

import engine.capture.sources
import engine.outputs
from engine import plugins, settings
from engine.errors import ConfigError
from engine.recording.settings import RecordSettings, SoundSettings
from engine.remote.settings import RemoteSettings
from engine.settings import setting
from engine.tuning import Tuning
from engine.user_data import replace_text

VERSION = 1

# Migration n turns the plain content of a file of version n into version n + 1.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


@dataclass(frozen=True)
class Choice:
    """An implementation and its settings."""

    kind: str  # module name
    settings: Any  # an instance of that module's Settings
    enabled: bool = True  # an output that is off is kept, but not opened


@dataclass(frozen=True)
class TrackerConfig:
    """Which network, which head, and how they are run."""

    backend: str = setting("auto", "How the alignment network is run.")
    precision: str = setting(
        "half",
        "Of the alignment network on a graphics card; a processor computes in single.",
        choices=("half", "single"),
    )
    weights: str = setting(
        "auto",
        "Which alignment network; auto: base where an NVIDIA card runs it, else nano.",
    )
    head: str = setting("open", "Which head model is fitted.")
    person: str | None = setting(
        None, "Whom to expect: what is learnt of them is kept under this name."
    )
    learn_rest: bool = setting(
        True,
        "What a face always shows is learnt to be its rest, until it is calibrated; off: the rest "
        "of people in general.",
    )
    threads: int = setting(2, "Processor threads for the network.", minimum=1, maximum=64)
    solver: str = setting(
        "auto",
        "What takes the steps of the fit: compiled loops on the processor, or PyTorch on the card "
        "of the network.",
        choices=("auto", "cpu", "torch"),
    )


@dataclass(frozen=True)
class Config:
    """Everything that a session is built from."""

    source: Choice
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    outputs: tuple[Choice, ...] = ()
    recording: RecordSettings = field(default_factory=RecordSettings)
    sound: SoundSettings = field(default_factory=SoundSettings)
    shapes: Tuning = field(default_factory=Tuning)
    remote: RemoteSettings = field(default_factory=RemoteSettings)

    def __post_init__(self) -> None:
        if len(set(self.outputs)) < len(self.outputs):
            raise ConfigError("outputs: two entries are the same; each receiver is listed once")


def source_choice(kind: str, **values: Any) -> Choice:
    """Return a source of one kind; settings not named keep their defaults."""
    return _choice(engine.capture.sources, {"kind": kind, **values}, "source")


def output_choice(kind: str, **values: Any) -> Choice:
    """Return an output of one kind; settings not named keep their defaults."""
    return _choice(engine.outputs, {"kind": kind, **values}, "outputs")


def output_names(outputs: tuple[Choice, ...]) -> tuple[str, ...]:
    """Return what every output is called: its own name or its kind, numbered where that repeats."""
    plain = [choice.settings.name or choice.kind for choice in outputs]
    return tuple(
        name if name not in plain[:i] else f"{name} {plain[:i].count(name) + 1}"
        for i, name in enumerate(plain)
    )


def default() -> Config:
    """Return the settings of a fresh installation: first webcam, VMC to this machine."""
    return Config(source=source_choice("webcam"), outputs=(output_choice("vmc"),))


def user_path() -> Path:
    """Return where this user's settings are kept."""
    if os.name == "nt":
        base = Path(os.environ.get("APPDATA", Path.home() / "AppData" / "Roaming"))
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    return base / "flowface-live" / "config.yaml"


def load(path: Path) -> Config:
    """Read settings; what the file does not name keeps its default.

    Raises ConfigError naming file, key and what is allowed.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: needs keys and values at the top")
    return _tree(_migrated(content, path), path)


def save(config: Config, path: Path) -> None:
    """Write settings; the file on disk is always whole, the old or the new one."""
    replace_text(path, text(config))


def text(config: Config) -> str:
    """Return settings as the YAML that `load` reads."""
    content = {
        "version": VERSION,
        "source": _plain(config.source),
        "tracker": settings.plain(config.tracker),
        "outputs": [_plain(output) for output in config.outputs],
        "recording": settings.plain(config.recording),
        "sound": settings.plain(config.sound),
        "shapes": settings.plain(config.shapes),
        "remote": settings.plain(config.remote),
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _migrated(content: dict[str, Any], path: Path) -> dict[str, Any]:
    version = content.pop("version", None)
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ConfigError(f"{path}: version: {version!r}; allowed are 1 to {VERSION}")
    for step in range(version, VERSION):
        content = MIGRATIONS[step](content)
    return content


def _tree(content: dict[str, Any], path: Path) -> Config:
    allowed = ("source", "tracker", "outputs", "recording", "sound", "shapes", "remote")
    for key in content:
        if key not in allowed:
            raise ConfigError(f"{path}: unknown key {key!r}; allowed are {', '.join(allowed)}")
    start = default()
    source, outputs = start.source, start.outputs
    if "source" in content:
        source = _choice(engine.capture.sources, content["source"], f"{path}: source")
    if "outputs" in content:
        listed = content["outputs"]
        if not isinstance(listed, list):
            raise ConfigError(f"{path}: outputs: needs a list, got {listed!r}")
        outputs = tuple(
            _choice(engine.outputs, item, f"{path}: outputs[{i}]") for i, item in enumerate(listed)
        )
    tracker = settings.read(TrackerConfig, content.get("tracker", {}), f"{path}: tracker")
    recording = settings.read(RecordSettings, content.get("recording", {}), f"{path}: recording")
    sound = settings.read(SoundSettings, content.get("sound", {}), f"{path}: sound")
    shapes = settings.read(Tuning, content.get("shapes", {}), f"{path}: shapes")
    remote = settings.read(RemoteSettings, content.get("remote", {}), f"{path}: remote")
    return Config(source, tracker, outputs, recording, sound, shapes, remote)


def _choice(package: ModuleType, content: Any, where: str) -> Choice:
    if not isinstance(content, dict) or not isinstance(content.get("kind"), str):
        allowed = ", ".join(plugins.kinds(package))
        raise ConfigError(f"{where}: needs `kind`, one of {allowed}; got {content!r}")
    kind = content["kind"]
    try:
        module = plugins.load(package, kind)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    enabled = content.get("enabled", True)
    if type(enabled) is not bool:
        raise ConfigError(f"{where}.enabled: needs true or false, got {enabled!r}")
    values = {key: value for key, value in content.items() if key not in ("kind", "enabled")}
    return Choice(kind, settings.read(module.Settings, values, where), enabled)


def _plain(choice: Choice) -> dict[str, Any]:
    off = {} if choice.enabled else {"enabled": False}
    return {"kind": choice.kind, **off, **settings.plain(choice.settings)}
