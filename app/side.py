"""The column beside the picture: what is going on, one page, and a rail to choose the page from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.icons import line_icon
from app.pages import Page

_WIDTH, _RAIL_WIDTH = 348, 72


class SidePages(QWidget):
    """Headings that are always there, and one page at a time below them."""

    chosen = Signal(str)  # name of the page

    def __init__(self, headings: Sequence[QWidget], pages: Sequence[Page]) -> None:
        super().__init__()
        self._names = [page.name for page in pages]
        self.rail, self._stack = _Rail(pages), QStackedWidget()
        for page in pages:
            scroll = QScrollArea(widgetResizable=True, frameShape=QFrame.Shape.NoFrame)
            scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            scroll.setWidget(page.shown)
            scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._stack.addWidget(scroll)
        self._stack.setMinimumWidth(_WIDTH)
        self.rail.clicked.connect(lambda number: self.show_page(self._names[number]))
        left = QVBoxLayout()
        left.setSpacing(10)
        for heading in headings:
            left.addWidget(heading)
        left.addWidget(self._stack, 1)
        left.addStretch(0)  # where the page is hidden
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(10)
        columns.addLayout(left, 1)
        columns.addWidget(self.rail)

    @property
    def page(self) -> str:
        """Name of the page that is shown."""
        return self._names[self._stack.currentIndex()]

    def has(self, name: str) -> bool:
        """Whether there is a page of that name."""
        return name in self._names

    @property
    def page_shown(self) -> bool:
        """Whether a page is shown below the headings."""
        return not self._stack.isHidden()

    def show_pages(self, on: bool) -> None:
        """Show the page at all, or the headings alone."""
        self._stack.setVisible(on)

    def show_page(self, name: str) -> None:
        """Show a page; an unknown name, perhaps of another version, changes nothing."""
        if name in self._names:
            number = self._names.index(name)
            self._stack.setCurrentIndex(number)
            self.rail.mark(number)
            self.chosen.emit(name)


class _Rail(QFrame):
    clicked = Signal(int)

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(_RAIL_WIDTH)
        self._group, self._icons = QButtonGroup(self), [page.icon for page in pages]
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        for number, page in enumerate(pages):
            button = QToolButton(text=page.title, checkable=True, iconSize=QSize(22, 22))
            button.setObjectName("railButton")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setFixedSize(_RAIL_WIDTH, 54)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setAccessibleName(page.title)
            self._group.addButton(button, number)
            rows.addWidget(button)
        rows.addStretch(1)
        self._group.idClicked.connect(self.clicked)
        self.mark(0)
        self._draw_icons()

    def mark(self, number: int) -> None:
        """Show which page it is."""
        self._group.button(number).setChecked(True)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._draw_icons()

    def _draw_icons(self) -> None:
        quiet = self.palette().color(QPalette.ColorRole.PlaceholderText)
        chosen = self.palette().color(QPalette.ColorRole.Highlight)
        for button, path in zip(self._group.buttons(), self._icons, strict=True):
            button.setIcon(line_icon(path, quiet, chosen))
