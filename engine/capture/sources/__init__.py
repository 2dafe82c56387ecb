"""Sources of frames, one module each; the protocol that they share.

A module here offers `Settings` (a frozen dataclass), `create(settings) -> Source` and
`find() -> list[str]`, the devices or names that can be opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from engine.capture.player import Player
from engine.types import Camera, Frame

if TYPE_CHECKING:
    from engine.recording.reader import Take


class Source(Protocol):
    """Frames in order. It is read by one thread and closed by any."""

    @property
    def camera(self) -> Camera:
        """The intrinsics, known or assumed."""
        ...

    @property
    def name(self) -> str:
        """What the user knows it by."""
        ...

    @property
    def live(self) -> bool:
        """True if frames that are not taken in time are lost, as with a webcam."""
        ...

    @property
    def frame_rate(self) -> float:
        """Nominal frames a second."""
        ...

    def take(self) -> Frame | None:
        """Wait for the next frame; None at the end. Raises SourceError if the device fails."""
        ...

    def close(self) -> None:
        """Ask for the end; the reading thread releases the device."""
        ...


@runtime_checkable
class Recorded(Protocol):
    """A source whose results are known already: they are played, not tracked again."""

    @property
    def recorded(self) -> Take:
        """The take."""
        ...


@runtime_checkable
class Playable(Protocol):
    """A source that the user can stop, wind and slow down."""

    player: Player
    """Its controls, for any thread."""


@runtime_checkable
class Returning(Protocol):
    """A source whose device may go away, and comes back by itself."""

    trouble: str  # why there are no pictures; empty while there are
    waiting: Callable[[], bool]
    """Called now and then, on the reading thread, while there are none; when it returns False,
    `take` returns None without having been closed."""
