"""The calibration: prompts, pictures and tones; waits for a face; what is discarded never was."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import lost, tracked
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtWidgets import QApplication

from app.bridge import Bridge
from app.log_window import LogKeeper
from app.main_window import MainWindow
from app.panels.face_calibration import FaceCalibrationDialog
from app.render.pose_picture import PoseArtist, posed_result
from engine.config import Config, TrackerConfig, source_choice
from engine.cues import Cue, Cues, samples
from engine.fit.guided import POSES
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration, StoredPerson
from engine.fit.retarget import RetargetSettings
from engine.people import People
from engine.session import Session
from engine.types import BLENDSHAPE_NAMES, Camera, Frame, TrackResult

pytestmark = pytest.mark.window
STEP_NS = 50_000_000
FRAME = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0)
JAW = BLENDSHAPE_NAMES.index("jawOpen")


class Speaker:
    """Stands for the sound device."""

    PortAudioError = type("PortAudioError", (Exception,), {})

    def __init__(self, *, broken: bool = False) -> None:
        self.heard: list[float] = []
        self._broken = broken

    def play(self, wave: np.ndarray, rate_hz: int, *, blocking: bool) -> None:
        assert blocking
        if self._broken:
            raise self.PortAudioError("no device")
        self.heard.append(np.argmax(np.abs(np.fft.rfft(wave))) * rate_hz / len(wave))


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> Speaker:
    made = Speaker()
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    return made


def known(name: str) -> PersonCalibration | None:
    if name != "bo":
        return None
    return PersonCalibration(np.full(52, 0.05), np.ones(52))


@pytest.fixture
def dialog(
    application: QApplication, head: HeadModel, speaker: Speaker
) -> Iterator[FaceCalibrationDialog]:
    made = FaceCalibrationDialog("anna", head, known)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _readings(pose: str) -> np.ndarray:
    readings = np.zeros(52)
    readings[JAW] = 0.7 if pose == "jaw open" else 0.1
    return readings


def performed() -> Iterator[TrackResult]:
    """What a performer shows who opens the mouth in time and does nothing else."""
    for index in range(2000):
        step = min(index // 100, len(POSES) - 1)
        made = replace(tracked(index, index * STEP_NS), readings=_readings(POSES[step].name))
        yield made


def _perform(dialog: FaceCalibrationDialog) -> None:
    for result in performed():
        if dialog.summary.isVisible():
            return
        dialog.show_result(FRAME, result)
    raise AssertionError("never done")


def test_it_prompts_and_waits_for_a_face(dialog: FaceCalibrationDialog) -> None:
    assert "relaxed face" in dialog.prompt.text()
    assert dialog.step.text() == "Step 1 of 9"
    assert dialog.count.text() == "3"
    assert not dialog.keep.isEnabled()
    for index in range(30):
        dialog.show_result(FRAME, replace(tracked(0, index * STEP_NS), readings=_readings("")))
    assert dialog.count.text() == "2"
    before = dialog.progress.value()
    assert before > 0
    for index in range(30, 90):
        dialog.show_result(FRAME, lost(index, index * STEP_NS))
    assert "No face found" in dialog.phase.text()
    assert dialog.progress.value() == before


def test_what_would_change_is_shown_against_the_person_of_that_name(
    dialog: FaceCalibrationDialog,
) -> None:
    kept: list[tuple[str, PersonCalibration]] = []
    dialog.kept.connect(lambda name, calibration: kept.append((name, calibration)))
    _perform(dialog)
    jaw = next(row for row in dialog.summary.texts() if row[0] == "Jaw open")
    assert jaw[1] == "0.00 → 0.10"
    assert jaw[2].endswith("→ 0.70")
    # Of others the usual rest is taken off; who is calibrated reads 0 there, and is sent that.
    usual = RetargetSettings().responses.rest
    assert len(dialog.summary.texts()) == 1 + int((usual > 0.005).sum())
    assert "mouthSmileLeft: hardly moved" in dialog.notes.text()
    dialog.name.setText(" ")
    assert not dialog.keep.isEnabled()
    dialog.name.setText("bo")
    rows = {row[0]: row for row in dialog.summary.texts()}
    assert len(rows) == 52  # bo's rest was 0.05 everywhere
    assert rows["Jaw open"][1] == "0.05 → 0.10"
    assert rows["Tongue out"][1] == "0.05 → 0.00"
    dialog.keep.click()
    ((name, calibration),) = kept
    assert name == "bo"
    assert calibration.offset[JAW] == pytest.approx(0.1)


def test_tones_say_ready_and_hold_and_done(dialog: FaceCalibrationDialog, speaker: Speaker) -> None:
    for index, result in enumerate(performed()):
        if dialog.summary.isVisible():
            break
        dialog.show_result(FRAME, result)
        if index % 25 == 0:
            time.sleep(0.02)  # a tone that nobody waits for is replaced by the next
    dialog.close()
    heard = np.round(speaker.heard, -1).tolist()
    assert set(heard[:-1]) == {520, 780}
    assert len(heard) >= 15
    assert heard[-1] in (780, 1050)


def test_silence_is_no_obstacle(
    application: QApplication, head: HeadModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device in (Speaker(broken=True), None):  # no device, and no PortAudio
        monkeypatch.setitem(sys.modules, "sounddevice", device)
        cues = Cues()
        cues.play(Cue.READY)
        cues.close()
        assert cues.silent
        dialog = FaceCalibrationDialog("anna", head)
        dialog.show()
        _perform(dialog)
        assert dialog.keep.isEnabled()
        dialog.close()
        dialog.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_cue_begins_and_ends_without_a_click() -> None:
    for cue in Cue:
        wave = samples(cue)
        assert np.abs(wave).max() <= 0.2
        assert abs(wave[0]) < 1e-6
        assert abs(wave[-1]) < 1e-3
        assert np.abs(np.diff(wave)).max() < 0.04  # the steepest slope of 1047 Hz is 0.027


@pytest.mark.usefixtures("context")  # skips where there is no OpenGL
def test_every_pose_has_a_picture_of_its_own(head: HeadModel) -> None:
    artist = PoseArtist(head, 120, (10, 20, 30))
    pictures = []
    for pose in POSES:
        artist.ask(pose)
        deadline = time.monotonic() + 20
        while artist.picture(pose) is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        pictures.append(artist.picture(pose).astype(int))
    artist.close()
    for index, picture in enumerate(pictures):
        assert picture[0, 0].tolist() == [10, 20, 30]
        drawn = (picture != [10, 20, 30]).any(axis=-1)
        assert 0.1 < drawn.mean() < 0.8
        assert not drawn[0].any()
        assert not drawn[:, 0].any()
        for other in pictures[:index]:
            assert np.abs(picture - other).max() > 30


def test_the_picture_shows_what_is_asked(head: HeadModel) -> None:
    poses = {pose.name: pose for pose in POSES}
    rest = posed_result(head, poses["neutral"], 200).head.vertices
    wide = posed_result(head, poses["jaw open"], 200).head.vertices
    chin = np.argmax(np.where(head.skin_weights[:, 2] > 0.9, head.neutral[:, 1], -1.0))
    assert wide[chin, 1] - rest[chin, 1] > 0.01  # downwards, metres
    iris = np.argmin(np.where(head.skin_weights[:, 3] > 0.9, head.neutral[:, 2], 1.0))
    left, right = (posed_result(head, poses[f"look {side}"], 200) for side in ("left", "right"))
    assert left.head.vertices[iris, 0] > rest[iris, 0] > right.head.vertices[iris, 0]


class Expecting:
    """A tracker maker and tracker that knows how to keep a person, and finds no face."""

    about = "made up"

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> Expecting:
        return self

    def step(self, frame: Frame) -> TrackResult:
        return lost(frame.index, frame.captured_ns)

    def expect(self, name: str, calibration: PersonCalibration | None) -> StoredPerson:
        return StoredPerson(name, "open", "0" * 64, calibration=calibration)

    def close(self) -> None:
        pass


def test_discarded_leaves_the_person_exactly_and_kept_is_stored(
    application: QApplication,
    head: HeadModel,
    speaker: Speaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    before = PersonCalibration(np.full(52, 0.02), np.full(52, 1.1))
    path = People().save(StoredPerson("anna", "open", "0" * 64, calibration=before))
    stored = path.read_bytes()
    config = Config(source_choice("demo"), TrackerConfig(person="anna"))
    session = Session(config, tracker_maker=Expecting())
    memory = QSettings(str(tmp_path / "memory.ini"), QSettings.Format.IniFormat)
    window = MainWindow(Bridge(session, tmp_path / "c.yaml"), head, memory, LogKeeper())
    session.start()
    deadline = time.monotonic() + 20
    while session.status().captured == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for keep in (False, True):
        dialog = window.calibrate_face()
        for result in performed():
            window.bridge.tracked.emit(FRAME, result)
            if dialog.summary.isVisible():
                break
        assert dialog.summary.texts()[17][:2] == ("Jaw open", "0.02 → 0.10")
        (dialog.keep if keep else dialog.discard).click()
        assert not dialog.isVisible()
        if not keep:
            assert path.read_bytes() == stored
            assert session.config == config
            window.bridge.tracked.emit(FRAME, tracked())  # nobody listens any more
    found = People().load("anna").calibration
    assert found is not None
    assert found.offset[JAW] == pytest.approx(0.1)
    window.calibrate_face()  # and left open
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
