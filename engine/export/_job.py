"""What all exports have in common: the wish, the progress, files that are whole or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import TakeError


class ExportCancelled(Exception):  # noqa: N818 - not an error
    """The user no longer wants it."""


@dataclass(frozen=True)
class Job:
    """How a take is exported.

    rate      frames a second (engine.recording.timecode.RATES); None for the capture times, where
              the format can have them
    progress  called with the share that is done; raises ExportCancelled to end the export
    """

    rate: str | None = None
    progress: Callable[[float], None] = lambda done: None


@contextmanager
def whole_file(destination: Path) -> Generator[Path]:
    """Give a path to write to, which becomes the destination when all went well."""
    unfinished = destination.with_name(destination.name + ".writing")
    try:
        yield unfinished
        os.replace(unfinished, destination)
    except OSError as error:
        raise TakeError(f"{destination}: cannot be written ({error.strerror})") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(destination: Path) -> Generator[Path]:
    """Give a folder to fill, which becomes the destination when all went well.

    Raises TakeError if there is something at the destination already.
    """
    if destination.exists():
        raise TakeError(f"{destination}: is there already; an export never overwrites a folder")
    unfinished = destination.with_name(destination.name + ".writing")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        os.replace(unfinished, destination)
    except OSError as error:
        raise TakeError(f"{destination}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
