"""Parameters in one file or in many come back the same, and nothing is missed or mixed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.errors import AssetError
from engine.network.shards import load_folder, save_sharded
from engine.network.weights import tensor_files


def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    sizes = {"a": (40, 10), "b": (300,), "c": (5, 5, 5), "d": (390,)}
    made = {name: torch.randn(size) for name, size in sizes.items()}
    return {**made, "count": torch.tensor(3)}


@pytest.mark.parametrize(("largest", "names"), [
    (10_000, ["weights.safetensors"]),
    (1_000, ["weights-00001-of-00003.safetensors", "weights-00002-of-00003.safetensors",
             "weights-00003-of-00003.safetensors"]),
])  # fmt: skip
def test_what_is_saved_is_read_back_in_half_precision(
    tmp_path: Path, largest: int, names: list[str]
) -> None:
    """By hand: a has 800 bytes, b 600, c 250, d 780, count 8; so a | b c | d count."""
    paths = save_sharded(tensors(), tmp_path, largest)
    assert [path.name for path in paths] == names
    assert all(path.stat().st_size < largest + 500 for path in paths)  # 500: the header
    found = load_folder(tmp_path)
    assert set(found) == set(tensors())
    for name, value in tensors().items():
        kept = value.half() if value.is_floating_point() else value
        assert found[name].dtype == kept.dtype
        assert torch.equal(found[name], kept)


def test_files_of_an_earlier_call_do_not_stay(tmp_path: Path) -> None:
    save_sharded(tensors(), tmp_path, 1_000)
    save_sharded({"a": torch.ones(3)}, tmp_path, 1_000)
    assert [path.name for path in tensor_files(tmp_path)] == ["weights.safetensors"]
    assert set(load_folder(tmp_path)) == {"a"}


def test_an_absent_shard_is_named(tmp_path: Path) -> None:
    paths = save_sharded(tensors(), tmp_path, 1_000)
    paths[1].unlink()
    with pytest.raises(AssetError, match=r"00002-of-00003.*needs exactly shards 1 to 3"):
        load_folder(tmp_path)


def test_shards_of_two_sets_are_not_mixed(tmp_path: Path) -> None:
    save_sharded(tensors(), tmp_path, 1_000)
    (tmp_path / "weights-00001-of-00002.safetensors").write_bytes(b"")
    with pytest.raises(AssetError, match="needs exactly shards 1 to"):
        tensor_files(tmp_path)


def test_a_name_in_two_shards_is_refused(tmp_path: Path) -> None:
    paths = save_sharded(tensors(), tmp_path, 1_000)
    paths[2].write_bytes(paths[0].read_bytes())
    with pytest.raises(AssetError, match=r"00003-of-00003.*a is in another file too"):
        load_folder(tmp_path)


def test_damage_is_named(tmp_path: Path) -> None:
    (path,) = save_sharded(tensors(), tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(AssetError, match=r"weights\.safetensors: not a safetensors file"):
        load_folder(tmp_path)


def test_a_tensor_that_fits_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="a has 800 bytes, a file holds 500"):
        save_sharded(tensors(), tmp_path, 500)
