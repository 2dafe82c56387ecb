"""A form for any Settings class: a line per field, a section per settings class within it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, get_type_hints

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.editors import Editor, editor_for

_UNITS = {"px": "px", "ms": "ms", "hz": "Hz", "s": "s", "mm": "mm", "deg": "°", "db": "dB"}


class SettingsForm(QWidget):
    """Shows settings and tells what the user makes of them.

    settings  an instance of a frozen dataclass whose fields are declared by engine.settings
    without   names of fields that are shown elsewhere
    """

    changed = Signal(object)  # settings of the same class

    def __init__(
        self, settings: Any, *, without: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._settings, self._editors = settings, dict[str, Editor]()
        self._nested: dict[str, SettingsForm] = {}
        self._lines = QFormLayout()
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setVerticalSpacing(6)
        self._lines.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        rows.addLayout(self._lines)
        kinds = get_type_hints(type(settings))
        for field in dataclasses.fields(settings):
            if field.name in without:
                continue
            if dataclasses.is_dataclass(getattr(settings, field.name)):
                rows.addWidget(self._section(field))
            else:
                self._add_line(field, kinds[field.name])

    @property
    def settings(self) -> Any:
        """What the form says."""
        return self._settings

    def field(self, name: str) -> QWidget:
        """Return the widget of a field, for the keyboard and for tests."""
        return self._nested[name] if name in self._nested else self._editors[name].widget

    def show_settings(self, settings: Any) -> None:
        """Show other settings of the same class, without telling so."""
        self._settings = settings
        for name, editor in self._editors.items():
            if editor.read() != getattr(settings, name):
                editor.write(getattr(settings, name))
        for name, form in self._nested.items():
            form.show_settings(getattr(settings, name))

    def _add_line(self, field: dataclasses.Field[Any], kind: Any) -> None:
        editor = editor_for(field, kind, lambda: self._edited(field.name, editor.read()))
        editor.write(getattr(self._settings, field.name))
        about = field.metadata.get("about", "")
        widget = editor.widget
        widget.setToolTip(about)
        label = field.metadata.get("label") or spoken(field.name)
        widget.setAccessibleName(label)
        widget.setAccessibleDescription(about)
        self._editors[field.name] = editor
        if isinstance(widget, QCheckBox):
            widget.setText(label)
            self._lines.addRow(widget)
        else:
            self._lines.addRow(label, widget)
            beside = self._lines.labelForField(widget)
            beside.setToolTip(about)
            # As high as its field: a form puts a lower label at the top.
            beside.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _section(self, field: dataclasses.Field[Any]) -> QWidget:
        box, form = QWidget(), SettingsForm(getattr(self._settings, field.name))
        self._nested[field.name] = form
        form.changed.connect(lambda inner: self._edited(field.name, inner))
        button = QToolButton(text=spoken(field.name), checkable=True)
        button.setObjectName("section")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setArrowType(Qt.ArrowType.RightArrow)
        button.setToolTip(field.metadata.get("about", ""))
        form.setVisible(False)
        button.toggled.connect(form.setVisible)
        button.toggled.connect(
            lambda on: button.setArrowType(
                Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow
            )
        )
        rows = QVBoxLayout(box)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        rows.addWidget(button)
        rows.addWidget(form)
        form.setContentsMargins(12, 0, 0, 4)
        return box

    def _edited(self, name: str, value: Any) -> None:
        if value != getattr(self._settings, name):
            self._settings = dataclasses.replace(self._settings, **{name: value})
            self.changed.emit(self._settings)


def spoken(name: str) -> str:
    """Return the name of a field in words: neck_share is "Neck share", width_px "Width (px)"."""
    words = name.split("_")
    unit = _UNITS.get(words[-1]) if len(words) > 1 else None
    text = " ".join(words[:-1] if unit else words)
    return text[:1].upper() + text[1:] + (f" ({unit})" if unit else "")
