"""The people that the program knows: one file each, in the user's data folder.

A file is a plain npz archive, which cannot run code when it is read.
"""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import PersonError
from engine.fit.person import FocalLength, Knowledge, PersonCalibration, StoredPerson
from engine.fit.rest import LearntRest
from engine.types import BLENDSHAPE_NAMES
from engine.user_data import file_stem, name_of, user_data_folder

FORMAT_VERSION = 1
_NAME = re.compile(r"\w[\w .'-]{0,59}")
_ENDING = ".npz"
_LOOSEST_LOG_FOCAL = 10.0


class People:
    """Reads and writes the people in a folder.

    folder  the user's, if None
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or user_data_folder() / "people"

    def names(self) -> list[str]:
        """Return who is known, in alphabetical order."""
        return sorted(name_of(path) for path in self.folder.glob(f"*{_ENDING}"))

    def path(self, name: str) -> Path:
        """Return the file of a person. Raises PersonError if that is no name."""
        if not _NAME.fullmatch(name) or name != name.strip():
            raise PersonError(
                f"{name!r}: not a name for a person; allowed are 1 to 60 letters, digits, spaces "
                "and . ' - _, beginning with a letter or digit"
            )
        return self.folder / f"{file_stem(name)}{_ENDING}"

    def load(self, name: str) -> StoredPerson:
        """Read a person. Raises PersonError naming the file if it is absent or damaged."""
        path = self.path(name)
        if not path.is_file():
            known = ", ".join(self.names()) or "nobody yet"
            raise PersonError(f"{path}: nobody is stored as {name!r}; known are {known}")
        try:
            with np.load(path, allow_pickle=False) as file:
                data = {key: file[key] for key in file.files}
            return _person(name, data)
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise PersonError(
                f"{path}: not a person's file that can be read ({error}); "
                f"`flowface person forget` removes it"
            ) from error

    def save(self, person: StoredPerson) -> Path:
        """Write a person; the file on disk is always whole, the old or the new one."""
        path = self.path(person.name)
        writing = path.with_name(path.name + ".writing")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with writing.open("wb") as file:
                np.savez(file, **_arrays(person))
            os.replace(writing, path)
        except OSError as error:
            raise PersonError(f"{path}: cannot be written ({error.strerror})") from error
        return path

    def forget(self, name: str) -> None:
        """Remove a person's file. Raises PersonError if there is none."""
        path = self.path(name)
        if not path.is_file():
            known = ", ".join(self.names()) or "nobody yet"
            raise PersonError(f"{path}: nobody is stored as {name!r}; known are {known}")
        path.unlink()

    def rename(self, name: str, new: str) -> None:
        """Store a person under another name. Raises PersonError if that one is taken."""
        person, path = self.load(name), self.path(new)
        if path.exists():
            raise PersonError(f"{path}: somebody is stored as {new!r} already; forget them first")
        self.save(replace(person, name=new))
        self.forget(name)


def _arrays(person: StoredPerson) -> dict[str, Any]:
    cameras = sorted(person.focal)
    content: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "head": person.head,
        "head_sha256": person.head_sha256,
        "cameras": np.array(cameras, np.str_),
        "focal_px": np.array([person.focal[key].focal_px for key in cameras], np.float64),
        "focal_log_sigma": np.array([person.focal[key].log_sigma for key in cameras], np.float64),
    }
    if person.knowledge is not None:
        known = person.knowledge
        content |= {f"known_{field}": getattr(known, field) for field in _KNOWLEDGE}
    if person.calibration is not None:
        content["calibration_offset"] = person.calibration.offset
        content["calibration_gain"] = person.calibration.gain
    if person.rest is not None:
        content["rest_offset"], content["rest_seen_s"] = person.rest.offset, person.rest.seen_s
    return content


_KNOWLEDGE = (
    "shape", "information", "pull", "worth", "belief_frames", "belief_information",
    "belief_weighted", "rotations", "expressions",
)  # fmt: skip


def _person(name: str, data: dict[str, NDArray]) -> StoredPerson:
    """Check what a file holds. Raises KeyError or ValueError."""
    version = int(data["format_version"])
    if version != FORMAT_VERSION:
        raise ValueError(f"format {version}, this program reads {FORMAT_VERSION}")
    focal = {
        str(camera): FocalLength(float(focal_px), float(log_sigma))
        for camera, focal_px, log_sigma in zip(
            data["cameras"], data["focal_px"], data["focal_log_sigma"], strict=True
        )
    }
    for camera, length in focal.items():
        if not (length.focal_px > 0 and 0 < length.log_sigma < _LOOSEST_LOG_FOCAL):
            raise ValueError(f"impossible focal length of {camera}")
    calibration = rest = None
    size = len(BLENDSHAPE_NAMES)
    if "calibration_offset" in data:
        calibration = PersonCalibration(
            _floats(data, "calibration_offset", (size,)), _floats(data, "calibration_gain", (size,))
        )
    if "rest_offset" in data:
        seen_s = float(_floats(data, "rest_seen_s", ()))
        rest = LearntRest(_floats(data, "rest_offset", (size,)), max(seen_s, 0.0))
    return StoredPerson(
        name,
        str(data["head"]),
        str(data["head_sha256"]),
        _knowledge(data) if "known_shape" in data else None,
        focal,
        calibration,
        rest,
    )


def _knowledge(data: dict[str, NDArray]) -> Knowledge:
    size, views = len(data["known_shape"]), len(data["known_rotations"])
    identity, shapes = len(data["known_belief_information"]), data["known_expressions"].shape[-1]
    information = _floats(data, "known_information", (size, size))
    if not np.allclose(information, information.T):
        raise ValueError("its information is not symmetric")
    return Knowledge(
        shape=_floats(data, "known_shape", (size,)),
        information=information,
        pull=_floats(data, "known_pull", (size,)),
        worth=float(_floats(data, "known_worth", ())),
        belief_frames=int(data["known_belief_frames"]),
        belief_information=_floats(data, "known_belief_information", (identity,)),
        belief_weighted=_floats(data, "known_belief_weighted", (identity,)),
        rotations=_floats(data, "known_rotations", (views, 3, 3)),
        expressions=_floats(data, "known_expressions", (views, shapes)),
    )


def _floats(data: dict[str, NDArray], key: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    array = data[key].astype(np.float64)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{key}: needs {shape} finite numbers, got {array.shape}")
    return array
