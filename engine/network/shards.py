"""Parameters on disk: one safetensors file, or several where one would be too large to ship."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.errors import AssetError
from engine.network.weights import SINGLE_FILE, tensor_files

LARGEST_BYTES = 15_000_000  # of one file


def save_sharded(
    tensors: Mapping[str, Tensor], folder: Path, largest_bytes: int = LARGEST_BYTES
) -> list[Path]:
    """Write parameters in float16, in their order, and return the files.

    tensors  by name; integers keep their type
    folder   exists; files of an earlier call are removed

    Raises AssetError if one tensor alone is larger than a file may be.
    """
    parts: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        rounded = tensor.detach().cpu().contiguous()
        rounded = rounded.half() if rounded.is_floating_point() else rounded
        if rounded.nbytes > largest_bytes:
            raise AssetError(
                f"{folder}: {name} has {rounded.nbytes} bytes, a file holds {largest_bytes}"
            )
        if size + rounded.nbytes > largest_bytes:
            parts.append({})
            size = 0
        parts[-1][name] = rounded
        size += rounded.nbytes
    for old in (folder / SINGLE_FILE, *folder.glob("weights-*-of-*.safetensors")):
        old.unlink(missing_ok=True)
    names = [f"weights-{i:05}-of-{len(parts):05}.safetensors" for i in range(1, len(parts) + 1)]
    paths = [folder / name for name in (names if len(parts) > 1 else [SINGLE_FILE])]
    for path, part in zip(paths, parts, strict=True):
        save_file(part, path)
    return paths


def load_sharded(files: Iterable[Path]) -> dict[str, Tensor]:
    """Return the parameters of all files, as stored. Raises AssetError if one is damaged."""
    tensors: dict[str, Tensor] = {}
    for path in files:
        try:
            part = load_file(path)
        except (OSError, SafetensorError) as error:
            raise AssetError(f"{path}: not a safetensors file ({error})") from None
        if twice := tensors.keys() & part.keys():
            raise AssetError(f"{path}: {min(twice)} is in another file too")
        tensors.update(part)
    return tensors


def load_folder(folder: Path) -> dict[str, Tensor]:
    """Return the parameters in a folder, one file or many. Raises AssetError."""
    return load_sharded(tensor_files(folder))
