"""What the window leaves undone: libraries not loaded at the start, pictures nobody sees."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QWidget

from app.main_window import MainWindow
from app.pages import Later
from app.viewport import Viewport
from app.window import run_window
from engine.config import Config, TrackerConfig, source_choice
from engine.graph import FrameTracker
from engine.types import Camera, Frame, Status, TrackResult

pytestmark = pytest.mark.window
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
FRAMES = 10

# The window as it is started, up to the first picture; the tracker alone is another.
FIRST_PICTURE = """
import sys, tempfile
from pathlib import Path
import app.commands.live
from PySide6.QtCore import QSettings
from app.window import run_window
from engine.config import Config, output_choice, source_choice
from engine.types import Status, TrackResult

class Searching:
    about = "made up"
    def __call__(self, config, camera, *, live=False): return self
    def step(self, frame): return TrackResult(frame.index, 0, 0, Status.SEARCHING)
    def close(self): pass

loaded = set()
def opened(window):
    def picture(*_):
        loaded.update(name.split(".")[0] for name in sys.modules)
        window.close()
    window.bridge.previewed.connect(picture)
    window.bridge.tracked.connect(picture)

config = Config(source_choice("demo"), outputs=(output_choice("vmc", port=40_124),))
memory = QSettings(str(Path(sys.argv[1]) / "memory.ini"), QSettings.Format.IniFormat)
run_window(config, tracker_maker=Searching(), settings_path=Path(sys.argv[1]) / "c.yaml",
           memory=memory, opened=opened)
print(*sorted(loaded))
"""


def test_the_first_picture_waits_for_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PICTURE, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"PySide6", "engine", "app"} <= loaded
    unneeded = {"numba", "llvmlite", "scipy", "torch", "onnx", "onnxruntime", "pandas", "pyqtgraph"}
    assert not loaded & unneeded


class Counting:
    """Finds no face, and counts the frames it has looked at."""

    about, frames = "made up", 0

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        return self

    def step(self, frame: Frame) -> TrackResult:
        self.frames += 1
        return TrackResult(frame.index, frame.captured_ns, frame.captured_ns, Status.SEARCHING)

    def close(self) -> None:
        pass


@pytest.mark.usefixtures("screen")
@pytest.mark.parametrize(
    ("away", "back"),
    [
        pytest.param(
            lambda window: window.commands.names["view.preview"].trigger(),
            lambda window: window.commands.names["view.preview"].trigger(),
            id="preview off",
        ),
        pytest.param(MainWindow.showMinimized, MainWindow.showNormal, id="minimised"),
    ],
)
def test_nothing_is_drawn_that_nobody_sees_and_tracking_goes_on(
    away: Callable[[MainWindow], None],
    back: Callable[[MainWindow], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Goes on to the next step when enough has happened, however long that takes."""
    tracker, shown, notes = Counting(), [0], dict[str, int]()
    show, deadline = Viewport.show_result, time.monotonic() + PATIENCE_S

    def counted(view: Viewport, frame: Frame, result: TrackResult | None) -> None:
        shown[0] += 1
        show(view, frame, result)

    monkeypatch.setattr(Viewport, "show_result", counted)

    def look(window: MainWindow) -> None:
        if "away" not in notes and shown[0]:
            away(window)
            notes.update(away=shown[0], frames=tracker.frames)
        elif "away" in notes and "back" not in notes and tracker.frames > notes["frames"] + FRAMES:
            notes["back"] = shown[0]
            back(window)
        if ("back" in notes and shown[0] > notes["back"]) or time.monotonic() > deadline:
            window.close()
        else:
            QTimer.singleShot(10, window, lambda: look(window))

    run_window(
        Config(source_choice("demo")),
        tracker_maker=tracker,
        settings_path=tmp_path / "settings.yaml",
        memory=QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat),
        opened=look,
    )
    assert notes["back"] == notes["away"]  # none while it was away, and
    assert shown[0] > notes["back"]  # again afterwards


@pytest.mark.usefixtures("application")
def test_a_page_is_made_once_when_it_is_first_seen() -> None:
    made: list[QWidget] = []

    def make() -> QWidget:
        made.append(QWidget())
        return made[-1]

    later = Later(make)
    assert made == []
    later.show()
    assert [later.page] == made
    assert made[0].isVisible()
    later.hide()
    later.show()
    assert len(made) == 1
