"""The sound of a take that is played: decoded whole, and kept to the clock of its pictures."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from studio_scene import RATE, SAMPLE_RATE, picture, recording, result, tone

from engine import clock
from engine.capture.player import Player
from engine.errors import SourceError
from engine.recording.film import FILM_FILE
from engine.recording.loudspeaker import Loudspeaker, Track, read_track
from engine.recording.recording import Reels

PICTURES = 45
STEP_NS = round(clock.NS_PER_S / RATE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take of 45 pictures, some of which the camera has lost, with a tone."""
    folder = tmp_path_factory.mktemp("film") / "t"
    folder.mkdir()
    reels = Reels(RATE, 0.0)
    made, index = recording(folder, reels), 0
    block = SAMPLE_RATE // 100
    for number in range(160):
        reels.sounds.put(tone(number * block, block, round(number * 1e7), loud=number % 50 < 5))
    for _ in range(PICTURES):
        index += 4 if index % 13 == 6 else 1
        reels.pictures.put(picture(index, index * STEP_NS))
        reels.results.put(result(index, index * STEP_NS))
    made.stop()
    return folder


def test_the_sound_of_a_film_is_decoded_with_its_time(folder: Path) -> None:
    track = read_track(folder / FILM_FILE)
    assert track is not None
    assert track.rate == SAMPLE_RATE
    with av.open(str(folder / FILM_FILE)) as film:
        frames = list(film.decode(audio=0))
    expected = np.concatenate([frame.to_ndarray().reshape(-1, 1) for frame in frames])
    np.testing.assert_array_equal(track.samples, expected)
    assert track.starts_s == pytest.approx(float(frames[0].time))
    silent = folder.parent / "absent.mkv"
    with pytest.raises(SourceError, match="absent"):
        read_track(silent)


def test_samples_between_samples_are_those_of_numpy() -> None:
    samples = np.random.default_rng(3).integers(-20_000, 20_000, (500, 2)).astype(np.int16)
    track = Track(samples, 1000, 0.0)
    wanted = np.linspace(-3.0, 503.0, 1700)
    got = track.between(wanted)
    for channel in (0, 1):
        expected = np.interp(wanted, np.arange(500), samples[:, channel], left=0, right=0)
        expected[(wanted < 0) | (wanted > 499)] = 0
        np.testing.assert_allclose(got[:, channel], expected, atol=0.51)


class Output:
    """Stands for PortAudio: only keeps what it was opened with."""

    opened: list[dict[str, object]] = []  # noqa: RUF012
    PortAudioError = OSError

    class OutputStream:
        def __init__(self, **values: object) -> None:
            Output.opened.append(values)

        def start(self) -> None:
            pass

        def close(self) -> None:
            Output.opened.clear()


def test_what_is_heard_keeps_to_the_clock_of_the_pictures(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.recording.loudspeaker.sound_library", lambda: Output)
    player = Player(3.0, 1 / RATE, loop=False)
    speaker = Loudspeaker(folder / FILM_FILE, player)
    while not Output.opened and speaker.error is None:
        pass
    track = read_track(folder / FILM_FILE)
    assert track is not None
    assert not speaker.heard(64, 0).any()  # nothing moves
    player.shown = (0.4, 10**12 + 400_000_000)

    def place(at_s: float) -> int:
        return round((at_s - track.starts_s) * track.rate)

    def block(at_s: float, count: int) -> np.ndarray:
        return speaker.heard(count, 10**12 + round(at_s * 1e9))

    np.testing.assert_array_equal(block(0.5, 480), track.samples[place(0.5) :][:480])
    # A block that is called 3 ms late follows on: no click.
    np.testing.assert_array_equal(block(0.513, 480), track.samples[place(0.51) :][:480])
    # A place that was wound to is jumped to.
    np.testing.assert_array_equal(block(1.0, 480), track.samples[place(1.0) :][:480])
    player.speed, player.shown = 0.5, (0.5, 10**12 + 1_000_000_000)
    wanted = place(0.6) + 0.5 * np.arange(480)
    np.testing.assert_allclose(block(1.2, 480), track.between(wanted), atol=1)
    assert Output.opened[0]["samplerate"] == SAMPLE_RATE
    speaker.close()
    assert Output.opened == []


def test_no_output_device_is_no_obstacle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise SourceError("sound: not available on this machine")

    monkeypatch.setattr("engine.recording.loudspeaker.sound_library", absent)
    speaker = Loudspeaker(folder / FILM_FILE, Player(3.0, 1 / RATE, loop=False))
    speaker.close()
    assert speaker.error is not None
    assert "not available" in speaker.error
