"""Takes by remote control: replies come when a take has really begun, and really ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine import clock
from engine.outputs._osc import message
from engine.recording.film import FILM_FILE
from engine.recording.studio import Studio
from engine.recording.take import TRACKING_FILE

ERROR = "/FlowFace/Error"  # with one text; the app that the vocabulary is of has no such reply
BEGIN_TIMEOUT_NS, END_TIMEOUT_NS = 5 * clock.NS_PER_S, 60 * clock.NS_PER_S
_NO_TIME = "00:00:00.000"


@dataclass(frozen=True)
class _Wish:
    done: Callable[[Studio], bytes | None]  # the reply, as soon as there is one
    late: str
    until_ns: int


class Takes:
    """Begins and ends takes.

    studio  as it is at the moment; raises TakeError if there is none
    """

    def __init__(self, studio: Callable[[], Studio]) -> None:
        self._studio = studio
        self.slate, self.number = "remote", 1
        self._wish: _Wish | None = None

    def begin(self, slate: str, number: int) -> Iterator[bytes]:
        """Begin a take; a number that is taken becomes the next free one."""
        studio = self._studio()
        if studio.status().recording is not None or self._wish is not None:
            yield message(ERROR, "a take is being recorded already")
            return
        self.slate, self.number = slate, number
        studio.begin(slate, take=number)

        def done(studio: Studio) -> bytes | None:
            if studio.status().recording is None:
                return None
            return message("/RecordStartConfirm", _NO_TIME)

        self._expect(done, "the take did not begin", BEGIN_TIMEOUT_NS)

    def end(self) -> Iterator[bytes]:
        """End the take."""
        studio = self._studio()
        recording = studio.status().recording
        if recording is None:
            yield message(ERROR, "no take is being recorded")
            return
        studio.end()

        def done(studio: Studio) -> bytes | None:
            status = studio.status()
            if status.finished != recording.folder:
                broken = status.recording is None and status.error is not None
                return message(ERROR, status.error or "") if broken else None
            return _ended(recording.folder, recording.seconds)

        self._expect(done, "the take did not end", END_TIMEOUT_NS)

    def replies(self) -> Iterator[bytes]:
        """Yield what has become due; to be asked every now and then."""
        wish = self._wish
        if wish is None:
            return
        studio = self._studio()
        reply = wish.done(studio)
        if reply is None and clock.now_ns() > wish.until_ns:
            reply = message(ERROR, studio.status().error or wish.late)
        if reply is not None:
            self._wish = None
            yield reply

    def _expect(self, done: Callable[[Studio], bytes | None], late: str, within_ns: int) -> None:
        self._wish = _Wish(done, late, clock.now_ns() + within_ns)


def _ended(folder: Path, seconds: float) -> bytes:
    """Return the reply: the take's length, its numbers, its film."""
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(int(minutes), 60)
    length = f"{hour:02}:{minute:02}:{second:06.3f}"
    return message(
        "/RecordStopConfirm", length, str(folder / TRACKING_FILE), str(folder / FILM_FILE)
    )
