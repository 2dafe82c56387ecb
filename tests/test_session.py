"""The session: nothing lost from files, newest wins live, every error shown, every thread ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import lost, tracked
from videos import write_video

import engine.graph
import engine.session
from engine import clock
from engine.config import Config, TrackerConfig, output_choice, source_choice
from engine.errors import AssetError, OutputError, PersonError, SourceError
from engine.fit.person import PersonCalibration, StoredPerson
from engine.geometry import assumed_camera
from engine.graph import RecorderMaker
from engine.outputs import Delivery
from engine.people import People
from engine.session import Session
from engine.status import SessionStatus, State, Traffic
from engine.tuning import Tuning
from engine.types import Camera, Frame, Status, TrackResult

FRAMES = 12


class MadeUpTracker:
    """Finds a face in every frame but the third, after `seconds`."""

    about = "made up"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.seen = seconds, []
        self.made: list[TrackerConfig] = []
        self.closed = False

    def __call__(
        self, config: TrackerConfig, camera: Camera, *, live: bool = False
    ) -> MadeUpTracker:
        self.made.append(config)
        return self

    def step(self, frame: Frame) -> TrackResult:
        time.sleep(self.seconds)
        self.seen.append(frame.index)
        if frame.index == 2:
            return lost(frame.index, frame.captured_ns)
        result = tracked(frame.index, frame.captured_ns)
        return replace(result, finished_ns=clock.now_ns())

    def close(self) -> None:
        self.closed = True


class MadeUpCamera:
    """A live source: a frame every `interval_s` until closed, or until it breaks."""

    live, name, frame_rate = True, "made up", 100.0

    def __init__(self, interval_s: float = 0.005, breaks_after: int | None = None) -> None:
        self.camera = assumed_camera(64, 48)
        self._interval_s, self._breaks_after = interval_s, breaks_after
        self.index, self.closing, self.released = 0, False, False
        self.skip = 0

    def take(self) -> Frame | None:
        time.sleep(self._interval_s)
        if self.closing:
            self.released = True
            return None
        if self._breaks_after is not None and self.index >= self._breaks_after:
            self.released = True
            raise SourceError("made up: cable pulled")
        frame = Frame(np.zeros((48, 64, 3), np.uint8), self.index + self.skip, clock.now_ns())
        self.index += 1
        return frame

    def close(self) -> None:
        self.closing = True


class MadeUpSink:
    def __init__(self, seconds: float = 0.0, delivery: Delivery = Delivery.LATEST) -> None:
        self.delivery, self.seconds, self.traffic = delivery, seconds, Traffic()
        self.got: list[int] = []
        self.statuses: list[Status] = []
        self.threads: set[str] = set()
        self.closed = False

    def send(self, result: TrackResult) -> None:
        time.sleep(self.seconds)
        self.got.append(result.frame_index)
        self.statuses.append(result.status)
        self.threads.add(threading.current_thread().name)

    def close(self) -> None:
        self.closed = True


class MadeUpRecorder:
    def __init__(self, seconds: float = 0.0, fails_at: int | None = None) -> None:
        self.seconds, self.fails_at = seconds, fails_at
        self.got: list[tuple[int, int]] = []
        self.closed = False

    def write(self, frame: Frame, result: TrackResult) -> None:
        time.sleep(self.seconds)
        if frame.index == self.fails_at:
            raise OSError("disk full")
        self.got.append((frame.index, result.frame_index))

    def close(self) -> None:
        self.closed = True

    def maker(self) -> RecorderMaker:
        return lambda _source: self


def _until(session: Session, wanted: Callable[[SessionStatus], bool]) -> SessionStatus:
    deadline = time.monotonic() + 20
    while not wanted(status := session.status()):
        assert time.monotonic() < deadline, f"still {status}"
        time.sleep(0.005)
    return status


def _over(status: SessionStatus) -> bool:
    return status.state not in (State.STARTING, State.RUNNING)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mkv", range(0, 40 * FRAMES, 40))


def _file(clip: Path, **settings: object) -> Config:
    return Config(source=source_choice("video_file", path=str(clip), paced=False, **settings))


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> MadeUpCamera:
    made_up = MadeUpCamera()
    monkeypatch.setattr(engine.session, "open_source", lambda _choice: made_up)
    return made_up


def _with_sinks(monkeypatch: pytest.MonkeyPatch, *sinks: MadeUpSink) -> Config:
    """Return a config whose outputs are the given sinks."""
    choices = tuple(
        output_choice("vmc", port=1000 + i, name=f"sink{1000 + i}") for i in range(len(sinks))
    )
    by_choice = dict(zip(choices, sinks, strict=True))
    monkeypatch.setattr(
        engine.session,
        "open_output",
        lambda choice, source: engine.graph.sink_line(
            f"sink{choice.settings.port}", by_choice[choice], source
        ),
    )
    return Config(source=source_choice("webcam"), outputs=choices)


def test_file_loses_nothing_though_a_recorder_is_slow(clip: Path) -> None:
    slow, quick = MadeUpRecorder(0.02), MadeUpRecorder()
    recorders = [("slow", slow.maker()), ("quick", quick.maker())]
    with Session(_file(clip), tracker_maker=MadeUpTracker(), recorders=recorders) as session:
        status = _until(session, _over)
    assert status.state is State.ENDED
    assert slow.got == quick.got == [(index, index) for index in range(FRAMES)]
    assert slow.closed
    assert quick.closed
    assert (status.captured, status.processed, status.tracked) == (FRAMES, FRAMES, FRAMES - 1)
    assert (status.dropped_by_tracker, status.dropped_by_camera) == (0, 0)


def test_live_source_is_never_held_up_and_drops_are_counted(camera: MadeUpCamera) -> None:
    tracker = MadeUpTracker(0.03)
    with Session(Config(source_choice("webcam")), tracker_maker=tracker) as session:
        _until(session, lambda status: status.processed >= 5)
    status = session.status()
    assert status.state is State.STOPPED
    assert status.captured > 2 * status.processed
    assert status.captured == status.processed + status.dropped_by_tracker
    assert tracker.seen == sorted(tracker.seen)
    assert camera.released


def test_gaps_in_the_cameras_count_are_told(camera: MadeUpCamera) -> None:
    with Session(Config(source_choice("webcam")), tracker_maker=MadeUpTracker()) as session:
        _until(session, lambda status: status.captured >= 3)
        camera.skip = 7
        _until(session, lambda status: status.dropped_by_camera > 0)
    assert session.status().dropped_by_camera == 7


def test_slow_sink_skips_to_the_newest_and_holds_up_nobody(
    camera: MadeUpCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = MadeUpSink(0.04), MadeUpSink()
    config = _with_sinks(monkeypatch, slow, quick)
    with Session(config, tracker_maker=MadeUpTracker()) as session:
        _until(session, lambda status: status.processed >= 40)
    status = session.status()
    assert status.sinks[0].dropped > status.sinks[0].sent
    for sink, figures in zip((slow, quick), status.sinks, strict=True):
        assert figures.sent == len(sink.got)
        assert figures.sent + figures.dropped == status.processed
        assert sink.got == sorted(sink.got)
        assert sink.closed
    assert slow.threads == {"output sink1000"}


def test_sink_that_needs_every_result_gets_it(
    camera: MadeUpCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MadeUpSink(0.02, Delivery.EVERY)
    tracker = MadeUpTracker()
    with Session(_with_sinks(monkeypatch, sink), tracker_maker=tracker) as session:
        _until(session, lambda status: status.processed >= 20)
    assert sink.got == tracker.seen


def test_latencies_are_measured_from_the_capture(
    camera: MadeUpCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _with_sinks(monkeypatch, MadeUpSink(0.03))
    with Session(config, tracker_maker=MadeUpTracker(0.02)) as session:
        status = _until(session, lambda status: status.sinks[:1] and status.sinks[0].sent >= 5)
    assert 20 <= status.tracker_latency.median_ms < 500
    assert 50 <= status.sinks[0].latency.median_ms < 500
    assert status.sinks[0].latency.median_ms > status.tracker_latency.median_ms + 25
    assert status.sinks[0].latency.p95_ms >= status.sinks[0].latency.median_ms


def test_latest_holds_frame_and_result_together(clip: Path) -> None:
    with Session(_file(clip), tracker_maker=MadeUpTracker()) as session:
        _until(session, _over)
        item = session.latest.poll()
    assert item is not None
    frame, result = item
    assert frame.index == result.frame_index == FRAMES - 1


def test_results_arrive_by_network(clip: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(2)
        outputs = (output_choice("vmc", port=receiver.getsockname()[1]),)
        with Session(
            replace(_file(clip), outputs=outputs), tracker_maker=MadeUpTracker()
        ) as session:
            status = _until(session, _over)
        packets = [receiver.recv(4096) for _ in range(status.sinks[0].sent)]
    assert status.sinks[0].sent == FRAMES
    assert all(packet.startswith(b"#bundle\0") for packet in packets)


def test_absent_source_fails_and_another_config_mends_it(clip: Path, tmp_path: Path) -> None:
    tracker = MadeUpTracker()
    with Session(_file(tmp_path / "none.mp4"), tracker_maker=tracker) as session:
        status = _until(session, _over)
        assert status.state is State.FAILED
        assert isinstance(status.error, SourceError)
        session.apply(_file(clip))
        status = _until(session, lambda status: status.state is State.ENDED)
        assert status.error is None
        assert status.processed == FRAMES
    assert tracker.closed


def test_output_that_cannot_be_addressed_fails_and_releases_the_camera(
    camera: MadeUpCamera,
) -> None:
    config = Config(
        source_choice("webcam"), outputs=(output_choice("vmc", host="no-such-host.invalid"),)
    )
    with Session(config, tracker_maker=MadeUpTracker()) as session:
        status = _until(session, _over)
    assert isinstance(status.error, OutputError)
    assert camera.released


def test_tracker_that_cannot_be_made_fails_and_releases_the_camera(camera: MadeUpCamera) -> None:
    class Absent(MadeUpTracker):
        def __call__(
            self, config: TrackerConfig, camera: Camera, *, live: bool = False
        ) -> MadeUpTracker:
            raise AssetError("no weights")

    with Session(Config(source_choice("webcam")), tracker_maker=Absent()) as session:
        status = _until(session, _over)
    assert isinstance(status.error, AssetError)
    assert camera.released


def test_camera_that_breaks_in_mid_stream_fails_and_ends_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made_up, recorder = MadeUpCamera(breaks_after=5), MadeUpRecorder()
    monkeypatch.setattr(engine.session, "open_source", lambda _choice: made_up)
    config = Config(source_choice("webcam"))
    recorders = [("take", recorder.maker())]
    with Session(config, tracker_maker=MadeUpTracker(), recorders=recorders) as session:
        status = _until(session, _over)
        _until(session, lambda _: recorder.closed)
    assert status.state is State.FAILED
    assert "cable pulled" in str(status.error)
    assert len(recorder.got) == session.status().processed > 0


class Leaving(MadeUpCamera):
    """Goes away after ten frames, until it is plugged in."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble, self.plugged = "", False
        self.waiting: Callable[[], bool] = lambda: True

    def take(self) -> Frame | None:
        while self.index == 10 and not (self.plugged or self.closing):
            self.trouble = "made up is not connected."
            time.sleep(0.005)
            if not self.waiting():
                return None
        self.trouble = ""
        return super().take()


def test_a_camera_that_is_away_is_told_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    camera, sink, recorder = Leaving(), MadeUpSink(), MadeUpRecorder()
    config = _with_sinks(monkeypatch, sink)
    monkeypatch.setattr(engine.session, "open_source", lambda _choice: camera)
    tracker, kept = MadeUpTracker(), [("take", recorder.maker())]
    with Session(config, tracker_maker=tracker, recorders=kept) as session:
        status = _until(session, lambda status: status.state is State.RECONNECTING)
        assert (status.trouble, status.error) == ("made up is not connected.", None)
        before = len(sink.statuses)
        _until(session, lambda _: len(sink.statuses) > before + 3)
        assert set(sink.statuses[before + 1 :]) == {Status.LOST}
        camera.plugged = True
        _until(session, lambda status: status.state is State.RUNNING)
        _until(session, lambda _: sink.statuses[-1] is Status.TRACKING)
    assert len(tracker.made) == 1  # the person and the calibration are as they were
    assert min(index for index, _ in recorder.got) >= 0  # of the absence nothing is recorded
    assert camera.released


def test_a_camera_that_is_away_while_the_tracker_loads_is_left_to_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow(MadeUpTracker):
        def __call__(
            self, config: TrackerConfig, camera: Camera, *, live: bool = False
        ) -> MadeUpTracker:
            time.sleep(0.2)
            return self

    camera = Leaving()
    monkeypatch.setattr(engine.session, "open_source", lambda _choice: camera)
    with Session(Config(source_choice("webcam")), tracker_maker=Slow()) as session:
        _until(session, lambda status: status.state is State.RECONNECTING)
        camera.plugged = True
        _until(session, lambda status: status.processed >= 3)


def test_a_camera_that_is_not_there_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    camera, tries = MadeUpCamera(), []

    def opened(_choice: object) -> MadeUpCamera:
        tries.append(clock.now_ns())
        if len(tries) < 3:
            raise SourceError("made up: no such camera")
        return camera

    monkeypatch.setattr(engine.session, "open_source", opened)
    with Session(Config(source_choice("webcam")), tracker_maker=MadeUpTracker()) as session:
        status = _until(session, lambda status: status.state is not State.STARTING)
        assert (status.state, status.trouble) == (State.RECONNECTING, "made up: no such camera")
        status = _until(session, lambda status: status.state is State.RUNNING)
        assert status.error is None
    pauses_s = np.diff(tries) / clock.NS_PER_S
    assert pauses_s[0] > 0.4
    assert pauses_s[1] > 1.8 * 0.5


def test_waiting_for_a_camera_can_be_ended(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    def absent(_choice: object) -> MadeUpCamera:
        raise SourceError("made up: no such camera")

    real = engine.session.open_source
    monkeypatch.setattr(engine.session, "open_source", absent)
    with Session(Config(source_choice("webcam")), tracker_maker=MadeUpTracker()) as session:
        _until(session, lambda status: status.state is State.RECONNECTING)
        session.pause()
        _until(session, lambda status: status.state is State.STOPPED)
        session.resume()
        _until(session, lambda status: status.state is State.RECONNECTING)
        monkeypatch.setattr(engine.session, "open_source", real)
        session.apply(_file(clip))
        _until(session, lambda status: status.state is State.ENDED)
        monkeypatch.setattr(engine.session, "open_source", absent)
        session.apply(Config(source_choice("webcam")))
        _until(session, lambda status: status.state is State.RECONNECTING)


def test_tracker_that_breaks_ends_the_capture(clip: Path) -> None:
    class Broken(MadeUpTracker):
        def step(self, frame: Frame) -> TrackResult:
            raise ZeroDivisionError("a defect")

    with Session(_file(clip), tracker_maker=Broken()) as session:
        status = _until(session, _over)
    assert status.state is State.FAILED
    assert isinstance(status.error, ZeroDivisionError)


def test_recorder_that_breaks_is_told_and_does_not_block_the_others(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.graph, "EVERY_SECONDS", 0.04)  # room for one result
    broken, good = MadeUpRecorder(fails_at=3), MadeUpRecorder()
    recorders = [("broken", broken.maker()), ("good", good.maker())]
    with Session(_file(clip), tracker_maker=MadeUpTracker(), recorders=recorders) as session:
        _until(session, lambda status: status.state is State.ENDED)
    figures = session.status().sinks
    assert figures[0].error == "disk full"
    assert figures[1].error is None
    assert len(good.got) == FRAMES
    assert broken.closed


def test_apply_exchanges_outputs_without_touching_the_source(
    camera: MadeUpCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, goes, comes = MadeUpSink(), MadeUpSink(), MadeUpSink()
    all_three = _with_sinks(monkeypatch, stays, goes, comes)
    first, second, third = all_three.outputs
    tracker = MadeUpTracker()
    with Session(replace(all_three, outputs=(first, second)), tracker_maker=tracker) as session:
        _until(session, lambda status: status.processed >= 3)
        session.apply(replace(all_three, outputs=(third, first)))
        _until(session, lambda _: len(comes.got) >= 3)
        assert goes.closed
        assert not stays.closed
        assert not camera.closing
        assert [sink.name for sink in session.status().sinks] == ["sink1002", "sink1000"]
        assert session.config.outputs == (third, first)
    assert len(tracker.made) == 1
    assert stays.got == sorted(set(stays.got))


def test_apply_rebuilds_when_the_tracker_changes(clip: Path, camera: MadeUpCamera) -> None:
    tracker = MadeUpTracker()
    config = Config(source_choice("webcam"))
    with Session(config, tracker_maker=tracker) as session:
        _until(session, lambda status: status.processed >= 3)
        camera.closing = False
        session.apply(replace(config, tracker=TrackerConfig(threads=1)))
        _until(session, lambda _: len(tracker.made) == 2)
    assert [made.threads for made in tracker.made] == [2, 1]
    assert camera.released


def test_tuning_is_applied_to_what_runs_and_starts_nothing(clip: Path) -> None:
    """Neither a tracker nor an ended file is touched, and the state never leaves what it was."""
    tracker, got = MadeUpTracker(0.01), []
    recorder = MadeUpRecorder()
    recorder.write = lambda frame, result: got.append(result)  # type: ignore[method-assign]
    config = replace(_file(clip), shapes=Tuning().changed("jawOpen", mute=True))
    with Session(config, tracker_maker=tracker, recorders=[("take", recorder.maker())]) as session:
        _until(session, lambda status: status.processed >= 4)
        session.apply(replace(config, shapes=Tuning().changed("jawOpen", gain=0.5)))
        assert session.status().state in (State.RUNNING, State.ENDED)
        _until(session, _over)
        session.apply(replace(config, shapes=Tuning()))
        assert session.status().state is State.ENDED
        time.sleep(0.05)
        assert session.status().state is State.ENDED
    assert len(tracker.made) == 1
    assert got[0].blendshapes["jawOpen"] == 0.0
    assert got[0].measured["jawOpen"] > 0.0
    assert got[-1].blendshapes["jawOpen"] == pytest.approx(got[-1].measured["jawOpen"] / 2)


def test_starting_does_not_block_the_caller(camera: MadeUpCamera) -> None:
    class Slow(MadeUpTracker):
        def __call__(
            self, config: TrackerConfig, camera: Camera, *, live: bool = False
        ) -> MadeUpTracker:
            time.sleep(0.3)
            return self

    session = Session(Config(source_choice("webcam")), tracker_maker=Slow())
    start = time.perf_counter()
    session.start()
    assert time.perf_counter() - start < 0.25
    assert session.status().state is State.STARTING
    _until(session, lambda status: status.state is State.RUNNING)
    session.stop()


def test_thread_that_hangs_is_named(camera: MadeUpCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.graph, "STOP_TIMEOUT_S", 0.05)
    tracker = MadeUpTracker(0.5)
    session = Session(Config(source_choice("webcam")), tracker_maker=tracker)
    session.start()
    _until(session, lambda status: status.captured >= 1)
    with pytest.raises(TimeoutError, match="did not stop in time: tracker"):
        session.stop()


def test_session_that_was_never_started_can_be_stopped() -> None:
    session = Session(Config(source_choice("webcam")), tracker_maker=MadeUpTracker())
    session.stop()
    assert session.status().state is State.STOPPED


def test_a_person_is_kept_without_building_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The running tracker has the name already."""

    class Knowing(MadeUpTracker):
        def expect(self, name: str, calibration: PersonCalibration | None) -> StoredPerson:
            return StoredPerson(name, "open", "ab", calibration=calibration)

    monkeypatch.setattr("engine.people.user_data_folder", lambda: tmp_path)
    monkeypatch.setattr(engine.session, "open_source", lambda _: MadeUpCamera())
    tracker = Knowing()
    config = Config(source_choice("webcam"))
    with pytest.raises(PersonError, match="does not run"):
        Session(config).keep_person("bo", PersonCalibration())
    with Session(config, tracker_maker=tracker) as session:
        _until(session, lambda status: status.state is State.RUNNING)
        session.keep_person("bo", PersonCalibration())
        assert session.config.tracker.person == "bo"
        session.apply(session.config)
        _until(session, lambda status: status.state is State.RUNNING)
        assert len(tracker.made) == 1
        session.apply(replace(session.config, tracker=TrackerConfig(person="cy")))
        _until(session, lambda _: len(tracker.made) == 2)
    assert People(tmp_path / "people").load("bo").calibration is not None
