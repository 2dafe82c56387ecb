"""Plugins, resources, clock, errors: the small modules that the others stand on."""

from __future__ import annotations

import hashlib
import inspect
import time
from pathlib import Path

import pytest

import engine.capture.sources
import engine.network.backends
import engine.outputs
from engine import clock, errors, plugins, resources
from engine.errors import AssetError, ConfigError


def test_kinds_are_the_modules_of_a_package_but_not_its_private_ones() -> None:
    folder = Path(engine.network.backends.__path__[0])
    expected = sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))
    assert plugins.kinds(engine.network.backends) == expected
    assert "onnx_runtime" in expected


def test_unknown_kind_names_the_allowed_ones() -> None:
    with pytest.raises(ConfigError, match=r"outputs: unknown kind 'vcm'; allowed are .*vmc"):
        plugins.load(engine.outputs, "vcm")


def test_kind_that_tries_to_leave_the_package_is_refused() -> None:
    with pytest.raises(ConfigError):
        plugins.load(engine.outputs, "..config")


def test_load_gives_the_module() -> None:
    module = plugins.load(engine.capture.sources, "demo")
    assert module.__name__ == "engine.capture.sources.demo"


def _manifest(folder: Path, name: str, sha256: str) -> Path:
    manifest = folder / "manifest.yaml"
    manifest.write_text(f"files:\n  {name}: {{sha256: {sha256}}}\n", encoding="utf-8")
    return manifest


def test_checked_accepts_the_listed_file(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"weights")
    manifest = _manifest(tmp_path, "a.bin", hashlib.sha256(b"weights").hexdigest())
    assert resources.checked(file, manifest) == file


def test_checked_refuses_a_changed_file(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"weightz")
    manifest = _manifest(tmp_path, "a.bin", hashlib.sha256(b"weights").hexdigest())
    with pytest.raises(AssetError, match=r"a\.bin: wrong checksum"):
        resources.checked(file, manifest)


def test_checked_refuses_absent_unlisted_and_outside_files(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    manifest = _manifest(inside, "b.bin", "00")
    with pytest.raises(AssetError, match="no such file"):
        resources.checked(inside / "a.bin", manifest)
    (inside / "a.bin").write_bytes(b"")
    with pytest.raises(AssetError, match="not listed"):
        resources.checked(inside / "a.bin", manifest)
    (tmp_path / "c.bin").write_bytes(b"")
    with pytest.raises(AssetError, match="lies outside"):
        resources.checked(tmp_path / "c.bin", manifest)


def test_every_shipped_file_matches_the_manifest() -> None:
    if not (resources.RESOURCES / "manifest.yaml").is_file():
        pytest.skip("resources/manifest.yaml is not there yet")
    import yaml

    listed = yaml.safe_load((resources.RESOURCES / "manifest.yaml").read_text())["files"]
    for key in listed:
        resources.checked(resources.RESOURCES / key)


def test_clock_never_goes_back_and_gives_wall_time() -> None:
    stamps = [clock.now_ns() for _ in range(100)]
    assert stamps == sorted(stamps)
    wall_ns = clock.now_ns() + clock.wall_from_monotonic_ns()
    assert abs(wall_ns - time.time_ns()) < 50 * clock.NS_PER_MS


def test_sleep_until_waits_for_the_deadline_and_not_for_the_past() -> None:
    start = time.perf_counter()
    clock.sleep_until(clock.now_ns() - clock.NS_PER_S)
    assert time.perf_counter() - start < 0.02
    deadline = clock.now_ns() + 30 * clock.NS_PER_MS
    clock.sleep_until(deadline)
    assert clock.now_ns() >= deadline


def test_errors_tree_is_the_one_drawn_in_its_docstring() -> None:
    drawn = {
        line.split("── ")[1].split()[0] for line in errors.__doc__.splitlines() if "──" in line
    }
    real = {
        name
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.FlowFaceError) and cls is not errors.FlowFaceError
    }
    assert drawn == real
