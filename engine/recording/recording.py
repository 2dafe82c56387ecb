"""A take in the making: fed by the camera, the tracker and the sound device, each on its thread.

::

    capture --Frame--+-> Reel -> [take film]     film.mkv, frames.arrows
    sound --Sound----+
    tracker --TrackResult--> Reel -> [take tracking]  tracking.arrows

Nobody who offers something ever waits. What a slow disk cannot take is refused, counted, and shown
by its absence in frames.arrows. The reels remember the seconds before the take began.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import clock
from engine.errors import TakeError
from engine.fit.heads import HeadModel
from engine.mailbox import Reel
from engine.recording.disk import DiskWatch
from engine.recording.film import (
    FILM_FILE,
    Film,
    FilmFigures,
    Sound,
    SoundFormat,
)
from engine.recording.frame_times import FrameTimesWriter
from engine.recording.hashes import stream_hashes
from engine.recording.settings import RecordSettings
from engine.recording.stamp import LtcListener, stamped
from engine.recording.take import FilmRecord, SoundRecord, TakeInfo, completed, save_info
from engine.recording.writer import TakeWriter
from engine.types import Frame, TrackResult
from engine.worker import Worker

WAITING_S = 2.0  # of pictures that a slow disk may hold up
STOP_TIMEOUT_S = 60.0  # what waits is still encoded
_SOUND_BLOCKS_A_SECOND = 200  # more than any driver makes
_SECURE_NS = clock.NS_PER_S // 2  # how often what was written is put on the disk

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecordingStatus:
    """How a take in the making fares."""

    folder: Path
    seconds: float
    pictures: int
    refused: int
    written_bytes: int
    warning: str  # empty while all is well
    error: str | None
    running: bool


class Reels:
    """The mailboxes of one take to come: they remember the pre-roll until it begins.

    rate  frames a second of the source
    """

    def __init__(self, rate: float, pre_roll_s: float) -> None:
        before, more = round(pre_roll_s * rate), max(8, round(WAITING_S * rate))
        sounds = _SOUND_BLOCKS_A_SECOND
        self.pictures: Reel[Frame] = Reel(before, more)
        self.results: Reel[TrackResult] = Reel(before, 4 * more)
        self.sounds: Reel[Sound] = Reel(round(pre_roll_s * sounds), 30 * sounds)
        self.rate, self.pre_roll_s = rate, pre_roll_s

    def close(self) -> None:
        """End all."""
        for reel in (self.pictures, self.results, self.sounds):
            reel.close()


class Recording:
    """Writes one take until `stop`.

    folder    empty, made by engine.recording.take.reserve
    info      what is known at the start
    head      the model that is fitted
    reels     filled by others
    sound     format of the device; None without sound
    settings  see RecordSettings
    finished  called on the take's own thread when the disk forced the end; must not wait for it
    ltc_channel  of the sound, from 1 on
    """

    def __init__(
        self,
        folder: Path,
        info: TakeInfo,
        head: HeadModel,
        reels: Reels,
        sound: SoundFormat | None,
        settings: RecordSettings,
        finished: Callable[[str], None] = lambda why: None,
        ltc_channel: int = 1,
    ) -> None:
        self.folder, self._info, self._reels, self._sound = folder, info, reels, sound
        self._settings, self._finished = settings, finished
        self._disk = DiskWatch(folder, settings.disk)
        self._film: Film | None = None
        self._times: FrameTimesWriter | None = None
        self._tracking = TakeWriter(folder, info, head, alignment=settings.alignment)
        self._secured_ns = self._began_ns = clock.now_ns()
        self._full = ""
        self._ltc: LtcListener | None = None
        if settings.timecode == "ltc" and sound is not None:
            self._ltc = LtcListener(sound.sample_rate, ltc_channel)
        self._workers: tuple[Worker[Frame], Worker[TrackResult]] = (
            Worker("take film", reels.pictures, self._on_frame, self._end_film),
            Worker(
                "take tracking", reels.results, self._tracking.write_result, self._tracking.finish
            ),
        )
        reels.results.roll()
        reels.sounds.roll()
        reels.pictures.roll()

    def stop(self, **more: int) -> TakeInfo:
        """End the take: what waits is written, and take.yaml says that it is complete.

        more  fields of TakeInfo that are only known now
        Raises TakeError if something could not be written; what is on disk can be recovered.
        """
        self._reels.close()
        for name, worker in zip(("film", "tracking"), self._workers, strict=True):
            if not worker.join(STOP_TIMEOUT_S):
                raise TakeError(f"{self.folder}: the disk does not answer; {name} is not finished")
            if worker.error is not None:
                raise TakeError(
                    f"{self.folder}: {name} broke off ({worker.error}); "
                    "`flowface takes recover` mends what is there"
                ) from worker.error
        if self._ltc is not None and self._film is not None and self._film.sound_clock is not None:
            self._info = self._ltc.stamped(self._info, self._film.sound_clock)
        film, sound = self._records()
        info = completed(self._info, self._tracking.frames, self._tracking.tracked)
        info = dataclasses.replace(
            info, film=film, sound=sound, streams=stream_hashes(self.folder), **more
        )
        save_info(self.folder, info)
        _log.info("take %s: %d frames", self.folder, info.frames)
        return info

    def status(self) -> RecordingStatus:
        """Return a snapshot."""
        errors = [worker.error for worker in self._workers if worker.error is not None]
        figures = self._figures
        refused = self._reels.pictures.refused + self._reels.results.refused
        warning = self._full or self._disk.warning
        if refused and not warning:
            warning = f"the disk is too slow: {refused} frames are missing"
        return RecordingStatus(
            folder=self.folder,
            seconds=(clock.now_ns() - self._began_ns) / clock.NS_PER_S,
            pictures=0 if figures is None else figures.pictures,
            refused=refused,
            written_bytes=_size(self.folder),
            warning=warning,
            error=str(errors[0]) if errors else None,
            running=not errors and all(worker.alive for worker in self._workers),
        )

    @property
    def _figures(self) -> FilmFigures | None:
        return None if self._film is None else self._film.figures

    def _on_frame(self, frame: Frame) -> None:
        if self._full:
            return
        if self._film is None:
            self._begin(frame)
        assert self._film is not None
        assert self._times is not None
        self._film.write(frame)
        self._times.add(frame.index, frame.captured_ns)
        self._drain_sound(self._film)
        now_ns = clock.now_ns()
        if now_ns - self._secured_ns > _SECURE_NS:
            self._secured_ns = now_ns
            self._times.flush()
            self._film.secure()
            self._disk.look()
            if self._disk.full:
                self._full = self._disk.warning
                self._reels.close()
                self._finished(self._full)

    def _begin(self, first: Frame) -> None:
        self._info = stamped(self._info, first.captured_ns)
        save_info(self.folder, self._info)
        self._times = FrameTimesWriter(self.folder)
        path, rate = self.folder / FILM_FILE, self._reels.rate
        self._film = Film(path, self._settings.film, first, rate, self._sound)

    def _drain_sound(self, film: Film) -> None:
        while (sound := self._reels.sounds.poll()) is not None:
            film.write_sound(sound)
            if self._ltc is not None:
                self._ltc.feed(sound)

    def _end_film(self) -> None:
        if self._film is None or self._times is None:
            return
        self._drain_sound(self._film)
        self._times.close()
        self._film.close()

    def _records(self) -> tuple[FilmRecord | None, SoundRecord | None]:
        figures = self._figures
        if figures is None:
            return None, None
        refused = self._reels.pictures.refused
        film = FilmRecord(figures.video_codec, figures.pictures, refused)
        if self._sound is None or figures.sound_starts_ns is None:
            return film, None
        return film, SoundRecord(
            device=self._sound.device,
            sample_rate=self._sound.sample_rate,
            channels=self._sound.channels,
            codec=self._settings.film.sound_codec,
            samples=figures.samples,
            samples_lost=figures.samples_lost,
            drift_ppm=round(figures.drift * 1e6, 2),
            starts_ns=figures.sound_starts_ns,
        )


def make_folder(root: Path, slate: str, first: int = 1) -> tuple[Path, int]:
    """Make `<slate>_<take>` with the next free number from `first` on. Returns it and the number.

    Raises TakeError if the slate cannot be a folder's name, or the disk refuses.
    """
    check_slate(slate)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(max(1, first), 1000):
            folder = root / f"{slate}_{number:03d}"
            try:
                os.mkdir(folder)
            except FileExistsError:
                continue
            return folder, number
    except OSError as error:
        raise TakeError(f"{root}: takes cannot be kept there ({error.strerror})") from error
    raise TakeError(f"{root}: {slate} has 999 takes; choose another slate")


def check_slate(slate: str) -> None:
    """Raise TakeError if a slate cannot be a folder's name."""
    if not slate.strip() or any(sign in slate for sign in '/\\:*?"<>|') or slate.startswith("."):
        raise TakeError(f"slate {slate!r}: needs a name that a folder can have")


def next_number(root: Path, slate: str) -> int:
    """Return the number that the next take of a slate will get; 1000 if all are taken."""
    return next((n for n in range(1, 1000) if not (root / f"{slate}_{n:03d}").exists()), 1000)


def _size(folder: Path) -> int:
    size = 0
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # take.yaml is exchanged meanwhile
            size += path.stat().st_size
    return size
