"""What this is, and the licences of everything it is made of."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.panels.card import text
from app.version import program_version

_PROGRAM = "flowface-live"
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


class AboutDialog(QDialog):
    """Version, licence, and a table of the packages that the program needs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About FlowFace Live"))
        self.resize(560, 480)
        found = licences()
        self.table = QTableWidget(len(found), 3)
        self.table.setHorizontalHeaderLabels(
            [self.tr("Package"), self.tr("Version"), self.tr("Licence")]
        )
        self.table.setAccessibleName(self.tr("Licences"))
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for row, entry in enumerate(found):
            for column, words in enumerate(entry):
                item = QTableWidgetItem(words)
                item.setToolTip(words)
                self.table.setItem(row, column, item)
        self.table.resizeColumnToContents(0)
        about = self.tr(
            "Version {0}. The program and its trained weights: Apache-2.0. The open head is built "
            "from MakeHuman data and Mika Suominen's face units (both CC0); the face detector is "
            "MediaPipe's BlazeFace (Apache-2.0, Google). It uses:"
        )
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        rows = QVBoxLayout(self)
        rows.addWidget(text("FlowFace Live", "title"))
        rows.addWidget(text(about.format(program_version()), "quiet", wrap=True))
        rows.addWidget(self.table, 1)
        rows.addWidget(buttons)


def licences() -> list[tuple[str, str, str]]:
    """Return name, version and licence of every package that the program needs, and of theirs."""
    waiting, found = [_PROGRAM], dict[str, tuple[str, str, str]]()
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # needed on another system only
        metadata = package.metadata
        found[key] = (metadata["Name"], package.version, _licence(package))
        waiting += [
            match.group()
            for need in package.requires or ()
            if "extra ==" not in need and (match := _NAME.match(need))
        ]
    found.pop(_PROGRAM, None)
    return [found[key] for key in sorted(found)]


def _licence(package: Distribution) -> str:
    metadata = package.metadata
    stated = metadata.get("License-Expression") or ""
    if not stated:
        marks = metadata.get_all("Classifier") or ()
        stated = ", ".join(m.rsplit(" :: ", 1)[-1] for m in marks if m.startswith("License ::"))
    if not stated or stated == "OSI Approved":
        stated = (metadata.get("License") or "").strip().split("\n")[0][:80]
    return stated or "see the package"
