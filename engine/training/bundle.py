"""One file with all that training needs, for a machine without network or data folder.

A zip whose unpacked folder has the layout of the data folder, with smaller files, so that the same
code reads both: faces/, makehuman/, hdri/; besides, fits.npz (portrait fits), ict_head.npz (people
of ICT-FaceKit on our vertices) and tests/ (rendered test packs).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError, ConfigError
from engine.fit.heads.open_head import OpenHead
from engine.resources import sha256
from engine.training.portraits.fit_file import STATE_NAMES

FORMAT = 1
INDEX = "bundle.json"
QUALITIES = (
    92,
    90,
    88,
    86,
    85,
    84,
    83,
    82,
    81,
    80,
    78,
    76,
    74,
    72,
    70,
)  # of portraits, the best that fits
SKIN_QUALITY, SKIN_MARGIN_PX = 88, 24
SKY_SIZE = (192, 96)
LARGEST_PART_PX = 512  # of hair, brows, lashes, irises
RESERVE_BYTES = 200_000


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle. Absent optional files are None."""

    data: Path
    fits: Path
    ict_head: Path | None = None
    tests: Sequence[Path] = ()


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle: `data` serves as data folder (FLOWFACE_DATA)."""

    data: Path
    fits: Path
    ict_head: Path | None
    tests: tuple[Path, ...]


def write_bundle(path: Path, contents: Contents, head: OpenHead, limit_mb: float = 50.0) -> int:
    """Write a bundle of at most limit_mb million bytes; returns its size in bytes.

    Everything else first, then the portraits, as well as what is left allows.
    Raises AssetError for an absent file, ConfigError if the limit is too small.
    """
    for needed in (contents.data / "faces" / "labels.npz", contents.fits):
        if not needed.is_file():
            raise AssetError(f"{needed}: no such file; a bundle needs it")
    limit = int(limit_mb * 1e6)
    writing = path.with_suffix(".writing")
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(writing, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        bundle.writestr(INDEX, json.dumps({"format": FORMAT}))
        for name, data in _everything_else(contents, head):
            bundle.writestr(name, data)
    rest = limit - writing.stat().st_size - RESERVE_BYTES
    images = _portraits(contents.data / "faces" / "images.zip", rest)
    if images is None:
        writing.unlink()
        raise ConfigError(
            f"--limit-mb {limit_mb:g}: too little; without portraits it is already "
            f"{(limit - rest) / 1e6:.0f} MB"
        )
    with zipfile.ZipFile(writing, "a", zipfile.ZIP_STORED) as bundle:
        bundle.writestr("faces/images.zip", images)
    writing.replace(path)
    return path.stat().st_size


def open_bundle(path: Path, folder: Path) -> Bundle:
    """Unpack a bundle into a folder of its own below `folder`, unless that is done already.

    Raises AssetError if it is no bundle, or one of another version.
    """
    if not path.is_file():
        raise AssetError(f"{path}: no such file; make it with `flowface train pack --out FILE`")
    unpacked = folder / f"bundle-{sha256(path)[:16]}"
    if not unpacked.is_dir():
        writing = unpacked.with_suffix(".writing")
        try:
            with zipfile.ZipFile(path) as bundle:
                found = json.loads(bundle.read(INDEX)).get("format")
                if found != FORMAT:
                    raise AssetError(f"{path}: format {found}, this program reads {FORMAT}")
                bundle.extractall(writing)
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise AssetError(f"{path}: not a training bundle ({error})") from error
        writing.rename(unpacked)
    ict = unpacked / "ict_head.npz"
    return Bundle(
        data=unpacked,
        fits=unpacked / "fits.npz",
        ict_head=ict if ict.is_file() else None,
        tests=tuple(sorted((unpacked / "tests").glob("*.npz"))),
    )


def _everything_else(contents: Contents, head: OpenHead) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file but the portraits' pictures."""
    data = contents.data
    yield "fits.npz", _small_fits(contents.fits)
    with np.load(data / "faces" / "labels.npz", allow_pickle=False) as file:
        labels = {key: file[key] for key in file.files}
    labels["landmarks"][..., 2] = np.round(labels["landmarks"][..., 2])  # depth trains nothing
    yield "faces/labels.npz", _npz(labels)
    if contents.ict_head is not None:
        yield "ict_head.npz", contents.ict_head.read_bytes()
    for test in contents.tests:
        yield f"tests/{test.name}", test.read_bytes()
    for path in sorted((data / "hdri").glob("*.hdr")):
        yield f"hdri/{path.name}", _small_sky(path)
    for path in sorted(p for p in (data / "makehuman").rglob("*") if p.is_file()):
        name = path.relative_to(data).as_posix()
        if path.parent.name == "skins":
            yield name, _head_of_skin(path, head)
        elif path.suffix == ".png":
            yield name, _small_part(path)
        else:
            yield name, path.read_bytes()
    licensed = ("faces", "hdri", "ict") if contents.ict_head else ("faces", "hdri")
    for path in sorted(data.glob("*/LICENSE*")):
        if path.parent.name in licensed:
            yield path.relative_to(data).as_posix(), path.read_bytes()


def _npz(arrays: dict[str, NDArray]) -> bytes:
    target = io.BytesIO()
    np.savez_compressed(target, allow_pickle=False, **arrays)
    return target.getvalue()


def _small_fits(path: Path) -> bytes:
    """Return the fits in single precision, without the landmarks they were made from."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name].astype(np.float32) for name in (*STATE_NAMES, "error")}
        return _npz({**arrays, "head_sha256": file["head_sha256"]})


def _picture(path: Path) -> NDArray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise AssetError(f"{path}: not a picture")
    return pixels


def _encoded(suffix: str, pixels: NDArray, *options: int) -> bytes:
    return cv2.imencode(suffix, pixels, list(options))[1].tobytes()


def _small_sky(path: Path) -> bytes:
    return _encoded(".hdr", cv2.resize(_picture(path), SKY_SIZE, interpolation=cv2.INTER_AREA))


def _head_of_skin(path: Path, head: OpenHead) -> bytes:
    """Return a skin texture of which only what the head shows is left."""
    pixels = _picture(path)
    size = np.array(pixels.shape[1::-1])
    corners = np.round(head.texture_uv * size).astype(np.int32)[head.texture_triangles]
    shown = np.zeros(pixels.shape[:2], np.uint8)
    for triangle in corners:
        cv2.fillConvexPoly(shown, triangle, 1)
    kept = cv2.dilate(shown, np.ones((SKIN_MARGIN_PX,) * 2, np.uint8)) > 0
    pixels[~kept] = pixels[shown > 0].mean(axis=0)
    return _encoded(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, SKIN_QUALITY)


def _small_part(path: Path) -> bytes:
    pixels = _picture(path)
    factor = LARGEST_PART_PX / max(pixels.shape[:2])
    if factor < 1.0:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return _encoded(".png", pixels, cv2.IMWRITE_PNG_COMPRESSION, 9)


def _portraits(path: Path, limit: int) -> bytes | None:
    """Return the archive of portraits at the best quality with at most `limit` bytes, or None."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for quality in QUALITIES:
            if _estimate(archive, names[:: max(len(names) // 60, 1)], quality, len(names)) > limit:
                continue
            target = io.BytesIO()
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as smaller:
                for name in names:
                    smaller.writestr(name, _recompressed(archive.read(name), quality))
            if target.tell() <= limit:
                return target.getvalue()
    return None


def _estimate(archive: zipfile.ZipFile, some: list[str], quality: int, count: int) -> float:
    sizes = [len(_recompressed(archive.read(name), quality)) + 120 for name in some]
    return 0.99 * float(np.mean(sizes)) * count


def _recompressed(data: bytes, quality: int) -> bytes:
    """Return a JPEG file at a lower quality, or as it is if that is smaller."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return data
    smaller = _encoded(".jpg", pixels, cv2.IMWRITE_JPEG_QUALITY, quality)
    return smaller if len(smaller) < len(data) else data
