"""Presets of the shapes: a YAML file each in the user's data folder, by person and by avatar.

::

    version: 1
    shapes:
      rows:
        - {name: jawOpen, gain: 1.3}
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

import yaml

from engine import settings
from engine.errors import ConfigError
from engine.tuning import Tuning
from engine.user_data import file_stem, name_of, replace_text, user_data_folder

VERSION = 1
_NAME = re.compile(r"\w[\w .'-]{0,59}")
_ENDING = ".yaml"


class Whose(Enum):
    """What a preset is made for; the value names its folder."""

    PERSON = "people"
    AVATAR = "avatars"


class Presets:
    """Reads and writes the presets of one kind.

    folder  that holds both kinds; the user's, if None
    """

    def __init__(self, whose: Whose, folder: Path | None = None) -> None:
        self.folder = (folder or user_data_folder() / "shapes") / whose.value

    def names(self) -> list[str]:
        """Return what there is, in alphabetical order."""
        return sorted(name_of(path) for path in self.folder.glob(f"*{_ENDING}"))

    def path(self, name: str) -> Path:
        """Return the file of a preset. Raises ConfigError if that is no name."""
        if not _NAME.fullmatch(name) or name != name.strip():
            raise ConfigError(
                f"{name!r}: not a name for a preset; allowed are 1 to 60 letters, digits, spaces "
                "and . ' - _, beginning with a letter or digit"
            )
        return self.folder / f"{file_stem(name)}{_ENDING}"

    def load(self, name: str) -> Tuning:
        """Read a preset. Raises ConfigError naming file and key if it is absent or damaged."""
        path = self._existing(name)
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path}: cannot be read ({error})") from error
        if not isinstance(content, dict) or set(content) != {"version", "shapes"}:
            raise ConfigError(f"{path}: needs the keys version and shapes, and no others")
        if content["version"] != VERSION:
            raise ConfigError(f"{path}: version: {content['version']!r}; allowed is {VERSION}")
        return settings.read(Tuning, content["shapes"], f"{path}: shapes")

    def save(self, name: str, tuning: Tuning) -> Path:
        """Write a preset, over an older one of that name. Raises ConfigError if it cannot be."""
        path = self.path(name)
        content = {"version": VERSION, "shapes": settings.plain(tuning)}
        try:
            replace_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
        return path

    def rename(self, name: str, new: str) -> None:
        """Give a preset another name. Raises ConfigError if that one is taken."""
        old, path = self._existing(name), self.path(new)
        if path.exists():
            raise ConfigError(f"{path}: there is a preset {new!r} already; delete it first")
        try:
            old.rename(path)
        except OSError as error:
            raise ConfigError(f"{old}: cannot be renamed ({error.strerror})") from error

    def delete(self, name: str) -> None:
        """Remove a preset. Raises ConfigError if there is none."""
        path = self._existing(name)
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be deleted ({error.strerror})") from error

    def _existing(self, name: str) -> Path:
        path = self.path(name)
        if not path.is_file():
            known = ", ".join(self.names()) or "none yet"
            raise ConfigError(f"{path}: there is no preset {name!r}; there are: {known}")
        return path
