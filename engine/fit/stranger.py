"""Whether the face that is tracked is still the person who was learnt."""

from __future__ import annotations

from engine.clock import NS_PER_S
from engine.fit.fitted import Fitted
from engine.fit.settings import TrackerSettings


class StrangerWatch:
    """Notices that the tracked face has become somebody else's: a fit that stays bad."""

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._since_ns: int | None = None

    def forget(self) -> None:
        """Begin again: the face was lost."""
        self._since_ns = None

    def appeared(self, fitted: Fitted) -> bool:
        """Return whether a frame's fit shows that it is another person."""
        if fitted.quality.distance_share <= self._settings.stranger_share:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = fitted.captured_ns
        elif fitted.captured_ns - self._since_ns > self._settings.stranger_after_s * NS_PER_S:
            self._since_ns = None
            return True
        return False
