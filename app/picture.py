"""What both views are given: the newest picture, words where there is none, or nothing."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.bridge import Bridge
from app.head_view import HeadView
from app.status_text import headline
from app.viewport import Viewport
from engine.config import Choice, Config
from engine.status import SessionStatus, State
from engine.types import Frame, TrackResult


class Picture(QObject):
    """Leads pictures and messages from the session to the viewport.

    window  minimised, it needs no pictures
    seen    whether the source is seen
    """

    def __init__(
        self, bridge: Bridge, viewport: Viewport, head_view: HeadView, window: QWidget
    ) -> None:
        super().__init__(window)
        self._viewport, self._head_view, self._window = viewport, head_view, window
        self._source, self._on, self.seen = bridge.config.source, True, False
        self._away = False  # the camera is: a picture on its way when it left comes too late
        bridge.previewed.connect(lambda frame: self._show(frame, None))
        bridge.tracked.connect(self._show)
        bridge.status_changed.connect(self._on_status)
        bridge.configured.connect(self._on_configured)
        viewport.drawn.connect(lambda ms: bridge.drawn(ms + head_view.cost_ms))

    def switch(self, on: bool) -> None:
        """Draw, or draw nothing; tracking goes on either way."""
        self._on, self.seen = on, False
        if not on:
            self._viewport.show_message(self.tr("The preview is off. Tracking goes on."))

    def _show(self, frame: Frame, result: TrackResult | None) -> None:
        if not self._on or self._away or self._window.isMinimized():
            return
        if not self.seen:
            self.seen = True
            self._viewport.show_message("")
        self._viewport.show_result(frame, result)
        self._head_view.show_result(result)

    def _on_configured(self, config: Config) -> None:
        self.seen = self.seen and _unlooped(config.source) == _unlooped(self._source)
        self._source = config.source

    def _on_status(self, status: SessionStatus) -> None:
        self._away = status.state in (State.STOPPED, State.RECONNECTING)
        if self._away:
            self.seen = False
        if status.state is State.RECONNECTING:
            self._viewport.forget()  # an old picture would look like a frozen one
            self._head_view.show_result(None)
        if status.state is State.FAILED or (self._on and not self.seen):
            now = headline(status, None)
            self._viewport.show_message(f"{now.title}\n{now.reason}")


def _unlooped(source: Choice) -> Choice:
    """A video that begins to loop stays where it is, and is still seen."""
    if not hasattr(source.settings, "loop"):
        return source
    return replace(source, settings=replace(source.settings, loop=False))
