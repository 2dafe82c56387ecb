"""One field of a Settings class as a widget: what it shows, how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)

_WIDEST = 2**31 - 1
_DECIMALS = 4


@dataclass(frozen=True, eq=False, slots=True)
class Editor:
    """A widget for one value. `write` shows a value without telling that it was edited."""

    widget: QWidget
    read: Callable[[], Any]
    write: Callable[[Any], None]


def editor_for(field: Field[Any], kind: Any, edited: Callable[[], None]) -> Editor:
    """Return the editor of a field that is no settings class itself.

    kind    its type: bool, int, float, str, one of these or None, a tuple of one of these
    edited  called after every edit by the user
    """
    if get_origin(kind) in (Union, UnionType):
        plain = next(option for option in get_args(kind) if option is not NoneType)
        return _optional(editor_for(field, plain, edited), edited)
    if field.metadata.get("choices"):
        return _choice(tuple(field.metadata["choices"]), edited)
    if get_origin(kind) is tuple:
        return _list(get_args(kind)[0], edited)
    return {bool: _bool, int: _whole, float: _number, str: _text}[kind](field, edited)


def _bool(_field: Field[Any], edited: Callable[[], None]) -> Editor:
    box = QCheckBox()
    box.toggled.connect(edited)
    return Editor(box, box.isChecked, _quietly(box, box.setChecked))


def _whole(field: Field[Any], edited: Callable[[], None]) -> Editor:
    box = QSpinBox()
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    box.setRange(-_WIDEST if low is None else int(low), _WIDEST if high is None else int(high))
    _calm(box)
    box.valueChanged.connect(edited)
    return Editor(box, box.value, _quietly(box, box.setValue))


def _number(field: Field[Any], edited: Callable[[], None]) -> Editor:
    box = _PlainDoubleSpinBox()
    low, high = field.metadata.get("minimum"), field.metadata.get("maximum")
    box.setDecimals(_DECIMALS)
    box.setRange(-_WIDEST if low is None else low, _WIDEST if high is None else high)
    box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    _calm(box)
    box.valueChanged.connect(edited)
    return Editor(box, box.value, _quietly(box, box.setValue))


def _text(_field: Field[Any], edited: Callable[[], None]) -> Editor:
    line = QLineEdit()
    line.editingFinished.connect(edited)
    return Editor(line, lambda: line.text().strip(), line.setText)


def _choice(choices: tuple[Any, ...], edited: Callable[[], None]) -> Editor:
    box = QComboBox()
    box.addItems([str(choice) for choice in choices])
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(_NoWheel(box))
    box.activated.connect(edited)

    def write(value: Any) -> None:
        box.setCurrentIndex(choices.index(value))

    return Editor(box, lambda: choices[box.currentIndex()], write)


def _list(item: Any, edited: Callable[[], None]) -> Editor:
    """Values with commas between them; a list of anything but plain values is only counted."""
    if item not in (int, float, str):
        label, kept = QLabel(), [()]

        def show(value: tuple[Any, ...]) -> None:
            kept[0] = value
            words = QCoreApplication.translate("settings", "{0} entries, in the profile's file")
            label.setText(words.format(len(value)))

        return Editor(label, lambda: kept[0], show)
    line, last = QLineEdit(), [()]
    line.setPlaceholderText(QCoreApplication.translate("settings", "values, with commas"))
    line.editingFinished.connect(edited)

    def read() -> tuple[Any, ...]:
        words = [word.strip() for word in line.text().split(",") if word.strip()]
        try:
            last[0] = tuple(item(word) for word in words)
        except ValueError:
            write(last[0])
        return last[0]

    def write(value: tuple[Any, ...]) -> None:
        last[0] = value
        line.setText(", ".join(map(str, value)))

    return Editor(line, read, write)


def _optional(inner: Editor, edited: Callable[[], None]) -> Editor:
    """A text may be empty; anything else has a box that says whether there is a value."""
    if isinstance(inner.widget, QLineEdit):
        return Editor(
            inner.widget, lambda: inner.read() or None, lambda value: inner.write(value or "")
        )
    row, box = QWidget(), QCheckBox()
    box.setAccessibleName(QCoreApplication.translate("settings", "Set"))
    columns = QHBoxLayout(row)
    columns.setContentsMargins(0, 0, 0, 0)
    columns.addWidget(box)
    columns.addWidget(inner.widget, 1)
    box.toggled.connect(inner.widget.setEnabled)
    box.toggled.connect(edited)

    def write(value: Any) -> None:
        box.blockSignals(True)
        box.setChecked(value is not None)
        box.blockSignals(False)
        inner.widget.setEnabled(value is not None)
        if value is not None:
            inner.write(value)

    return Editor(row, lambda: inner.read() if box.isChecked() else None, write)


def _quietly(widget: QWidget, write: Callable[[Any], Any]) -> Callable[[Any], None]:
    def quiet(value: Any) -> None:
        before = widget.blockSignals(True)
        write(value)
        widget.blockSignals(before)

    return quiet


def _calm(box: QAbstractSpinBox) -> None:
    """Tell when a number is complete, and leave the wheel to the page."""
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.installEventFilter(_NoWheel(box))
    box.setMinimumWidth(90)


class _NoWheel(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Wheel and not watched.hasFocus():  # pyright: ignore
            event.ignore()
            return True
        return False


class _PlainDoubleSpinBox(QDoubleSpinBox):
    def textFromValue(self, value: float) -> str:
        return f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") or "0"
