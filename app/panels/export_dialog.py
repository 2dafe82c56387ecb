"""Writes a take in another format, beside everything else that goes on."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app import exports
from app.chores import Chores
from app.panels.card import text
from app.settings_form import spoken
from engine import assembly
from engine.errands import Errand, Unwanted
from engine.errors import TakeError
from engine.export._job import ExportCancelled, Job
from engine.recording.reader import read_take
from engine.recording.timecode import RATES


class ExportDialog(QDialog):
    """Stays open until it is closed, so that one take can be written in several formats.

    folder  of the take
    chores  carry the export out
    """

    def __init__(self, folder: Path, chores: Chores, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export {0}").format(folder.name))
        self.setMinimumWidth(520)
        self._folder, self._chores = folder, chores
        self._errand: Errand | None = None
        self.format, self.rate, self.path = QComboBox(), QComboBox(), QLineEdit()
        for kind in exports.kinds():
            self.format.addItem(spoken(kind), kind)
        self.rate.addItem(self.tr("As captured"), None)
        for rate in RATES:
            self.rate.addItem(self.tr("{0} frames a second").format(rate), rate)
        self.about = text("", "quiet", wrap=True)
        self.browse = QPushButton(self.tr("&Browse…"))
        self.progress = QProgressBar(textVisible=False, maximum=1000, visible=False)
        self.progress.setAccessibleName(self.tr("How much is exported"))
        self.told = text("", "quiet", wrap=True)
        self.export, self.cancel = QPushButton(self.tr("&Export")), QPushButton(self.tr("&Cancel"))
        self.close_button = QPushButton(self.tr("Cl&ose"))
        self.export.setDefault(True)
        self._arrange()
        self.format.currentIndexChanged.connect(self._show_format)
        self.browse.clicked.connect(self._browse)
        self.export.clicked.connect(self.begin)
        self.cancel.clicked.connect(self._drop)
        self.close_button.clicked.connect(self.reject)
        self.finished.connect(self._drop)
        self._show_format()
        self._show_running()

    def _arrange(self) -> None:
        form, where, buttons = QFormLayout(), QHBoxLayout(), QHBoxLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        where.addWidget(self.path, 1)
        where.addWidget(self.browse)
        for words, field in (
            (self.tr("Format"), self.format),
            ("", self.about),
            (self.tr("Frame rate"), self.rate),
            (self.tr("To"), where),
        ):
            form.addRow(words, field)
        for words, widget in (
            (self.tr("Format"), self.format),
            (self.tr("Frame rate"), self.rate),
            (self.tr("To"), self.path),
        ):
            widget.setAccessibleName(words)
        buttons.addStretch(1)
        for button in (self.close_button, self.cancel, self.export):
            buttons.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setSpacing(10)
        rows.addLayout(form)
        rows.addWidget(self.progress)
        rows.addWidget(self.told)
        rows.addLayout(buttons)

    @property
    def running(self) -> bool:
        """Whether an export goes on."""
        return self._errand is not None and not self._errand.done

    def begin(self) -> None:
        """Export; what is there is never overwritten."""
        path, kind, rate = Path(self.path.text()), self.format.currentData(), None
        if not self.path.text().strip() or path.exists():
            self._tell(self.tr("{0}: is there already. Choose another name.").format(path), True)
            return
        rate, folder = self.rate.currentData(), self._folder
        self._errand = self._chores.do(
            lambda errand: export(errand, folder, kind, path, rate),
            lambda errand: self._over(errand, path),
            lambda errand: self.progress.setValue(round(1000 * errand.share)),
        )
        self._tell("", False)
        self._show_running()

    def _drop(self) -> None:
        if self._errand is not None:
            self._errand.drop()

    def _over(self, errand: Errand, path: Path) -> None:
        if errand.error is not None:
            self._tell(errand.error, True)
        elif errand.unwanted:
            self._tell(self.tr("Cancelled; nothing was written."), False)
        else:
            self._tell(self.tr("Written: {0}").format(path), False)
        self._show_running()

    def _show_running(self) -> None:
        on = self.running
        for widget in (self.format, self.rate, self.path, self.browse, self.export):
            widget.setEnabled(not on)
        self.progress.setVisible(on)
        self.cancel.setVisible(on)

    def _show_format(self) -> None:
        module = exports.load(self.format.currentData())
        self.about.setText((module.__doc__ or "").split("\n\n")[0].replace("\n", " "))
        name = f"{self._folder.name}{module.SUFFIX or '_' + self.format.currentData()}"
        before = self.path.text()
        place = Path(before).parent if before else self._folder.parent / "exports"
        self.path.setText(str(place / name))

    def _browse(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Export to"),
            self.path.text(),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            self.path.setText(path)

    def _tell(self, words: str, problem: bool) -> None:
        self.told.setObjectName("problem" if problem else "quiet")
        self.told.style().polish(self.told)
        self.told.setText(words)


def export(errand: Errand, folder: Path, kind: str, path: Path, rate: str | None) -> None:
    """Write a take in a format. Raises TakeError, or Unwanted where it was called off."""

    def progress(done: float) -> None:
        try:
            errand.progress(done)
        except Unwanted:
            raise ExportCancelled from None

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TakeError(f"{path.parent}: cannot be made ({error.strerror})") from error
    take = read_take(folder)
    head = assembly.head_of_take(take.info.head, take.info.head_file.sha256)
    try:
        exports.load(kind).write(take, head, path, Job(rate, progress))
    except ExportCancelled:
        raise Unwanted from None
