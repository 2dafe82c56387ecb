"""The strip below the picture: one page, or several behind tabs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.pages import Page


class Strip(QWidget):
    """Pages that want width rather than height; as high as the first of them."""

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__()
        self._names = [page.name for page in pages]
        self._tabs, self._stack = QTabBar(drawBase=False, expanding=False), QStackedWidget()
        self._tabs.setObjectName("stripTabs")
        self._tabs.setAccessibleName(self.tr("What is shown below the picture"))
        for page in pages:
            self._tabs.addTab(page.title)
            self._stack.addWidget(page.shown)
        self._tabs.setVisible(len(pages) > 1)
        self._tabs.currentChanged.connect(self._stack.setCurrentIndex)
        self._stack.setFixedHeight(pages[0].shown.sizeHint().height())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        rows.addWidget(self._tabs)
        rows.addWidget(self._stack)

    @property
    def page(self) -> str:
        """Name of the page that is shown."""
        return self._names[self._stack.currentIndex()]

    def show_page(self, name: str) -> None:
        """Show a page; an unknown name changes nothing."""
        if name in self._names:
            self._tabs.setCurrentIndex(self._names.index(name))
