"""A folder of pictures is read as a video: in the order of its numbers, with its gaps."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from videos import number_of, picture

from engine.capture.picture_files import fingerprint
from engine.capture.video import VideoReader, probe
from engine.errors import SourceError

FIELD_RAD = 1.0


def fill(folder: Path, names: dict[str, int]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, number in names.items():
        assert cv2.imwrite(str(folder / name), picture(number)[..., ::-1])
    return folder


def read(folder: Path, rate: float = 25.0, **options: int) -> list[tuple[int, float, int]]:
    """Return index, milliseconds after the first and number of every picture."""
    reader = VideoReader(
        folder, paced=False, rate=rate, field_of_view_rad=FIELD_RAD, live=False, **options
    )
    frames = list(iter(reader.take, None))
    return [
        (f.index, (f.captured_ns - frames[0].captured_ns) / 1e6, number_of(f.image)) for f in frames
    ]


def test_numbers_count_and_missing_ones_are_lost_pictures(tmp_path: Path) -> None:
    names = {f"shot_{number}.png": number for number in (8, 9, 10, 12, 13)}
    folder = fill(tmp_path / "shot", names)
    (folder / "notes.txt").write_text("no picture")
    assert read(folder, 50.0) == [(0, 0, 8), (1, 20, 9), (2, 40, 10), (4, 80, 12), (5, 100, 13)]
    info = probe(folder, 50.0)
    assert (info.size_px, info.frame_rate, info.frame_count) == ((96, 64), 50.0, 5)
    assert info.duration_s == pytest.approx(6 / 50)


def test_names_of_several_kinds_come_in_their_natural_order(tmp_path: Path) -> None:
    names = {"a2.png": 1, "a10.png": 2, "b1.bmp": 3, "b.tif": 0}
    folder = fill(tmp_path / "mixed", {**names, "c.jpg": 4})
    assert [number for _, _, number in read(folder)] == [1, 2, 0, 3, 4]
    assert [index for index, _, _ in read(folder)] == [0, 1, 2, 3, 4]


def test_reading_may_begin_and_end_within(tmp_path: Path) -> None:
    folder = fill(tmp_path / "part", {f"{n:04d}.png": n for n in (0, 1, 3, 4, 5, 6)})
    assert read(folder, first=2, max_frames=5) == [(3, 0, 3), (4, 40, 4), (5, 80, 5)]


def test_it_can_be_wound(tmp_path: Path) -> None:
    folder = fill(tmp_path / "wound", {f"{n:04d}.png": n for n in (0, 1, 2, 4, 5)})
    pictures = VideoReader(
        folder, paced=False, rate=10.0, field_of_view_rad=FIELD_RAD, live=False
    )._pictures
    assert [number_of(found.upright()) for found in (pictures.at(0.35), pictures.next())] == [2, 4]
    assert number_of(pictures.before(0.41).upright()) == 2
    assert number_of(pictures.next().upright()) == 4
    assert pictures.before(0.05) is None
    assert number_of(pictures.at(99.0).upright()) == 5
    assert pictures.next() is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: cv2.imwrite(str(folder / "3.png"), np.zeros((9, 8, 3))), r"3.png: is 8x9"),
        (lambda folder: (folder / "3.png").write_bytes(b"none"), "3.png: not a picture"),
        (lambda folder: (folder / "3.png").write_bytes(b""), "3.png: not a picture"),
        (lambda folder: (folder / "2.png").rename(folder / "9000.png"), "more are missing"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "has no picture; allowed"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change, message: str) -> None:
    folder = fill(tmp_path / "wrong", {f"{n}.png": n for n in range(3)})
    change(folder)
    with pytest.raises(SourceError, match=message):
        read(folder)


def test_a_folder_needs_a_rate(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="needs a rate"):
        probe(fill(tmp_path / "still", {"1.png": 1}))


def test_the_fingerprint_is_of_names_and_contents(tmp_path: Path) -> None:
    folder = fill(tmp_path / "same", {"1.png": 1, "2.png": 2})
    lines = [
        f"{name} {hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n"
        for name in ("1.png", "2.png")
    ]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert fingerprint(folder) == expected
    (folder / "2.png").rename(folder / "3.png")
    assert fingerprint(folder) != expected
