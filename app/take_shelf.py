"""The takes in the user's folder, for the window: everything slow about them happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage, QUndoCommand, QUndoStack

from app.bridge import Bridge
from engine.errands import Errand
from engine.errors import TakeError
from engine.recording import library
from engine.recording.library import Listed
from engine.recording.recover import recover, unfinished
from engine.recording.take import INFO_FILE
from engine.recording.verify import verify

STILL_WRITTEN_S = 5.0  # another program may be recording it


class TakeShelf(QObject):
    """Lists, changes, checks and mends takes. Nothing here waits.

    takes  the newest first, as they were when `changed` told
    """

    changed = Signal()
    pictured = Signal(object, object)  # folder, QImage
    told = Signal(str, bool)  # words, whether it is a problem
    renamed = Signal(object, object)  # folder before, folder now
    cut_off = Signal(object)  # list of Path: takes that could be mended

    def __init__(self, bridge: Bridge, stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._stack = bridge, stack
        self.takes: list[Listed] = []
        self._listing = self._stale = False
        self._pictures: dict[Path, QImage] = {}
        self._asked: set[Path] = set()

    @property
    def root(self) -> Path:
        """The folder that holds them."""
        return self._bridge.takes_folder

    def refresh(self) -> None:
        """List again; `changed` tells when that is done."""
        self._stale = True
        if self._listing:
            return
        self._listing, self._stale = True, False
        root = self.root
        self._bridge.chores.do(lambda _: library.takes(root), self._listed)

    def picture(self, folder: Path) -> QImage | None:
        """Return the small picture of a take; None if it is not known yet: `pictured` brings it."""
        if folder not in self._asked:
            self._asked.add(folder)
            self._bridge.chores.do(
                lambda _: library.thumbnail(folder), lambda errand: self._draw(folder, errand)
            )
        return self._pictures.get(folder)

    def rename(self, folder: Path, slate: str) -> None:
        """Give a take another slate, and that slate's next number."""
        now = self._tried(lambda: library.rename(folder, slate))
        if now is not None:
            self.told.emit(self.tr("Now called {0}.").format(now.name), False)
            self.renamed.emit(folder, now)
        self.refresh()

    def annotate(
        self, folder: Path, *, notes: str | None = None, rating: int | None = None
    ) -> None:
        """Change notes or stars."""
        self._tried(lambda: library.annotate(folder, notes=notes, rating=rating))
        self.refresh()

    def put_into_bin(self, folder: Path) -> None:
        """Move a take into the bin, as a step that can be taken back."""
        words = self.tr("Move {0} to the bin").format(folder.name)
        self._stack.push(_ToBin(words, folder, self._tried, self.refresh))

    def verify(self, folder: Path) -> Errand:
        """Check a take thoroughly; `told` says what was found."""
        self.told.emit(self.tr("Checking {0}…").format(folder.name), False)
        return self._bridge.chores.do(
            lambda errand: verify(folder, errand.progress),
            lambda errand: self._tell_verified(folder.name, errand),
        )

    def mend(self, folders: list[Path]) -> None:
        """Mend takes that were cut off; `told` says what could be kept."""
        for folder in folders:
            self._bridge.chores.do(
                lambda _, folder=folder: recover(folder),
                lambda errand, folder=folder: self._tell_mended(folder.name, errand),
            )

    def look_for_cut_off(self) -> None:
        """Find takes that were cut off and that nobody writes any more."""
        root = self.root
        self._bridge.chores.do(
            lambda _: [take for take in unfinished(root) if _at_rest(take)], self._offer
        )

    def _offer(self, errand: Errand) -> None:
        if errand.result:
            self.cut_off.emit(errand.result)

    def _listed(self, errand: Errand) -> None:
        self._listing = False
        if errand.error is not None:
            self.told.emit(errand.error, True)
        elif errand.result is not None:
            self.takes = errand.result
            self.changed.emit()
        if self._stale:
            self.refresh()

    def _draw(self, folder: Path, errand: Errand) -> None:
        pixels = errand.result
        if pixels is None:
            return
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self._pictures[folder] = image.copy()
        self.pictured.emit(folder, self._pictures[folder])

    def _tell_verified(self, name: str, errand: Errand) -> None:
        if errand.unwanted:
            return
        wrong = [errand.error] if errand.error is not None else errand.result
        if wrong:
            words = self.tr("{0} is not whole:").format(name)
            self.told.emit("\n".join([words, *wrong]), True)
        else:
            whole = self.tr("{0} is whole: files, counts, checksums and times agree.")
            self.told.emit(whole.format(name), False)

    def _tell_mended(self, name: str, errand: Errand) -> None:
        if errand.error is not None:
            self.told.emit(errand.error, True)
        elif errand.result is not None:
            kept = self.tr("{0} is mended: {1} pictures, {2} s.")
            seconds = f"{errand.result.seconds:.1f}"
            self.told.emit(kept.format(name, errand.result.pictures, seconds), False)
        self.refresh()

    def _tried(self, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except (TakeError, OSError) as error:
            self.told.emit(str(error), True)
            return None


class _ToBin(QUndoCommand):
    def __init__(
        self,
        words: str,
        folder: Path,
        tried: Callable[[Callable[[], Any]], Any],
        after: Callable[[], None],
    ) -> None:
        super().__init__(words)
        self._folder, self._tried, self._after = folder, tried, after
        self._binned: Path | None = None

    def redo(self) -> None:
        self._binned = self._tried(lambda: library.put_into_bin(self._folder))
        self.setObsolete(self._binned is None)
        self._after()

    def undo(self) -> None:
        if (binned := self._binned) is not None:
            self._tried(lambda: library.take_out(binned, self._folder))
        self._after()


def _at_rest(folder: Path) -> bool:
    """Whether nothing has been written to a take for a while."""
    newest = max((path.stat().st_mtime for path in folder.iterdir()), default=0.0)
    return (folder / INFO_FILE).is_file() and time.time() - newest > STILL_WRITTEN_S
