"""Plays a video file, or a folder of pictures, frame by frame at the times that it states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine import clock
from engine.capture.picture_files import PictureFiles
from engine.capture.pictures import Picture, Pictures, VideoInfo
from engine.capture.player import Order, Player
from engine.geometry import assumed_camera
from engine.types import Camera, Frame

LONGEST_NAP_S = 0.1  # so that a close is noticed while waiting for a late frame


class VideoReader:
    """A Source over a video file that can be played (engine.capture.sources: Source, Playable).

    path          the file, or a folder of pictures
    paced         True: every frame is handed over when its time has come, as a camera would;
                  False: as fast as it is asked for
    loop          start again at the end
    max_frames    end after so many frames; all if None
    first         begin with this picture, counted from 0; those before it count as taken
    rate          pictures a second of a folder
    field_of_view_rad  of the assumed camera, across the longer image side
    live          whether a frame that is not taken in time is lost

    captured_ns of a frame is the time of the first `take` plus the frame's presentation time, in
    both cases. Paced, that is the moment when a camera would have handed it over: time lost by
    decoding late counts as latency. At another speed, presentation times are nearer or farther;
    after a pause, a step or a jump, the present time counts.

    Raises SourceError if there is no such file, if it is no video, or if it breaks off.
    """

    def __init__(
        self,
        path: Path,
        *,
        paced: bool,
        loop: bool = False,
        max_frames: int | None = None,
        first: int = 0,
        rate: float | None = None,
        field_of_view_rad: float,
        live: bool,
    ) -> None:
        self.name, self.live = path.name, live
        self._paced, self._max_frames = paced, max_frames
        self._closing = self._held = False
        self._first = first
        self._taken = self._index = self._passage = 0
        self._last: tuple[float, int] | None = None  # position and time of the last frame
        self._pictures = open_pictures(path, rate, lambda: self._closing)
        self._pending: Picture | None = None  # decoded, but its time has not come
        self.info = self._pictures.info
        self._frame_s = 1.0 / self.info.frame_rate
        self.player = Player(self.info.duration_s, self._frame_s, loop=loop)
        self.camera: Camera = assumed_camera(*self.info.size_px, field_of_view_rad)

    @property
    def frame_rate(self) -> float:
        """Nominal frames a second."""
        return self.info.frame_rate

    @property
    def position_s(self) -> float:
        """Where the last frame stands in the file, in seconds after the first."""
        return 0.0 if self._last is None else self._last[0]

    def take(self) -> Frame | None:
        """Wait for the next frame; None at the end."""
        frame = self._awaited()
        if frame is None:
            self._pictures.close()
        return frame

    def close(self) -> None:
        """Ask for the end; the reading thread closes the file."""
        self._closing = True
        self.player.wake()

    def _awaited(self) -> Frame | None:
        while not self._closing and self._taken < self._first:
            if self._pass_over(self._pictures.next()) is None:
                return None
        while not (self._closing or self._taken == self._max_frames):
            playing, due_ns, nap_s = self.player.playing, 0, LONGEST_NAP_S
            if playing:
                self._pending = self._pending or self._following()
                due_ns = self._due_ns(self._pending)
                nap_s = (due_ns - clock.now_ns()) / clock.NS_PER_S if self._paced else 0.0
            self._held = not playing
            if self._held:
                self.player.shown = None
            order = self.player.asked(min(max(nap_s, 0.0), LONGEST_NAP_S))
            if order is not None:
                if (picture := self._obeyed(order)) is not None:
                    return self._handed(picture, self._present_ns())
            elif nap_s <= 0.0 and self._pending is None and self.player.hold:
                self.player.playing = False
            elif nap_s <= 0.0 and playing:
                return None if self._pending is None else self._handed(self._pending, due_ns)
        return None

    def _following(self) -> Picture | None:
        picture = self._pictures.next()
        if picture is None and self.player.loop:
            self._pictures.rewind()
            self._passage += 1
            picture = self._pictures.next()
        return picture

    def _due_ns(self, picture: Picture | None) -> int:
        """Return when the time of a picture comes; the end has come at once."""
        if picture is None or self._last is None:
            return clock.now_ns()
        position_s, last_ns = self._last
        if self._held and self._paced:
            last_ns = max(last_ns, clock.now_ns())
            self._last = position_s, last_ns
        since_s = picture.position_s - position_s
        if since_s <= 0.0:
            since_s = self._frame_s  # it began again
        speed = self.player.speed if self._paced else 1.0
        return last_ns + round(since_s / speed * clock.NS_PER_S)

    def _present_ns(self) -> int:
        """Return the time of a picture that was asked for."""
        if self._last is None:
            return clock.now_ns()
        last_ns = self._last[1]
        if self._paced:
            return max(clock.now_ns(), last_ns + 1)
        return last_ns + round(self._frame_s * clock.NS_PER_S)

    def _obeyed(self, order: Order) -> Picture | None:
        """Go where an order leads; None if it leads nowhere."""
        found: Picture | None = None
        if order.seek_s is not None:
            self._passage += 1
            self._pending = None
            found = self._pictures.at(order.seek_s)
        for _ in range(order.steps):
            ahead, self._pending = self._pending or self._following(), None
            found = ahead or found
        for _ in range(-order.steps):
            self._passage += 1
            self._pending = None
            from_s = self.position_s if found is None else found.position_s
            found = self._pictures.before(from_s) or found
        return found

    def _handed(self, picture: Picture, captured_ns: int) -> Frame:
        self._pending = None
        self._last = picture.position_s, captured_ns
        self.player.position_s = picture.position_s
        self.player.shown = self._last if self.player.playing else None
        frame = Frame(picture.upright(), self._index + picture.lost, captured_ns, self._passage)
        self._pass_over(picture)
        return frame

    def _pass_over(self, picture: Picture | None) -> Picture | None:
        if picture is not None:
            self._taken += 1
            self._index += 1 + picture.lost
        return picture


def probe(path: Path, rate: float | None = None) -> VideoInfo:
    """Return what a video file or a folder says of itself. Raises SourceError if it is none.

    rate  pictures a second of a folder
    """
    pictures = open_pictures(path, rate)
    pictures.close()
    return pictures.info


def open_pictures(
    path: Path, rate: float | None = None, halted: Callable[[], bool] = lambda: False
) -> Pictures | PictureFiles:
    """Open a video file or a folder of pictures.

    rate    pictures a second of a folder
    halted  asked while a file is searched: True ends the search
    Raises SourceError.
    """
    return PictureFiles(path, rate) if path.is_dir() else Pictures(path, halted)
