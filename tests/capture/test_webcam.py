"""The webcam, with a made-up camera at the border to OpenCV."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine import clock
from engine.capture import calibration, cameras
from engine.capture.calibration import Calibration
from engine.capture.cameras import Device
from engine.capture.sources import webcam
from engine.errors import CalibrationError, SourceError

BLUE_BGR = (200, 40, 10)


@dataclass
class Bench:
    """What the made-up driver does, and what was done to it."""

    devices: list[Device] = field(default_factory=lambda: [Device(2, "Acme Cam HD")])
    size_px: tuple[int, int] = (640, 480)
    # One entry per opening: how many reads succeed before the camera fails for good.
    good_reads: list[int] = field(default_factory=lambda: [10_000])
    held: bool = False  # by another program
    marked: bool = False  # the top left pixel is white
    refuses: set[int] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)  # that were opened
    calls: list[tuple[int, float]] = field(default_factory=list)
    opened: int = 0
    released: int = 0


class MadeUpCapture:
    bench: Bench

    def __init__(self, number: int, _interface: int = 0) -> None:
        self._here = any(device.number == number for device in self.bench.devices)
        self._left = 0
        if self._here and self.bench.opened < len(self.bench.good_reads):
            self._left = self.bench.good_reads[self.bench.opened]
        self._here = self._here and not self.bench.held
        self.bench.opened += 1
        self.bench.numbers.append(number)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self._here

    def set(self, key: int, value: float) -> bool:
        self.bench.calls.append((key, value))
        return key not in self.bench.refuses

    def get(self, key: int) -> float:
        return 30.0 if key == cv2.CAP_PROP_FPS else 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        if self._left <= 0:
            return False, None
        self._left -= 1
        width_px, height_px = self.bench.size_px
        image = np.full((height_px, width_px, 3), BLUE_BGR, np.uint8)
        if self.bench.marked:
            image[0, 0] = 255
        return True, image

    def release(self) -> None:
        self.bench.released += 1


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    MadeUpCapture.bench = bench
    monkeypatch.setattr(cv2, "VideoCapture", MadeUpCapture)
    monkeypatch.setattr(cameras, "listed", lambda: bench.devices)
    monkeypatch.setattr(webcam, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(webcam, "LONGEST_PAUSE_S", 0.02)
    return bench


@pytest.mark.parametrize("wanted", ["2", "/dev/video2", "Acme Cam HD", "acme"])
def test_camera_is_found_by_number_file_or_name(bench: Bench, wanted: str) -> None:
    camera = webcam.create(webcam.Settings(device=wanted))
    assert camera.name == "Acme Cam HD"
    assert camera.live
    assert bench.opened == 1


@pytest.mark.parametrize("wanted", ["0", "/dev/video7", "Logitech", ""])
def test_absent_camera_names_those_that_there_are(bench: Bench, wanted: str) -> None:
    with pytest.raises(SourceError, match=r"no such camera; found: 2 \(Acme Cam HD\)"):
        webcam.create(webcam.Settings(device=wanted))
    assert bench.opened == 0


def test_no_camera_at_all_says_so(bench: Bench) -> None:
    bench.devices = []
    with pytest.raises(SourceError, match="found: none"):
        webcam.create(webcam.Settings())


def test_busy_camera_says_so(bench: Bench) -> None:
    bench.good_reads = [0]
    with pytest.raises(SourceError, match=r"Acme Cam HD.*another program may be using it"):
        webcam.create(webcam.Settings(device="2"))
    assert bench.released == 1


def test_frames_are_rgb_counted_and_stamped_now(bench: Bench) -> None:
    camera = webcam.create(webcam.Settings(device="2"))
    before_ns = clock.now_ns()
    frames = [frame for _ in range(3) if (frame := camera.take()) is not None]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert tuple(frames[0].image[5, 5]) == BLUE_BGR[::-1]
    stamps = [before_ns, *(frame.captured_ns for frame in frames), clock.now_ns()]
    assert stamps == sorted(stamps)
    assert camera.camera.size_px == (640, 480)


def test_mjpeg_is_asked_for_before_the_size(bench: Bench) -> None:
    webcam.create(webcam.Settings(device="2", width_px=1280, height_px=720, frame_rate=60.0))
    keys = [key for key, _ in bench.calls]
    assert bench.calls[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    assert keys.index(cv2.CAP_PROP_FOURCC) < keys.index(cv2.CAP_PROP_FRAME_WIDTH)
    asked = dict(bench.calls)
    assert asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert asked[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert asked[cv2.CAP_PROP_FPS] == 60
    assert asked[cv2.CAP_PROP_BUFFERSIZE] == 1


def test_other_size_than_asked_for_is_used_and_told(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.size_px = (800, 600)
    with caplog.at_level(logging.WARNING):
        camera = webcam.create(webcam.Settings(device="2"))
    assert camera.camera.size_px == (800, 600)
    assert camera.camera.intrinsics[0, 2] == 400
    assert "gives 800x600 instead of 640x480" in caplog.text


def test_camera_that_fails_is_opened_again_and_goes_on(bench: Bench) -> None:
    bench.good_reads = [3, 0, 10]  # one proving read at each opening; the second opening fails
    camera = webcam.create(webcam.Settings(device="2"))
    frames = [frame for _ in range(5) if (frame := camera.take()) is not None]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert bench.opened == 3


def take_until(camera: webcam.Webcam, over: Callable[[int], bool]) -> list[str]:
    """Take one frame while the camera is away; returns the troubles told meanwhile."""
    told: list[str] = []

    def waiting() -> bool:
        told.append(camera.trouble)
        return not over(len(told))

    camera.waiting = waiting
    return told if camera.take() is None else [*told, "back"]


def test_a_camera_that_is_unplugged_is_found_again_by_its_name(bench: Bench) -> None:
    bench.good_reads = [2, 10]
    camera = webcam.create(webcam.Settings(device="2"))
    camera.take()
    bench.devices = [Device(2, "Other Cam")]  # took the number

    def plug_in(times: int) -> bool:
        if times == 4:
            bench.devices = [Device(2, "Other Cam"), Device(5, "Acme Cam HD")]
        return False

    told = take_until(camera, plug_in)
    assert "Acme Cam HD is not connected." in told
    assert told[-1] == "back"
    assert (bench.numbers[-1], camera.trouble) == (5, "")
    frame = camera.take()
    assert frame is not None
    assert frame.index == 2


def test_whoever_does_not_want_to_wait_may_go_on_later(bench: Bench) -> None:
    bench.good_reads = [1, 0, 10]
    camera = webcam.create(webcam.Settings(device="2"))
    told = take_until(camera, lambda times: times == 2)
    assert "back" not in told
    assert "gives no picture" in camera.trouble
    assert bench.released > 0
    camera.waiting = lambda: True
    frame = camera.take()
    assert frame is not None
    assert (frame.index, camera.trouble) == (0, "")


def test_a_camera_that_another_program_holds_says_so(bench: Bench) -> None:
    bench.good_reads, bench.held = [1, 10], False
    camera = webcam.create(webcam.Settings(device="2"))
    bench.held = True
    told = take_until(camera, lambda times: times == 3)
    assert "another program may be using it" in told[-1]


def test_pictures_of_another_size_are_waited_out(bench: Bench) -> None:
    bench.good_reads = [2, 10, 10, 10]
    camera = webcam.create(webcam.Settings(device="2"))
    camera.take()
    bench.size_px = (1280, 720)

    def shrink(times: int) -> bool:
        if times == 3:
            bench.size_px = (640, 480)
        return False

    told = take_until(camera, shrink)
    assert "another size" in told[1]
    assert told[-1] == "back"


def test_a_wait_ends_when_the_camera_is_closed(bench: Bench) -> None:
    bench.good_reads = [1]
    camera = webcam.create(webcam.Settings(device="2"))
    camera.waiting = lambda: camera.close() is None
    assert camera.take() is None


@pytest.mark.parametrize(
    ("turned_deg", "corner"), [(0, (0, 0)), (90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))]
)
def test_the_picture_is_turned_clockwise(
    bench: Bench, turned_deg: int, corner: tuple[int, int]
) -> None:
    """A white pixel in the top left corner goes to the top right, and so on."""
    bench.marked = True
    camera = webcam.create(webcam.Settings(device="2", rotation_deg=turned_deg))
    lying = turned_deg in (90, 270)
    assert camera.camera.size_px == ((480, 640) if lying else (640, 480))
    frame = camera.take()
    assert frame is not None
    assert tuple(frame.image[corner]) == (255, 255, 255)
    assert (frame.image == 255).all(axis=-1).sum() == 1


def test_exposure_and_gain_are_asked_for_and_refusals_told(bench: Bench) -> None:
    bench.refuses = {cv2.CAP_PROP_GAIN}
    settings = webcam.Settings(device="2", exposure=120.0, gain=8.0, pixel_format="YUYV")
    camera = webcam.create(settings)
    asked = dict(bench.calls)
    assert asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"YUYV")
    assert asked[cv2.CAP_PROP_EXPOSURE] == 120
    assert asked[cv2.CAP_PROP_GAIN] == 8
    assert asked[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert camera.refused == ("gain 8",)
    bench.good_reads.append(10)
    assert webcam.create(webcam.Settings(device="2")).refused == ()
    assert bench.calls[-1] == (cv2.CAP_PROP_AUTO_EXPOSURE, 3)


def test_close_releases_the_camera_on_the_next_take(bench: Bench) -> None:
    camera = webcam.create(webcam.Settings(device="2"))
    camera.take()
    camera.close()
    assert bench.released == 0
    assert camera.take() is None
    assert bench.released == 1


def test_linux_lists_cameras_without_their_metadata_devices(tmp_path: Path) -> None:
    for number, index, name in ((0, 0, "Acme"), (1, 1, "Acme"), (10, 0, "Obs"), (2, 0, "Zoom")):
        folder = tmp_path / f"video{number}"
        folder.mkdir()
        (folder / "index").write_text(f"{index}\n")
        (folder / "name").write_text(f"{name}\n")
    if cameras.sys.platform.startswith("linux"):
        assert cameras.listed(tmp_path) == [Device(0, "Acme"), Device(2, "Zoom"), Device(10, "Obs")]
        assert cameras.listed(tmp_path / "none") == []


def test_elsewhere_a_library_names_the_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers as its documentation shows them: Media Foundation's 14xx, then DirectShow's 7xx."""
    shown = [(1400, "2K USB Camera"), (1401, "Acme"), (700, "2K USB Camera"), (701, "Acme")]
    listed = [SimpleNamespace(index=index, name=name) for index, name in shown]
    library = SimpleNamespace(enumerate_cameras=lambda: listed)
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", library)
    monkeypatch.setattr(cameras.sys, "platform", "win32")
    devices = cameras.listed()
    assert devices == [Device(1400, "2K USB Camera"), Device(1401, "Acme")]
    assert cameras.resolve("1", devices) == cameras.resolve("acme", devices) == devices[1]
    listed.clear()
    assert cameras.listed() == []
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", None)  # not installed
    monkeypatch.setattr(cameras, "_by_trying", lambda: [Device(0, "camera 0")])
    assert cameras.listed() == [Device(0, "camera 0")]


def test_a_measured_camera_is_used_as_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert bench.opened == 0
    monkeypatch.setattr("engine.capture.calibration.user_data_folder", lambda: tmp_path)
    source = webcam.create(webcam.Settings(device="2"))
    assert (source.camera.name, source.camera.calibrated) == ("Acme Cam HD", False)
    measured = replace(
        source.camera, intrinsics=np.diag([500.0, 510.0, 1.0]), distortion=np.full(5, 0.01),
        calibrated=True,
    )  # fmt: skip
    path = calibration.save(Calibration(measured, 0.3, 20), tmp_path / "cameras")
    bench.good_reads.extend([10_000] * 2)
    again = webcam.create(webcam.Settings(device="2")).camera
    assert again.calibrated
    np.testing.assert_array_equal(again.intrinsics, measured.intrinsics)
    path.write_text("nothing of use")
    with pytest.raises(CalibrationError, match="not a camera calibration"):
        webcam.create(webcam.Settings(device="2"))
