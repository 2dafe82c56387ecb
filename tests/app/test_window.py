"""The window, really opened: with OpenGL where there is a screen or Xvfb."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QSlider,
    QSpinBox,
    QTableWidget,
)

from app.main_window import MainWindow
from app.panels.blendshapes import COLUMNS, BlendshapeBars
from app.panels.camera import SourcePanel, ViewPanel
from app.panels.outputs import OutputPanel
from app.render.look import Look, Mode
from app.status_text import Light
from app.window import run_window
from engine import config, output_presets
from engine.config import Config, TrackerConfig, output_choice, source_choice
from engine.errors import SourceError
from engine.fit.heads import HeadModel
from engine.graph import FrameTracker
from engine.types import BLENDSHAPE_NAMES, Camera, Frame, TrackResult

from drawn_head import pose, tracked  # isort: skip

pytestmark = pytest.mark.window
SIZE, RATE, SECONDS = (160, 120), 10, 60
PATIENCE_S = 60.0


class SteadyTracker:
    """Finds the same face in every frame; stands for network and fit."""

    about = "made up"

    def __init__(self, head: HeadModel) -> None:
        self._result = tracked(head.neutral, SIZE, pose(0.3))

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        return self

    def step(self, frame: Frame) -> TrackResult:
        return self._result

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a grey picture."""
    path = tmp_path_factory.mktemp("clip") / "grey.mp4"
    with av.open(str(path), "w") as video:
        stream = video.add_stream("libx264", RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        for _ in range(SECONDS * RATE):
            video.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        video.mux(stream.encode(None))
    return path


Run = Callable[..., int]


@pytest.fixture
def run(screen: bool, head: HeadModel, clip: Path, tmp_path: Path) -> Run:
    """Run the program until the session has settled, look, close."""

    def run_with(
        look_at: Callable[[MainWindow], None], source: Path = clip, seconds: float | None = None
    ) -> int:
        failures: list[BaseException] = []
        deadline = time.monotonic() + PATIENCE_S

        def look(window: MainWindow) -> None:
            late = time.monotonic() > deadline
            if not (late or settled(window)):
                QTimer.singleShot(30, window, lambda: look(window))
                return
            try:
                assert not late, f"still {window.tracking.title.text()}"
                look_at(window)
            except BaseException as error:  # noqa: BLE001 - Qt would swallow it
                failures.append(error)
            if seconds is None or late:
                window.close()

        status = run_window(
            Config(
                source_choice("video_file", path=str(source)),
                outputs=(output_choice("vmc", port=40_123),),
            ),
            seconds,
            tracker_maker=SteadyTracker(head),
            settings_path=tmp_path / "settings.yaml",
            memory=QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat),
            opened=look,
        )
        if failures:
            raise failures[0]
        return status

    return run_with


def outputs(window: MainWindow) -> OutputPanel:
    panel = window.pages["outputs"].widget.findChild(OutputPanel)
    assert isinstance(panel, OutputPanel)
    return panel


def settled(window: MainWindow) -> bool:
    """Whether the session has failed, or has found a face and sent it."""
    light = window.tracking.lamp.accessibleDescription()
    sent = "packets/s" in outputs(window).cards[0].state.text()
    return light == Light.RED.value or (light == Light.GREEN.value and sent)


def test_the_window_shows_what_is_tracked(run: Run, screen: bool) -> None:
    seen: dict[str, object] = {}

    def look_at(window: MainWindow) -> None:
        seen["title"] = window.tracking.title.text()
        seen["lamp"] = window.tracking.lamp.accessibleDescription()
        seen["output"] = outputs(window).cards[0].state.text()
        seen["picture"] = (
            window.viewport.canvas.isValid() and window.viewport.canvas.grabFramebuffer()
        )
        seen["message"] = window.viewport.message

    assert run(look_at) == 0
    assert (seen["title"], seen["lamp"]) == ("Face found", Light.GREEN.value)
    assert "packets/s" in str(seen["output"])
    if not screen:
        assert "OpenGL" in str(seen["message"])
        pytest.skip("no screen and no Xvfb: the picture itself was not looked at")
    assert seen["message"] == ""
    image = seen["picture"].convertToFormat(seen["picture"].Format.Format_RGB888)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    pixels = pixels[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)
    grey = (np.abs(pixels - 90) < 6).all(axis=-1)
    coloured = np.ptp(pixels, axis=-1) > 20
    assert 0.3 < grey.mean() < 0.8  # the rest are the bars beside it
    assert 0.01 < coloured.mean() < 0.3  # the face over the grey


def test_a_new_receiver_reaches_the_session_and_is_kept(run: Run, tmp_path: Path) -> None:
    def look_at(window: MainWindow) -> None:
        port = outputs(window).cards[0].form.field("port")
        assert isinstance(port, QSpinBox)
        port.setValue(40_124)

    assert run(look_at) == 0
    kept = config.load(tmp_path / "settings.yaml")
    assert [output.settings.port for output in kept.outputs] == [40_124]
    assert kept.source == config.default().source  # chosen on the command line, so not kept


def test_a_source_that_cannot_be_opened_is_reported(run: Run, tmp_path: Path) -> None:
    seen: list[str] = []

    def look_at(window: MainWindow) -> None:
        seen.extend([window.tracking.lamp.accessibleDescription(), window.tracking.reason.text()])

    with pytest.raises(SourceError, match=r"absent\.mp4"):
        run(look_at, source=tmp_path / "absent.mp4")
    assert seen[0] == Light.RED.value
    assert "absent.mp4" in seen[1]


def test_place_and_size_are_remembered_and_the_window_closes_in_time(run: Run) -> None:
    run(lambda window: window.resize(850, 640))
    sizes: list[tuple[int, int]] = []
    run(lambda window: sizes.append((window.width(), window.height())))
    assert sizes == [(850, 640)]
    assert run(lambda _window: None, seconds=0.3) == 0  # nobody closes this one


@pytest.mark.usefixtures("application")
def test_there_is_one_bar_for_every_blendshape() -> None:
    names = [name for _, rows in COLUMNS for _, pair in rows for name in pair]
    assert sorted(names) == sorted(BLENDSHAPE_NAMES)
    bars = BlendshapeBars()
    bars.resize(900, bars.sizeHint().height())
    places = list(bars.bars().values())
    assert len(places) == 52
    assert all(bars.rect().contains(place.toAlignedRect()) for place in places)
    assert not any(a.intersects(b) for index, a in enumerate(places) for b in places[index + 1 :])


@pytest.mark.usefixtures("application")
def test_all_controls_have_names() -> None:
    """For screen readers: a text of its own, or an accessible name."""
    panels = (
        SourcePanel(source_choice("demo")),
        ViewPanel(Look()),
        OutputPanel((output_choice("vmc"),), output_presets.listed()),
    )
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider, QSpinBox)
    found = [child for panel in panels for kind in kinds for child in panel.findChildren(kind)]
    parts = (QAbstractSpinBox, QTableWidget)  # of which Qt makes some by itself
    own = [child for child in found if not isinstance(child.parent(), parts)]
    assert len(own) > 30
    for child in own:
        assert child.accessibleName() or child.text(), child.objectName()


@pytest.mark.usefixtures("application")
def test_the_view_panel_changes_only_the_look() -> None:
    panel, looks = ViewPanel(Look()), []
    panel.changed.connect(looks.append)
    for mode in Mode:
        button = next(b for b in panel.findChildren(QAbstractButton) if b.text() == mode.value)
        button.click()
    panel.opacity.setValue(25)
    panel.mirror.toggle()
    assert [look.mode for look in looks[: len(Mode)]] == list(Mode)
    assert looks[-1] == Look(list(Mode)[-1], opacity=0.25, mirror=True)
