"""A take that is played drives an avatar with the very values that were recorded."""

from __future__ import annotations

import dataclasses
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_results import lost, tracked
from studio_scene import RATE, picture
from test_session import MadeUpTracker

from engine import assembly, clock
from engine.capture.sources import take as take_source
from engine.config import Config, output_choice, source_choice
from engine.describing import take_info
from engine.errors import SourceError
from engine.fit.sides import halves, merged, unmerged
from engine.geometry import assumed_camera
from engine.mailbox import Slot
from engine.recording.reader import read_take
from engine.recording.recording import Recording, Reels
from engine.recording.replay import Replay
from engine.recording.settings import RecordSettings
from engine.session import Session
from engine.status import State
from engine.types import Blendshapes, Frame, Identity, TrackResult
from engine.worker import Worker

STEP_NS = round(clock.NS_PER_S / RATE)
FRAMES = 12


def wait_for(session: Session, state: State) -> None:
    deadline = time.monotonic() + 30
    while session.status().state is not state and time.monotonic() < deadline:
        time.sleep(0.01)
    assert session.status().state is state


class WholeHeadTracker(MadeUpTracker):
    """Its faces have as many vertices as the head."""

    def step(self, frame: Frame) -> TrackResult:
        vertices = len(assembly.load_head("open").neutral)
        return tracked(frame.index, frame.captured_ns, vertices=vertices)


def results() -> list[TrackResult]:
    head = assembly.load_head("open")
    made: list[TrackResult] = []
    for index in range(FRAMES):
        result = tracked(index, index * STEP_NS, vertices=len(head.neutral))
        assert result.head is not None
        assert result.blendshapes is not None
        rng = np.random.default_rng(100 + index)
        identity = rng.normal(0, 1, len(head.identity_basis))
        wide = np.append(result.head.expression, rng.uniform(0, 1, 2))
        sides = rng.uniform(0, 1, 4).astype(np.float32)
        shapes = result.blendshapes
        made.append(
            dataclasses.replace(
                result,
                identity=Identity(identity, head.neutral.copy()),
                head=dataclasses.replace(result.head, expression=wide),
                blendshapes=Blendshapes(shapes.weights, sides, shapes.sd),
            )
        )
    made[5] = lost(5, 5 * STEP_NS)
    return made


def recorded(folder: Path, untracked: tuple[int, ...] = ()) -> list[TrackResult]:
    folder.mkdir()
    config = Config(source=source_choice("demo"))
    reels, made = Reels(RATE, 0.0), results()
    info = take_info(config, assumed_camera(64, 48), "a test", RATE)
    head = assembly.load_head("open")
    recording = Recording(folder, info, head, reels, None, RecordSettings())
    for result in made:
        reels.pictures.put(picture(result.frame_index, result.captured_ns))
        if result.frame_index not in untracked:
            reels.results.put(result)
    recording.stop()
    return made


def test_what_is_played_is_what_was_recorded(tmp_path: Path) -> None:
    given = recorded(tmp_path / "t")
    replay = Replay(read_take(tmp_path / "t"), assembly.load_head("open"))
    for result in given:
        played = replay.step(picture(result.frame_index, 77))
        assert (played.frame_index, played.captured_ns) == (result.frame_index, 77)
        assert played.status is result.status
        if result.head is None or result.blendshapes is None:
            assert played.head is None
            assert played.blendshapes is None
            continue
        assert played.head is not None
        assert played.blendshapes is not None
        assert result.blendshapes.sides is not None
        assert played.blendshapes.sides is not None
        np.testing.assert_array_equal(played.blendshapes.weights, result.blendshapes.weights)
        np.testing.assert_array_equal(played.blendshapes.sides, result.blendshapes.sides)
        np.testing.assert_array_equal(played.head.camera_from_head, result.head.camera_from_head)
        np.testing.assert_allclose(played.head.expression, result.head.expression, atol=1e-6)
        np.testing.assert_allclose(played.head.gaze, result.head.gaze, atol=1e-6)


def test_halves_survive_being_merged() -> None:
    wide = np.random.default_rng(0).uniform(0, 1, 54)
    sides = halves(wide)
    assert sides is not None
    np.testing.assert_allclose(unmerged(merged(wide), sides, 54), wide)


def test_a_take_over_vmc_is_the_live_stream_value_by_value(tmp_path: Path) -> None:
    """The packets of a session that plays are those of the sink that was sent the results."""
    given = recorded(tmp_path / "t")
    expected = packets_of(given)
    with Receiver() as (inbox, port):
        source = source_choice("take", path=str(tmp_path / "t"))
        with Session(Config(source=source, outputs=(output_choice("vmc", port=port),))) as session:
            wait_for(session, State.ENDED)
            assert session.status().error is None
        assert without_time(received(inbox)) == without_time(expected)


def packets_of(given: list[TrackResult]) -> list[bytes]:
    from engine.outputs import vmc

    with Receiver() as (inbox, port):
        sink = vmc.create(vmc.Settings(port=port))
        for result in given:
            # A take keeps gaze and neck in single precision.
            head = result.head and dataclasses.replace(
                result.head, gaze=result.head.gaze.astype(np.float32)
            )
            sink.send(dataclasses.replace(result, head=head))
            time.sleep(0.002)
        sink.close()
        return received(inbox)


class Receiver:
    """A socket that keeps what arrives."""

    def __enter__(self) -> tuple[socket.socket, int]:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        return self._socket, self._socket.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def received(inbox: socket.socket) -> list[bytes]:
    inbox.settimeout(0.3)
    packets: list[bytes] = []
    while True:
        try:
            packets.append(inbox.recv(4096))
        except TimeoutError:
            return packets


def without_time(packets: list[bytes]) -> list[bytes]:
    """Blank the one value that is the moment of sending: /VMC/Ext/T ,f and 4 bytes."""
    mark = b"/VMC/Ext/T\0\0,f\0\0"
    return [
        packet[: at + len(mark)] + packet[at + len(mark) + 4 :]
        if (at := packet.find(mark)) >= 0
        else packet
        for packet in packets
    ]


def test_a_take_is_sought_and_stepped_through_by_its_own_times(tmp_path: Path) -> None:
    given = recorded(tmp_path / "t")
    source = take_source.create(take_source.Settings(path=str(tmp_path / "t")))
    source.player.playing = False
    seen: list[int] = []
    for at in (7, 2, 11, 0):
        source.player.seek(given[at].captured_ns / clock.NS_PER_S)
        frame = source.take()
        assert frame is not None
        seen.append(frame.index)
    for steps in (1, 3, -2):
        source.player.step(steps)
        frame = source.take()
        assert frame is not None
        seen.append(frame.index)
    source.close()
    assert seen == [7, 2, 11, 0, 1, 4, 2]


def test_pictures_that_were_not_tracked_are_stepped_over_both_ways(tmp_path: Path) -> None:
    recorded(tmp_path / "t", untracked=(4, 5))
    source = take_source.create(take_source.Settings(path=str(tmp_path / "t")))
    source.player.playing = False
    source.player.seek(3 * STEP_NS / clock.NS_PER_S)
    seen: list[int] = []
    for steps in (0, 1, 1, -1, -1, -1):
        if steps:
            source.player.step(steps)
        frame = source.take()
        assert frame is not None
        seen.append(frame.index)
    source.close()
    assert seen == [3, 6, 7, 6, 3, 2]


def test_a_take_that_is_held_waits_at_its_end_and_can_be_wound_back(tmp_path: Path) -> None:
    recorded(tmp_path / "t")
    settings = take_source.Settings(path=str(tmp_path / "t"), paced=False, hold=True)
    source = take_source.create(settings)
    frames: Slot[Frame] = Slot()
    reader = Worker("reader", source, frames.put)
    until(lambda: not source.player.playing)
    last = frames.poll()
    assert last is not None
    assert last.index == FRAMES - 1
    until(lambda: source.player.shown is None)  # nothing is to be heard
    source.player.seek(0.0)
    until(lambda: (frame := frames.poll()) is not None and frame.index == 0)
    source.player.playing = True
    until(lambda: (frame := frames.poll()) is not None and frame.index == FRAMES - 1)
    assert reader.alive
    reader.stop()


def until(told: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_paused_session_shows_what_is_sought(tmp_path: Path) -> None:
    recorded(tmp_path / "t")
    source = source_choice("take", path=str(tmp_path / "t"), loop=True)
    config = Config(source=source, outputs=())
    with Session(config) as session:
        wait_for(session, State.RUNNING)
        player = session.player
        assert player is not None
        player.playing = False
        player.seek(3 * STEP_NS / clock.NS_PER_S)
        deadline = time.monotonic() + 20
        shown = session.latest.take(1.0)
        while time.monotonic() < deadline and (shown is None or shown[1].frame_index != 3):
            shown = session.latest.take(1.0)
        assert shown is not None
        assert shown[1].frame_index == 3
        assert session.latest.take(0.3) is None
        assert session.status().dropped_by_camera == 0
        once = dataclasses.replace(
            source, settings=dataclasses.replace(source.settings, loop=False)
        )
        session.apply(dataclasses.replace(config, source=once))
        while player.loop and time.monotonic() < deadline:
            time.sleep(0.01)
        assert session.player is player, "the source stays open"
        player.playing = True
        wait_for(session, State.ENDED)


def test_a_session_records_its_own_stream(tmp_path: Path) -> None:
    """All the way: camera, tracker, studio; then the take is whole and can be played."""
    recording = RecordSettings(folder=str(tmp_path / "takes"), pre_roll_s=0.0)
    config = Config(source=source_choice("demo", loop=True), recording=recording)
    with Session(config, tracker_maker=WholeHeadTracker()) as session:
        wait_for(session, State.RUNNING)
        session.studio.set(recording, dataclasses.replace(config.sound, on=False))
        session.studio.begin("scene")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            takes = session.status().takes
            assert takes is not None
            assert takes.error is None, takes.error
            if takes.recording is not None and takes.recording.pictures > 20:
                break
            time.sleep(0.02)
        session.studio.end()
    takes = session.status().takes
    assert takes is not None
    assert takes.finished == tmp_path / "takes" / "scene_001"


def test_a_folder_that_is_no_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a take"):
        take_source.create(take_source.Settings(path=str(tmp_path)))
