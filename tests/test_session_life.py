"""The session's own life: paused and resumed, seen before it tracks, outputs off and tested."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_results import tracked
from pythonosc.osc_bundle import OscBundle

import engine.opening
from engine import clock
from engine.config import Config, TrackerConfig, load, output_choice, save, source_choice
from engine.errors import ConfigError, SourceError
from engine.geometry import assumed_camera
from engine.outputs import Delivery
from engine.session import Session
from engine.status import State, Traffic
from engine.types import Camera, Frame, TrackResult


class SlowToMake:
    """A tracker that takes `seconds` to be made."""

    about = "made up"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.closed, self.first = seconds, 0, -1

    def __call__(self, config: TrackerConfig, camera: Camera, *, live: bool = False) -> SlowToMake:
        time.sleep(self.seconds)
        return self

    def step(self, frame: Frame) -> TrackResult:
        if self.first < 0:
            self.first = frame.index
        return replace(tracked(frame.index, frame.captured_ns), finished_ns=clock.now_ns())

    def close(self) -> None:
        self.closed += 1


class CountingCamera:
    """A camera that gives a frame every 5 ms, until it is closed or breaks."""

    live, name, frame_rate = True, "made up", 100.0

    def __init__(self, breaks_after: int | None = None) -> None:
        self.camera = assumed_camera(64, 48)
        self.index, self.closing, self.released, self._breaks = 0, False, False, breaks_after

    def take(self) -> Frame | None:
        time.sleep(0.005)
        if self.closing:
            self.released = True
            return None
        if self.index == self._breaks:
            raise SourceError("made up: cable pulled")
        self.index += 1
        return Frame(np.zeros((48, 64, 3), np.uint8), self.index, clock.now_ns())

    def close(self) -> None:
        self.closing = True


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch) -> list[CountingCamera]:
    """Every source that a session opens; the first may be put in by the test."""
    opened: list[CountingCamera] = []

    def open_source(_choice: object) -> CountingCamera:
        opened.append(CountingCamera())
        return opened[-1]

    monkeypatch.setattr(engine.session, "open_source", open_source)
    return opened


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_camera_is_seen_while_the_tracker_is_made(cameras: list[CountingCamera]) -> None:
    maker = SlowToMake(0.4)
    with Session(Config(source_choice("webcam")), tracker_maker=maker) as session:
        frames: list[int] = []

        def look() -> bool:
            frame = session.seen.poll()
            if frame is not None:
                assert session.status().state is State.STARTING
                frames.append(frame.index)
            return len(frames) >= 5

        _until(look)
        _until(lambda: session.status().tracked > 3)
        assert frames == sorted(set(frames))
        assert maker.first > frames[-1]  # the camera went on, it was not opened again
        assert session.status().dropped_by_camera == 0
    assert len(cameras) == 1
    assert cameras[0].released


def test_a_camera_that_breaks_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.session, "open_source", lambda _: CountingCamera(breaks_after=5))
    maker = SlowToMake(0.2)
    with Session(Config(source_choice("webcam")), tracker_maker=maker) as session:
        _until(lambda: session.status().state is State.RECONNECTING)
        assert "cable pulled" in str(session.status().error)
    assert maker.closed >= 2  # as the tracker that was too late, and as the maker at the end


def test_a_pause_lets_go_of_the_camera_and_a_start_goes_on(cameras: list[CountingCamera]) -> None:
    with Session(Config(source_choice("webcam")), tracker_maker=SlowToMake()) as session:
        _until(lambda: session.status().tracked > 3)
        session.pause()
        _until(lambda: cameras[0].released)
        assert session.status().state is State.STOPPED
        session.apply(replace(session.config, outputs=(output_choice("vmc"),)))
        time.sleep(0.1)
        assert session.status().state is State.STOPPED
        assert len(cameras) == 1
        session.resume()
        _until(lambda: session.status().tracked > 3)
        assert [sink.kind for sink in session.status().sinks] == ["vmc"]
    assert len(cameras) == 2


@pytest.mark.usefixtures("cameras")
def test_an_output_that_is_off_is_kept_but_not_opened(tmp_path: Path) -> None:
    on, off = output_choice("vmc", port=40_001), replace(output_choice("vmc"), enabled=False)
    config = Config(source_choice("webcam"), outputs=(off, on))
    with Session(config, tracker_maker=SlowToMake()) as session:
        _until(lambda: session.status().tracked > 1)
        assert [sink.target for sink in session.status().sinks] == ["127.0.0.1:40001"]
    save(config, tmp_path / "config.yaml")
    assert load(tmp_path / "config.yaml") == config
    (tmp_path / "odd.yaml").write_text("version: 1\noutputs: [{kind: vmc, enabled: perhaps}]\n")
    with pytest.raises(ConfigError, match=r"enabled.*true or false"):
        load(tmp_path / "odd.yaml")


@pytest.mark.usefixtures("cameras")
def test_while_an_output_is_tested_it_gets_nothing_else() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        choice = output_choice("vmc", port=receiver.getsockname()[1])
        config = Config(source_choice("webcam"), outputs=(choice,))
        with Session(config, tracker_maker=SlowToMake()) as session:
            _until(lambda: session.status().tracked > 3)
            trial = session.test_output(choice)
            _until(lambda: trial.sent > 0)
            handed = session.status().sinks[0].sent
            _until(lambda: trial.sent > 20)
            assert session.status().sinks[0].sent <= handed + 1
            assert trial.stop()
            _until(lambda: session.status().sinks[0].sent > handed + 5)
            assert OscBundle.dgram_is_bundle(receiver.recv(2000))


def test_recentring_changes_what_is_sent_and_not_what_is_drawn(
    cameras: list[CountingCamera], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[TrackResult] = []

    class Sink:
        delivery, traffic = Delivery.LATEST, Traffic()

        def send(self, result: TrackResult) -> None:
            sent.append(result)

        def close(self) -> None:
            pass

    monkeypatch.setattr(engine.opening, "create_sink", lambda _: Sink())
    config = Config(source_choice("webcam"), outputs=(output_choice("vmc"),))
    with Session(config, tracker_maker=SlowToMake()) as session:
        _until(lambda: len(sent) > 2)
        session.centre.here()
        _until(lambda: np.allclose(sent[-1].head.camera_from_head[:2, 3], 0.0))  # pyright: ignore
        drawn = session.latest.take()
        assert drawn is not None
        plain = tracked(drawn[0].index).head
        np.testing.assert_array_equal(drawn[1].head.camera_from_head, plain.camera_from_head)  # pyright: ignore


@pytest.mark.usefixtures("cameras")
def test_a_receiver_may_ask_to_be_looked_at() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        door = receiver.getsockname()[1]
        receiver.close()
        output = output_choice("ifacialmocap", host="", listen="127.0.0.1", listen_port=door)
        config = Config(source_choice("webcam"), outputs=(output,))
        with (
            Session(config, tracker_maker=SlowToMake()) as session,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking,
        ):
            _until(lambda: session.status().tracked > 3)
            assert not session.centre.set
            asking.sendto(b"iFacialMocap_something", ("127.0.0.1", door))
            tracked_then = session.status().tracked
            _until(lambda: session.status().tracked > tracked_then + 10)
            assert not session.centre.set
            asking.sendto(b"iFacialMocap_lookForward", ("127.0.0.1", door))
            _until(lambda: session.centre.set)
