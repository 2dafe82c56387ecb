"""The takes: the list, the one that is chosen, and what was found about them."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget

from app.panels.card import Card, text
from app.panels.take_details import TakeDetails
from app.panels.take_list import TakeList
from app.take_shelf import TakeShelf
from engine.recording.library import Listed


class TakesCard(Card):
    """The list above, the chosen take below it."""

    def __init__(self, shelf: TakeShelf, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("takes", "Takes"), parent)
        self.list, self.details = TakeList(shelf), TakeDetails()
        self.empty = text(
            self.tr("None yet. Record one, and it is listed here."), "quiet", wrap=True
        )
        self.told = text("", "quiet", wrap=True)
        for widget in (self.empty, self.list, self.details, self.told):
            self.rows.addWidget(widget)
        self.list.chosen.connect(self._show)
        shelf.told.connect(self.tell)
        self.details.renamed.connect(shelf.rename)
        self.details.noted.connect(lambda folder, notes: shelf.annotate(folder, notes=notes))
        self.details.rated.connect(lambda folder, stars: shelf.annotate(folder, rating=stars))
        self.details.verify.connect(shelf.verify)
        self.details.bin.connect(shelf.put_into_bin)
        self.details.mend.connect(lambda folder: shelf.mend([folder]))
        self.tell("", False)
        self._show(None)

    def tell(self, words: str, problem: bool) -> None:
        """Say something below the list; empty for nothing."""
        self.told.setObjectName("problem" if problem else "quiet")
        self.told.style().polish(self.told)
        self.told.setText(words)
        self.told.setVisible(bool(words))

    def _show(self, take: Listed | None) -> None:
        self.list.setVisible(self.list.count() > 0)
        self.empty.setVisible(self.list.count() == 0)
        self.details.show_take(take)
