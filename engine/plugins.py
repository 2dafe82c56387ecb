"""Implementations are found by module name: `kind: vmc` in a setting is engine/outputs/vmc.py."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from engine.errors import ConfigError


def kinds(package: ModuleType) -> list[str]:
    """Return the names of the implementations in a package, sorted; names with _ are private."""
    found = (m.name for m in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def load(package: ModuleType, kind: str) -> ModuleType:
    """Import one implementation.

    Raises ConfigError naming the allowed kinds if there is no such module.
    """
    allowed = kinds(package)
    if kind not in allowed:
        where = package.__name__.rsplit(".", 1)[-1]
        raise ConfigError(f"{where}: unknown kind {kind!r}; allowed are {', '.join(allowed)}")
    return importlib.import_module(f"{package.__name__}.{kind}")
