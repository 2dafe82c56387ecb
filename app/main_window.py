"""The window: arranges picture, pages and menus."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QSplitter, QVBoxLayout, QWidget

from app import pages
from app.actions import Actions, Menu
from app.bridge import Bridge
from app.desk import Desk
from app.pages import Page, Place
from app.panels.face_calibration import FaceCalibrationDialog
from app.panels.tracking import TrackingPanel
from app.side import SidePages
from app.status_text import headline
from app.strip import Strip
from app.undo import Undo
from app.viewport import Viewport
from engine.config import Config
from engine.errors import PersonError
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration
from engine.status import SessionStatus, State
from engine.types import Frame, TrackResult

_GEOMETRY, _COLUMNS = "window/geometry", "window/columns"
_SIDE_PAGE, _STRIP_PAGE, _STRIP_SHOWN = "window/page", "window/strip_page", "window/strip"


class MainWindow(QMainWindow):
    """Shows what the session finds and passes on what the user wants.

    bridge  to a session that is started when the window is first shown
    head    the model that results are fitted with
    memory  keeps place and size of the window
    pages   what stands beside and below the picture, by name
    """

    def __init__(self, bridge: Bridge, head: HeadModel, memory: QSettings) -> None:
        super().__init__()
        self.bridge, self._memory = bridge, memory
        self._source, self._has_picture = bridge.config.source, False
        self.setWindowTitle("FlowFace Live")
        self.viewport, self.tracking = Viewport(head), TrackingPanel()
        self.commands = Actions(self, memory)
        self.undo = Undo(bridge, self)
        self.desk = Desk(bridge, self.viewport, self.commands, self.undo, memory)
        self.pages: dict[str, Page] = pages.open_all(self.desk)
        beside = [page for page in self.pages.values() if page.place is Place.SIDE]
        below = [page for page in self.pages.values() if page.place is Place.BELOW]
        self.side, self.strip = SidePages(self.tracking, beside), Strip(below)
        self._columns = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        self._arrange()
        self._connect()
        self._fill_menus(beside)
        self._restore()

    def _arrange(self) -> None:
        left = QWidget()
        rows = QVBoxLayout(left)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(10)
        rows.addWidget(self.viewport, 1)
        rows.addWidget(self.strip)
        self._columns.addWidget(left)
        self._columns.addWidget(self.side)
        self._columns.setStretchFactor(0, 1)
        self._columns.setStretchFactor(1, 0)
        self._columns.setHandleWidth(12)
        centre = QWidget()
        frame = QHBoxLayout(centre)
        frame.setContentsMargins(12, 10, 6, 12)
        frame.addWidget(self._columns)
        self.setCentralWidget(centre)

    def _restore(self) -> None:
        self.resize(1280, 800)
        if (geometry := self._memory.value(_GEOMETRY)) is not None:
            self.restoreGeometry(geometry)
        if (columns := self._memory.value(_COLUMNS)) is not None:
            self._columns.restoreState(columns)
        self.side.show_page(str(self._memory.value(_SIDE_PAGE, "")))
        self.strip.show_page(str(self._memory.value(_STRIP_PAGE, "")))

    def _connect(self) -> None:
        self.bridge.tracked.connect(self._on_tracked)
        self.bridge.status_changed.connect(self._on_status)
        self.bridge.configured.connect(self._on_configured)
        self.viewport.drawn.connect(self.bridge.drawn)

    def _fill_menus(self, beside: list[Page]) -> None:
        add = self.commands.add
        add(Menu.FILE, "file.quit", self.tr("&Quit"), self.close, "Ctrl+Q")
        standard = QKeySequence.StandardKey
        for name, action, key in (
            ("edit.undo", self.undo.stack.createUndoAction(self, self.tr("&Undo")), standard.Undo),
            ("edit.redo", self.undo.stack.createRedoAction(self, self.tr("&Redo")), standard.Redo),
        ):
            self.commands.enter(Menu.EDIT, name, action, key)
        calibrate = self.tr("&Calibrate face…")
        add(Menu.PERSON, "person.calibrate_face", calibrate, self.calibrate_face, "Ctrl+K")
        view = self.commands.menu(Menu.VIEW)
        view.addSeparator()
        for number, page in enumerate(beside, start=1):
            words = self.tr("Page: {0}").format(page.title)
            show = partial(self.show_page, page.name)
            add(view, f"page.{page.name}", words, lambda _=False, do=show: do(), f"F{number}")
        view.addSeparator()
        shown = self._memory.value(_STRIP_SHOWN, True, bool)
        self.strip.setVisible(bool(shown))
        strip_words, full_words = self.tr("&Blendshapes"), self.tr("&Full screen")
        add(view, "view.strip", strip_words, self._show_strip, "Ctrl+B", checked=bool(shown))
        add(view, "view.full_screen", full_words, self._show_full_screen, "F11", checked=False)

    def show_page(self, name: str) -> None:
        """Bring a page of the column to the front."""
        self.side.show_page(name)

    def _show_strip(self, on: bool) -> None:
        self.strip.setVisible(on)
        self._memory.setValue(_STRIP_SHOWN, on)

    def _show_full_screen(self, on: bool) -> None:
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    def calibrate_face(self) -> FaceCalibrationDialog:
        """Open the guided calibration; it follows the running session."""
        dialog = FaceCalibrationDialog(self.bridge.config.tracker.person or "", self)
        self.bridge.tracked.connect(dialog.show_result)
        dialog.finished.connect(lambda: self.bridge.tracked.disconnect(dialog.show_result))
        dialog.finished.connect(dialog.deleteLater)

        def keep(name: str, calibration: PersonCalibration) -> None:
            try:
                self.bridge.keep_person(name, calibration)
            except PersonError as error:
                dialog.show_problem(str(error))
            else:
                dialog.accept()

        dialog.kept.connect(keep)
        dialog.show()
        return dialog

    def _on_configured(self, config: Config) -> None:
        self._has_picture = self._has_picture and config.source == self._source
        self._source = config.source

    def _on_tracked(self, frame: Frame, result: TrackResult) -> None:
        if not self._has_picture:
            self._has_picture = True
            self.viewport.show_message("")
        self.viewport.show_result(frame, result)
        self.tracking.show_result(result)

    def _on_status(self, status: SessionStatus) -> None:
        self.tracking.show_status(status)
        if status.state is State.FAILED or not self._has_picture:
            now = headline(status, None)
            self.viewport.show_message(f"{now.title}\n{now.reason}")

    def closeEvent(self, event: QCloseEvent) -> None:
        self._memory.setValue(_GEOMETRY, self.saveGeometry())
        self._memory.setValue(_COLUMNS, self._columns.saveState())
        self._memory.setValue(_SIDE_PAGE, self.side.page)
        self._memory.setValue(_STRIP_PAGE, self.strip.page)
        self.hide()  # at once; the threads may take a moment
        self.bridge.stop()
        super().closeEvent(event)
