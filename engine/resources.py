"""Where the shipped files lie, and proof that they are the ones that were shipped."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import yaml

from engine.errors import AssetError

ROOT = Path(__file__).resolve().parent.parent
RESOURCES = ROOT / "resources"
SHADERS = ROOT / "shaders"


def data_folder() -> Path:
    """Return the folder of training and measuring data: FLOWFACE_DATA, else beside the project."""
    return Path(os.environ.get("FLOWFACE_DATA", ROOT.parent / "shared" / "data"))


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(path: Path, manifest: Path | None = None) -> Path:
    """Return `path` after comparing it with its entry in resources/manifest.yaml.

    A file outside resources/ has no entry there and must bring a manifest of its own.
    Raises AssetError if the file is absent, not listed, or differs from its checksum.
    """
    manifest = manifest or RESOURCES / "manifest.yaml"
    if not path.is_file():
        raise AssetError(f"{path}: no such file; install the program again")
    if not manifest.is_file():
        raise AssetError(f"{manifest}: no such file; it lists the checksum of {path.name}")
    listed = yaml.safe_load(manifest.read_text(encoding="utf-8"))["files"]
    try:
        key = path.resolve().relative_to(manifest.parent.resolve()).as_posix()
    except ValueError:
        raise AssetError(
            f"{path}: lies outside {manifest.parent}, whose manifest lists the checksums"
        ) from None
    if key not in listed:
        raise AssetError(f"{path}: not listed in {manifest}")
    found = sha256(path)
    if found != listed[key]["sha256"]:
        raise AssetError(
            f"{path}: wrong checksum {found[:12]}, {manifest.name} says "
            f"{listed[key]['sha256'][:12]}; the file is damaged, install it again"
        )
    return path


def record(path: Path, source: str, licence: str) -> None:
    """Enter a file under resources/ into the manifest, or bring its checksum up to date."""
    listed = _listed()
    key = path.resolve().relative_to(RESOURCES).as_posix()
    listed[key] = {"sha256": sha256(path), "source": source, "licence": licence}
    _write(listed)


def forget_removed() -> None:
    """Take files that are no more out of the manifest."""
    _write({key: entry for key, entry in _listed().items() if (RESOURCES / key).is_file()})


def _listed() -> dict[str, dict[str, str]]:
    manifest = RESOURCES / "manifest.yaml"
    if not manifest.is_file():
        return {}
    return yaml.safe_load(manifest.read_text(encoding="utf-8"))["files"]


def _write(listed: dict[str, dict[str, str]]) -> None:
    manifest = RESOURCES / "manifest.yaml"
    text = yaml.safe_dump({"files": dict(sorted(listed.items()))}, allow_unicode=True, width=100)
    writing = manifest.with_suffix(".writing")
    writing.write_text(text, encoding="utf-8")
    writing.replace(manifest)
