"""Which version of the program this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("flowface-live")
    except PackageNotFoundError:
        return "not installed"
