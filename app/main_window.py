"""The window: arranges the panels; menus and shortcuts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMenu, QScrollArea, QVBoxLayout, QWidget

from app.bridge import Bridge
from app.panels.blendshapes import BlendshapeBars
from app.panels.camera import SourcePanel, ViewPanel
from app.panels.face_calibration import FaceCalibrationDialog
from app.panels.outputs import OutputPanel
from app.panels.tracking import TrackingPanel
from app.render.look import Look, Mode
from app.status_text import headline
from app.viewport import Viewport
from engine.errors import PersonError
from engine.fit.heads import HeadModel
from engine.fit.person import PersonCalibration
from engine.status import SessionStatus, State
from engine.types import Frame, TrackResult

_SIDEBAR_WIDTH = 348
_GEOMETRY = "window/geometry"


class MainWindow(QMainWindow):
    """Shows what the session finds and passes on what the user wants.

    bridge  to a session that is started when the window is first shown
    head    the model that results are fitted with
    memory  keeps place and size of the window
    """

    def __init__(self, bridge: Bridge, head: HeadModel, memory: QSettings) -> None:
        super().__init__()
        self.bridge, self._memory, self._has_picture = bridge, memory, False
        self.setWindowTitle("FlowFace Live")
        self.viewport = Viewport(head)
        self.bars = BlendshapeBars()
        self.tracking = TrackingPanel()
        self.source = SourcePanel(bridge.config.source)
        self.view = ViewPanel(Look())
        self.outputs = OutputPanel(bridge.config.outputs)
        self._arrange()
        self._connect()
        self._fill_menus()
        self.resize(1280, 820)
        geometry = memory.value(_GEOMETRY)
        if geometry is not None:
            self.restoreGeometry(geometry)

    def _arrange(self) -> None:
        sidebar = QWidget()
        cards = QVBoxLayout(sidebar)
        cards.setContentsMargins(0, 0, 0, 0)
        cards.setSpacing(10)
        for panel in (self.tracking, self.source, self.view, self.outputs):
            cards.addWidget(panel)
        cards.addStretch(1)
        scroll = QScrollArea(widgetResizable=True, frameShape=QScrollArea.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(sidebar)
        scroll.setFixedWidth(_SIDEBAR_WIDTH)
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addWidget(self.viewport, 1)
        left.addWidget(self.bars)
        centre = QWidget()
        columns = QHBoxLayout(centre)
        columns.setContentsMargins(12, 10, 12, 12)
        columns.setSpacing(12)
        columns.addLayout(left, 1)
        columns.addWidget(scroll)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        self.bridge.tracked.connect(self._on_tracked)
        self.bridge.status_changed.connect(self._on_status)
        self.viewport.drawn.connect(self.bridge.drawn)
        self.source.chosen.connect(self._on_source)
        self.outputs.chosen.connect(lambda outputs: self.bridge.change(outputs=outputs))
        self.view.changed.connect(self.viewport.set_look)

    def _fill_menus(self) -> None:
        file = self.menuBar().addMenu("&File")
        self._act(file, "&Open video…", QKeySequence.StandardKey.Open, self.source.ask_for_file)
        self._act(file, "&Quit", QKeySequence("Ctrl+Q"), self.close)
        person = self.menuBar().addMenu("&Person")
        self._act(person, "&Calibrate face…", QKeySequence("Ctrl+K"), self.calibrate_face)
        view = self.menuBar().addMenu("&View")
        for number, mode in enumerate(Mode, start=1):
            key = QKeySequence(f"Ctrl+{number}")
            self._act(
                view,
                f"Overlay: {mode.value}",
                key,
                lambda _=False, m=mode: self.view.change(mode=m),
            )
        view.addSeparator()
        self._act(view, "&Mirror", QKeySequence("Ctrl+M"), self.view.mirror.toggle)
        self._act(view, "&Whole head", QKeySequence("Ctrl+H"), self.view.whole_head.toggle)
        bars = self._act(view, "&Blendshapes", QKeySequence("Ctrl+B"), self.bars.setVisible)
        bars.setCheckable(True)
        bars.setChecked(True)
        full = self._act(view, "&Full screen", QKeySequence("F11"), self._show_full_screen)
        full.setCheckable(True)

    def _act(
        self,
        menu: QMenu,
        words: str,
        key: QKeySequence | QKeySequence.StandardKey,
        do: Callable[..., object],
    ) -> QAction:
        action = QAction(words, self)
        action.setShortcut(key)
        action.triggered.connect(do)
        menu.addAction(action)
        return action

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

    def _on_source(self, choice: object) -> None:
        self._has_picture = False
        self.bridge.change(source=choice)

    def _on_tracked(self, frame: Frame, result: TrackResult) -> None:
        if not self._has_picture:
            self._has_picture = True
            self.viewport.show_message("")
        self.viewport.show_result(frame, result)
        self.bars.show_weights(result.blendshapes)
        self.tracking.show_result(result)

    def _on_status(self, status: SessionStatus) -> None:
        self.tracking.show_status(status)
        self.outputs.show_status(status)
        if status.state is State.FAILED or not self._has_picture:
            now = headline(status, None)
            self.viewport.show_message(f"{now.title}\n{now.reason}")

    def closeEvent(self, event: QCloseEvent) -> None:
        self._memory.setValue(_GEOMETRY, self.saveGeometry())
        self.hide()  # at once; the threads may take a moment
        self.bridge.stop()
        super().closeEvent(event)
