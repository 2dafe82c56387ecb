"""Named settings of the user's: one YAML file each, in the form of engine/config.py."""

from __future__ import annotations

import os
from pathlib import Path

from engine import config as configuration
from engine.config import Config
from engine.errors import ConfigError
from engine.user_data import file_stem, name_of

LONGEST_NAME = 64
_ENDING = ".yaml"


class Profiles:
    """The profiles in one folder.

    folder  the user's own if None; it need not exist yet
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or configuration.user_path().parent / "profiles"

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted as people sort."""
        return sorted((name_of(p) for p in self._folder.glob(f"*{_ENDING}")), key=str.casefold)

    def load(self, name: str) -> Config:
        """Read a profile. Raises ConfigError naming file, key and what is allowed."""
        return configuration.load(self._path(name))

    def save(self, name: str, config: Config) -> None:
        """Write a profile, in place of one of that name. Raises ConfigError if it cannot be."""
        path = self._path(name)
        try:
            configuration.save(config, path)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error})") from error

    def duplicate(self, name: str, copy: str) -> None:
        """Copy a profile to a name that is free."""
        self.save(self._free(copy), self.load(name))

    def rename(self, name: str, new: str) -> None:
        """Give a profile a name that is free. Raises ConfigError if it is absent or taken."""
        self._move(self._path(name), self._path(self._free(new)))

    def delete(self, name: str) -> None:
        """Remove a profile. Raises ConfigError if it is absent."""
        path = self._path(name)
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"{path}: cannot be removed ({error})") from error

    def _free(self, name: str) -> str:
        if name.strip().casefold() in (taken.casefold() for taken in self.names()):
            raise ConfigError(f"profile {name!r}: there is one of that name already")
        return name

    def _path(self, name: str) -> Path:
        name = name.strip()
        if not name or len(name) > LONGEST_NAME:
            raise ConfigError(f"profile {name!r}: a name has 1 to {LONGEST_NAME} characters")
        return self._folder / (file_stem(name) + _ENDING)

    @staticmethod
    def _move(old: Path, new: Path) -> None:
        try:
            os.replace(old, new)
        except OSError as error:
            raise ConfigError(f"{old}: cannot be renamed ({error})") from error


def set_aside(path: Path) -> Path:
    """Rename a damaged settings file so that it is kept and a new one can be written.

    Returns where it is now: beside, with `.damaged` and a number that is free.
    """
    number = 1
    while (kept := path.with_name(f"{path.stem}.damaged{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, kept)
    return kept
