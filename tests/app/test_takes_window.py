"""Takes, all the way: the real window records, lists, renames, bins, plays and mends them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QTimer
from PySide6.QtWidgets import QApplication
from pythonosc.osc_packet import OscPacket

from app.bridge import Bridge
from app.first_steps import DONE
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.pages.takes import TakesPage
from app.recorder import Phase
from app.take_shelf import STILL_WRITTEN_S
from engine import clock, config
from engine.config import Config, TrackerConfig, output_choice, source_choice
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration, StoredPerson
from engine.graph import FrameTracker
from engine.recording.reader import read_take
from engine.recording.settings import RecordSettings, SoundSettings
from engine.recording.take import COMPLETE, RECORDING, load_info, save_info
from engine.session import Session
from engine.status import State
from engine.types import Camera, Frame, TrackResult

from drawn_head import pose, tracked  # isort: skip

pytestmark = pytest.mark.window
PATIENCE_S = 60.0


class SwayingTracker:
    """A face that turns with the frames, so that no two results are the same."""

    about = "made up"

    def __init__(self, head: HeadModel) -> None:
        self._head = head
        self._size = (64, 48)

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> FrameTracker:
        self._size = camera.size_px
        return self

    def step(self, frame: Frame) -> TrackResult:
        made = tracked(self._head.neutral, self._size, pose(0.01 * (frame.index % 40)))
        return replace(
            made,
            frame_index=frame.index,
            captured_ns=frame.captured_ns,
            finished_ns=clock.now_ns(),
        )

    def expect(self, name: str, calibration: PersonCalibration | None) -> StoredPerson:
        raise NotImplementedError

    def close(self) -> None:
        pass


class Stage:
    """A window with a session that runs, and the patience to wait for it."""

    def __init__(self, application: QApplication, window: MainWindow) -> None:
        self.application, self.window, self.bridge = application, window, window.bridge
        page = window.pages["takes"].widget
        assert isinstance(page, TakesPage)
        self.page = page

    def until(self, told: Callable[[], object], what: str) -> None:
        """Let the window live until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not told():
            assert time.monotonic() < deadline, f"{what}; {self.words()}"
            self.application.processEvents()
            time.sleep(0.005)

    def words(self) -> str:
        recorder = self.page.recorder
        state = self.window.tracking.title.text(), self.window.tracking.reason.text()
        return f"{recorder.phase} {recorder.problem} {self.page.takes.told.text()} {state}"

    def record(self, seconds: float = 0.7) -> None:
        """Press the button, wait, press it again, and wait for the take to be listed."""
        before = len(self.page.shelf.takes)
        self.page.record.button.click()
        self.until(lambda: self.page.recorder.seconds > seconds, "a take is recorded")
        self.page.record.button.click()
        self.until(lambda: len(self.page.shelf.takes) > before, "the take is listed")
        self.until(lambda: self.page.recorder.phase is Phase.IDLE, "the take is complete")

    def names(self) -> list[str]:
        shown = self.page.takes.list
        return [shown.item(row).text().split()[0] for row in range(shown.count())]


Opened = Callable[..., Stage]


@pytest.fixture
def open_window(application: QApplication, head: HeadModel, tmp_path: Path) -> Iterator[Opened]:
    made: list[MainWindow] = []

    def open_with(**parts: object) -> Stage:
        recording = RecordSettings(folder=str(tmp_path / "takes"), pre_roll_s=0.2)
        settings = Config(source_choice("demo"), recording=recording, sound=SoundSettings(on=False))
        session = Session(replace(settings, **parts), tracker_maker=SwayingTracker(head))
        memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
        memory.setValue(DONE, True)
        bridge = Bridge(session, tmp_path / "config.yaml")
        window = MainWindow(bridge, head, memory, LogKeeper())
        made.append(window)
        window.show()
        window.show_page("takes")
        bridge.start()
        stage = Stage(application, window)
        stage.until(lambda: session.status().state is not State.STARTING, "the session runs")
        return stage

    yield open_with
    for window in made:
        window.leaving.at_once()
        timers = [*window.findChildren(QTimer), *window.bridge.findChildren(QTimer)]
        running = [timer for timer in timers if timer.isActive()]
        window.viewport.release()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        assert running == []


def test_a_take_is_recorded_listed_renamed_noted_binned_and_taken_out(
    open_window: Opened, tmp_path: Path
) -> None:
    stage = open_window()
    page, takes = stage.page, stage.page.takes
    assert page.record.number.text() == "Take 001"
    page.record.slate.setText("Hall")
    page.record.slate.textEdited.emit("Hall")
    stage.record()
    assert page.frame.isHidden()
    stage.record()
    assert stage.names() == ["Hall_002", "Hall_001"]
    assert page.record.number.text() == "Take 003"
    stage.until(lambda: len(page.shelf._pictures) == 2, "both have a picture")

    takes.list.setCurrentRow(1)
    takes.details.notes.setPlainText("the good one\nwith two lines")
    takes.details.stars.buttons[3].click()
    takes.list.setCurrentRow(0)
    info = load_info(tmp_path / "takes" / "Hall_001")
    assert (info.notes, info.rating) == ("the good one\nwith two lines", 4)
    takes.details.slate.setText("Garden")
    takes.details.slate.editingFinished.emit()
    stage.until(lambda: "Garden_001" in stage.names(), "it has another name")
    assert load_info(tmp_path / "takes" / "Garden_001").slate == "Garden"

    takes.list.choose(tmp_path / "takes" / "Garden_001")
    takes.details.buttons["bin"].click()
    stage.until(lambda: stage.names() == ["Hall_001"], "it is gone")
    assert not (tmp_path / "takes" / "Garden_001").exists()
    stage.window.commands.names["edit.undo"].trigger()
    stage.until(lambda: len(stage.names()) == 2, "it is back")
    takes.list.choose(tmp_path / "takes" / "Garden_001")
    takes.details.buttons["verify"].click()
    stage.until(lambda: "is whole" in takes.told.text(), "it is whole")


def test_a_take_that_has_changed_is_told_to_be_not_whole(
    open_window: Opened, tmp_path: Path
) -> None:
    stage = open_window()
    stage.record()
    with (tmp_path / "takes" / "Scene_001" / "tracking.arrows").open("r+b") as file:
        file.seek(700)
        file.write(b"\x00\xff" * 8)
    stage.page.takes.list.setCurrentRow(0)
    stage.page.takes.details.buttons["verify"].click()
    stage.until(lambda: "not whole" in stage.page.takes.told.text(), "it is checked")
    assert "tracking.arrows" in stage.page.takes.told.text()


def test_the_countdown_counts_and_can_be_called_off(open_window: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "takes"
    stage = open_window(recording=RecordSettings(folder=str(folder), countdown_s=2))
    record = stage.window.commands.names["takes.record"]
    record.trigger()
    assert stage.page.recorder.phase is Phase.COUNTING
    assert "2" in stage.page.record.button.text()
    assert stage.page.frame.isVisible()
    record.trigger()
    assert stage.page.recorder.phase is Phase.IDLE
    assert not stage.page.frame.isVisible()
    assert not [t for t in stage.page.recorder.findChildren(QTimer) if t.isActive()]
    record.trigger()
    began = time.monotonic()
    stage.until(lambda: stage.page.recorder.seconds > 0.2, "the take begins")
    assert time.monotonic() - began > 1.9
    assert stage.page.frame.isVisible()
    assert "Stop" in record.text()
    record.trigger()
    stage.until(lambda: stage.names() == ["Scene_001"], "the take is listed")


def test_a_slate_that_no_folder_can_have_is_told(open_window: Opened, tmp_path: Path) -> None:
    stage = open_window()
    stage.page.record.slate.textEdited.emit("a/b")
    assert "a/b" in stage.page.record.told.text()
    stage.page.record.button.click()
    stage.until(lambda: stage.page.recorder.phase is Phase.IDLE, "it is refused")
    assert "needs a name that a folder can have" in stage.page.record.told.text()
    assert not list(tmp_path.glob("takes/*"))


def test_settings_of_recording_are_kept_and_taken_back(open_window: Opened, tmp_path: Path) -> None:
    stage = open_window()
    form = stage.page.settings.recording
    form.field("pre_roll_s").setValue(1.5)
    assert config.load(tmp_path / "config.yaml").recording.pre_roll_s == 1.5
    assert stage.bridge.running
    stage.window.commands.names["edit.undo"].trigger()
    assert stage.bridge.config.recording.pre_roll_s == 0.2
    assert form.settings.pre_roll_s == 0.2


def test_a_window_that_closes_while_recording_leaves_a_whole_take(
    open_window: Opened, tmp_path: Path
) -> None:
    stage = open_window()
    stage.page.record.button.click()
    stage.until(lambda: stage.page.recorder.seconds > 0.5, "a take is recorded")
    asked: list[str] = []
    stage.window.leaving.confirm = lambda question: not asked.append(question)
    stage.window.close()
    assert len(asked) == 1
    assert load_info(tmp_path / "takes" / "Scene_001").status == COMPLETE


def test_a_take_that_was_cut_off_is_offered_and_mended(open_window: Opened, tmp_path: Path) -> None:
    first = open_window()
    first.record(1.2)
    first.window.close()
    folder = tmp_path / "takes" / "Scene_001"
    cut_off(folder)
    second = open_window()
    second.until(lambda: second.page.offer.isVisible(), "mending is offered")
    assert "Scene_001" in second.page.offer.words.text()
    assert second.bridge.running
    second.page.offer.mend.click()
    second.until(lambda: "is mended" in second.page.takes.told.text(), "it is mended")
    info = load_info(folder)
    assert (info.status, info.recovered) == (COMPLETE, True)
    assert info.frames > 10
    assert len(read_take(folder).status) == info.frames


def test_a_take_drives_the_receivers_and_is_wound(open_window: Opened, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inbox:
        inbox.bind(("127.0.0.1", 0))
        inbox.setblocking(False)
        port = inbox.getsockname()[1]
        stage = open_window(outputs=(output_choice("vmc", port=port),))
        stage.record(1.0)
        bar, folder = stage.window.playback, tmp_path / "takes" / "Scene_001"
        stage.page.takes.list.setCurrentRow(0)
        stage.page.takes.details.buttons["play"].click()
        stage.until(lambda: stage.bridge.player is not None, "it is played")
        player = stage.bridge.player
        assert player is not None
        assert bar.isVisible()
        sent: list[tuple[float, ...]] = []
        stage.until(lambda: sent.extend(packets(inbox)) or not player.playing, "it has ended")
        ended = time.monotonic()
        stage.until(
            lambda: sent.extend(packets(inbox)) or time.monotonic() > ended + 0.3, "all has come"
        )
        take = read_take(folder)
        by_picture = sent[-len(take.status) :]
        assert len(set(by_picture)) > 20
        sent.clear()
        shown: list[int] = []
        stage.bridge.tracked.connect(lambda frame, _result: shown.append(frame.index))
        seventh_s = (take.captured_ns[7] - take.info.started_ns) / clock.NS_PER_S
        bar.place.setValue(round(1000 * seventh_s))
        stage.until(lambda: sent.extend(packets(inbox)) or sent, "the picture is sent")
        assert sent == [by_picture[7]]
        stage.until(lambda: shown == [int(take.frame_index[7])], "the picture is shown")
        shown.clear()
        bar.on.click()
        stage.until(lambda: shown == [int(take.frame_index[8])], "one picture on")
        stage.window.commands.names["takes.back"].trigger()
        stage.until(lambda: shown[1:] == [int(take.frame_index[7])], "one picture back")
        assert not player.playing
        stage.until(lambda: bar.time.text().startswith(f"{seventh_s:.2f}"), "the time is shown")
        bar.speed.setCurrentIndex(bar.speed.findData(2.0))
        bar.loop.click()
        assert (player.speed, player.loop) == (2.0, True)
        bar.play.click()
        stage.until(lambda: len(shown) > 2 + len(take.status), "it goes round")
        status = stage.bridge._session.status()
        assert status.dropped_by_camera == 0

        stage.page.record.button.click()
        assert "camera" in stage.page.record.told.text()
        bar.leave.click()
        stage.until(lambda: stage.bridge.playing is None, "the camera is back")
        assert stage.bridge.config.source.kind == "demo"
        assert not bar.isVisible()
        stage.until(lambda: "demo" in stage.bridge._session.status().source, "it runs")
    assert not (tmp_path / "config.yaml").exists()  # nothing of it is kept for the next start


def test_a_profile_saved_while_a_take_is_played_has_the_camera(
    open_window: Opened, tmp_path: Path
) -> None:
    stage = open_window()
    stage.record()
    stage.page.play(tmp_path / "takes" / "Scene_001")
    stage.window.profiles.ask = lambda _title, _suggestion: "Show"
    stage.window.commands.names["profile.save_as"].trigger()
    assert config.load(tmp_path / "profiles" / "Show.yaml").source.kind == "demo"


def test_a_take_is_exported_and_an_export_called_off(open_window: Opened, tmp_path: Path) -> None:
    stage = open_window()
    stage.record()
    dialog = stage.page.export(tmp_path / "takes" / "Scene_001")
    dialog.format.setCurrentIndex(dialog.format.findData("bvh"))
    dialog.rate.setCurrentIndex(dialog.rate.findData("60"))
    target = Path(dialog.path.text())
    assert target.suffix == ".bvh"
    dialog.export.click()
    stage.until(lambda: not dialog.running and dialog.told.text(), "it is written")
    assert str(target) in dialog.told.text()
    lines = target.read_text().splitlines()
    assert any(line.startswith("Frame Time: 0.01666") for line in lines)
    dialog.export.click()
    assert "is there already" in dialog.told.text()

    dialog.format.setCurrentIndex(dialog.format.findData("overlay"))
    assert Path(dialog.path.text()).suffix == ".mp4"
    dialog.export.click()
    stage.until(lambda: not dialog.running and dialog.told.text(), "the video is written")
    if "Written" in dialog.told.text():
        with av.open(dialog.path.text()) as video:
            assert sum(1 for _ in video.decode(video=0)) > 5
    else:
        assert "OpenGL" in dialog.told.text()

    dialog.format.setCurrentIndex(dialog.format.findData("head_avatar"))
    folder = Path(dialog.path.text())
    dialog.export.click()
    dialog.cancel.click()
    stage.until(lambda: not dialog.running and dialog.told.text(), "it is called off")
    assert "Cancelled" in dialog.told.text()
    assert not list(folder.parent.glob(f"{folder.name}*"))
    dialog.reject()


def packets(inbox: socket.socket) -> list[tuple[float, ...]]:
    """Return place and turn of the head in every VMC packet that waits."""
    heads: list[tuple[float, ...]] = []
    while True:
        try:
            packet = OscPacket(inbox.recv(65536))
        except BlockingIOError:
            return heads
        for timed in packet.messages:
            if timed.message.address == "/VMC/Ext/Bone/Pos" and timed.message.params[0] == "Head":
                heads.append(tuple(timed.message.params[1:]))


def test_what_is_still_written_is_not_offered(open_window: Opened, tmp_path: Path) -> None:
    first = open_window()
    first.record()
    first.window.close()
    folder = tmp_path / "takes" / "Scene_001"
    cut_off(folder)
    os.utime(folder / "film.mkv")  # as if somebody had just added to it
    second = open_window()
    second.until(lambda: second.names() == ["Scene_001"], "it is listed")
    second.until(lambda: second.bridge.chores.idle, "all is looked at")
    assert not second.page.offer.isVisible()


def cut_off(folder: Path) -> None:
    """Leave a take as a power cut does: no end of its files, and long ago."""
    save_info(folder, replace(load_info(folder), status=RECORDING, frames=0, streams=()))
    for name in ("film.mkv", "tracking.arrows"):
        path = folder / name
        path.write_bytes(path.read_bytes()[: -path.stat().st_size // 8])
    (folder / "thumbnail.jpg").unlink(missing_ok=True)
    for path in folder.iterdir():
        os.utime(path, times=(time.time() - 2 * STILL_WRITTEN_S,) * 2)
