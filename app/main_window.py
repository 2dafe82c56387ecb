"""The window: arranges picture, pages and menus."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QSettings, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMessageBox, QSplitter, QVBoxLayout, QWidget

from app import pages
from app.actions import Actions, Menu
from app.bridge import Bridge
from app.desk import Desk
from app.first_steps import FirstSteps
from app.head_view import HeadView
from app.leaving import Leaving
from app.log_window import LogKeeper
from app.menus import Menus, remembered_theme
from app.pages import Page, Place
from app.panels.face_calibration import FaceCalibrationDialog
from app.panels.playback import PlaybackBar
from app.panels.tracking import TrackingPanel
from app.picture import Picture
from app.profiles_menu import ProfilesMenu
from app.side import SidePages
from app.strip import Strip
from app.style import set_theme
from app.tray import Tray
from app.undo import Undo
from app.viewport import Viewport
from engine.config import source_choice
from engine.errors import PersonError
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration
from engine.profiles import Profiles
from engine.status import SessionStatus
from engine.types import Frame, TrackResult

_GEOMETRY, _COLUMNS = "window/geometry", "window/columns"
_SIDE_PAGE, _STRIP_PAGE, _STRIP_SHOWN = "window/page", "window/strip_page", "window/strip"
_HEAD_SHOWN = "window/head"


class MainWindow(QMainWindow):
    """Shows what the session finds and passes on what the user wants.

    bridge  to a session that is started when the window is first shown
    head    the model that results are fitted with
    memory  keeps place and size of the window
    pages   what stands beside and below the picture, by name
    """

    def __init__(self, bridge: Bridge, head: HeadModel, memory: QSettings, log: LogKeeper) -> None:
        super().__init__()
        set_theme(remembered_theme(memory))  # before there are widgets, each of which costs time
        self.bridge, self._memory, self._head = bridge, memory, head
        self.setWindowTitle("FlowFace Live")
        self.setAcceptDrops(True)
        self.viewport, self.tracking = Viewport(head), TrackingPanel()
        self.head_view = HeadView(head)
        self.first_steps = FirstSteps(memory)
        self.commands = Actions(self, memory)
        self.undo = Undo(bridge, self)
        self.desk = Desk(bridge, self.viewport, self.commands, self.undo, memory)
        self.pages: dict[str, Page] = pages.open_all(self.desk)
        beside = [page for page in self.pages.values() if page.place is Place.SIDE]
        below = [page for page in self.pages.values() if page.place is Place.BELOW]
        self.side, self.strip = SidePages((self.tracking, self.first_steps), beside), Strip(below)
        self.playback = PlaybackBar(self.desk)
        self._columns = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        self.picture = Picture(bridge, self.viewport, self.head_view, self)
        self._arrange()
        self._connect()
        self._fill_menus(beside)
        self.menus = Menus(self.desk, log, self)
        self.profiles = ProfilesMenu(self.desk, Profiles(bridge.profiles_folder), self)
        self.profiles.changed.connect(self._show_title)
        self.tray = Tray(self, self.commands)
        self.leaving.tray = self.tray
        self._show_title(self.profiles.current)
        self._restore()

    def _arrange(self) -> None:
        left = QWidget()
        rows = QVBoxLayout(left)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(10)
        views = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False)
        views.addWidget(self.viewport)
        views.addWidget(self.head_view)
        # Before anything asks how much room they take.
        self.head_view.setVisible(bool(self._memory.value(_HEAD_SHOWN, False, bool)))
        views.setStretchFactor(0, 1)
        views.setHandleWidth(8)
        rows.addWidget(views, 1)
        rows.addWidget(self.playback)
        rows.addWidget(self.strip)
        self.strip.setVisible(bool(self._memory.value(_STRIP_SHOWN, True, bool)))
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
        self.bridge.calibration_asked.connect(self._on_calibration_asked)
        self.first_steps.page_wanted.connect(self._on_first_step)
        self.first_steps.finished.connect(lambda: self.side.show_pages(True))

    def _fill_menus(self, beside: list[Page]) -> None:
        add = self.commands.add
        self.leaving = Leaving(self.desk, self)
        calibrate = self.tr("&Calibrate face…")
        add(Menu.PERSON, "person.calibrate_face", calibrate, self.calibrate_face, "Ctrl+K")
        view = self.commands.menu(Menu.VIEW)
        view.addSeparator()
        for number, page in enumerate(beside, start=1):
            words = self.tr("Page: {0}").format(page.title)
            show = partial(self.show_page, page.name)
            add(view, f"page.{page.name}", words, lambda _=False, do=show: do(), f"F{number}")
        view.addSeparator()
        shown, head_shown = not self.strip.isHidden(), not self.head_view.isHidden()
        preview = self.tr("&Preview")
        add(view, "view.preview", preview, self.picture.switch, "Ctrl+P", checked=True)
        head_words = self.tr("Head &alone")
        add(view, "view.head", head_words, self._show_head, "Ctrl+J", checked=head_shown)
        strip_words, full_words = self.tr("&Blendshapes"), self.tr("&Full screen")
        add(view, "view.strip", strip_words, self._show_strip, "Ctrl+B", checked=shown)
        add(view, "view.full_screen", full_words, self._show_full_screen, "F11", checked=False)
        first_steps = self.tr("&First steps…")
        add(Menu.HELP, "help.first_steps", first_steps, self.first_steps.begin)

    def show_notice(self, words: str) -> None:
        """Tell something without holding anything up."""
        box = QMessageBox(QMessageBox.Icon.Warning, "FlowFace Live", words, parent=self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()

    def _show_title(self, profile: str) -> None:
        self.setWindowTitle(f"{profile} – FlowFace Live" if profile else "FlowFace Live")

    def _on_first_step(self, page: str) -> None:
        self.side.show_pages(bool(page))
        self.side.show_page(page)

    def show_page(self, name: str) -> None:
        """Bring a page of the column to the front."""
        self.side.show_page(name)

    def _show_strip(self, on: bool) -> None:
        self.strip.setVisible(on)
        self._memory.setValue(_STRIP_SHOWN, on)

    def _show_head(self, on: bool) -> None:
        self.head_view.setVisible(on)
        self._memory.setValue(_HEAD_SHOWN, on)

    def _show_full_screen(self, on: bool) -> None:
        if on:
            self.showFullScreen()
        else:
            self.showNormal()

    def _on_calibration_asked(self) -> None:
        if not any(dialog.isVisible() for dialog in self.findChildren(FaceCalibrationDialog)):
            self.calibrate_face()

    def calibrate_face(self) -> FaceCalibrationDialog:
        """Open the guided calibration; it follows the running session."""
        person, known = self.bridge.config.tracker.person or "", self.bridge.calibration_of
        dialog = FaceCalibrationDialog(person, self._head, known, self)
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

    def _on_tracked(self, _frame: Frame, result: TrackResult) -> None:
        self.tracking.show_result(result)
        self.first_steps.show_result(result)

    def _on_status(self, status: SessionStatus) -> None:
        self.tracking.show_status(status)
        self.first_steps.show_status(status)
        self.tray.set_light(self.tracking.light)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped_video(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if path := dropped_video(event.mimeData()):
            event.acceptProposedAction()
            words = self.tr("Open {0}").format(Path(path).name)
            self.desk.undo.change(words, source=source_choice("video_file", path=path))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.first_steps.wanted and not event.spontaneous():
            self.first_steps.begin()
        elif not event.spontaneous():
            self.first_steps.hide()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.leaving.allowed():
            event.ignore()
            return
        self._memory.setValue(_GEOMETRY, self.saveGeometry())
        self._memory.setValue(_COLUMNS, self._columns.saveState())
        self._memory.setValue(_SIDE_PAGE, self.side.page)
        self._memory.setValue(_STRIP_PAGE, self.strip.page)
        for dialog in self.findChildren(FaceCalibrationDialog):
            dialog.reject()
        self.hide()  # at once; the threads may take a moment
        self.tray.hide()
        self.bridge.stop()
        super().closeEvent(event)


def dropped_video(data: QMimeData) -> str:
    """Return the path of a file that is dropped; empty if it is anything else."""
    files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
    return files[0] if len(files) == 1 and Path(files[0]).is_file() else ""
