"""How one shape is tuned: sliders, curve, mute and the link to its other side."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from functools import partial
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QWidget,
)

from app.panels.card import Card, text
from app.panels.shape_bars import spoken
from engine.tuning import GAMMA, SMOOTH, ShapeTuning, Tuning, stem_of

_FINE = 100  # steps of a slider for 1


class ShapeEditor(Card):
    """Shows one shape of a tuning and tells the tuning that the user makes of it."""

    # Tuning, what was done in words, and the gesture that it belongs to
    edited = Signal(object, str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Tuning"), parent)
        self._tuning, self._name, self._gesture = Tuning(), "", 0
        self.heading = text("", "title")
        self.reset = QPushButton(self.tr("&Reset"))
        self.reset.clicked.connect(lambda: self.ask_reset(self._name))
        top = QHBoxLayout()
        top.addWidget(self.heading, 1)
        top.addWidget(self.reset)
        self.rows.addLayout(top)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(4)
        self.sliders: dict[str, QSlider] = {}
        self.numbers: dict[str, QDoubleSpinBox] = {}
        for field, label in (
            ("gain", self.tr("Gain")),
            ("offset", self.tr("Offset")),
            ("dead_zone", self.tr("Dead zone")),
            ("gamma", self.tr("Power")),
            ("smoothing", self.tr("Smoothing")),
        ):
            self._add_number(field, label)
        self.curve = QComboBox()
        self.curve.addItem(self.tr("Power"), GAMMA)
        self.curve.addItem(self.tr("Slow at both ends"), SMOOTH)
        self.curve.setAccessibleName(self.tr("Curve"))
        self.curve.activated.connect(lambda _: self._edit("curve", self.curve.currentData()))
        self._grid.addWidget(text(self.tr("Curve"), "quiet"), len(self.sliders), 0)
        self._grid.addWidget(self.curve, len(self.sliders), 1, 1, 2)
        self.rows.addLayout(self._grid)
        self.mute = QCheckBox(self.tr("M&ute"))
        self.link = QCheckBox(self.tr("&Link sides"))
        self.link.setToolTip(self.tr("Left and right share their settings"))
        self.mean = QCheckBox(self.tr("M&ean of both"))
        self.mean.setToolTip(self.tr("Send the mean of left and right to both"))
        self.mute.clicked.connect(lambda on: self._edit("mute", on))
        self.link.clicked.connect(self._relink)
        self.mean.clicked.connect(self._relink)
        boxes = QHBoxLayout()
        for box in (self.mute, self.link, self.mean):
            boxes.addWidget(box)
        self.rows.addLayout(boxes)

    def show_shape(self, name: str, tuning: Tuning) -> None:
        """Show how a shape is tuned, without telling anything."""
        self._tuning, self._name = tuning, name
        row, link, stem = tuning.of(name), tuning.link_of(name), stem_of(name)
        heading = self.tr("{0} left and right").format(spoken(stem)) if link else spoken(name)
        self.heading.setText(heading)
        for field, number in self.numbers.items():
            self._write(number, self.sliders[field], getattr(row, field))
        for part in (self.sliders["gamma"], self.numbers["gamma"]):
            part.setEnabled(row.curve == GAMMA)
        self.curve.setCurrentIndex(self.curve.findData(row.curve))
        self.mute.setChecked(row.mute)
        self.link.setEnabled(stem is not None)
        self.link.setChecked(link is not None)
        self.mean.setEnabled(link is not None)
        self.mean.setChecked(link is not None and link.mean)
        self.reset.setEnabled(not row.usual)

    def ask_reset(self, name: str) -> None:
        """Put a shape back to what is measured."""
        words = self.tr("Reset {0}").format(spoken(name).lower())
        self.edited.emit(self._tuning.reset(name), words, None)

    def _add_number(self, field: str, label: str) -> None:
        (about,) = (f for f in dataclasses.fields(ShapeTuning) if f.name == field)
        low, high = about.metadata["minimum"], about.metadata["maximum"]
        slider, number = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        slider.setRange(round(_FINE * low), round(_FINE * high))
        number.setRange(low, high)
        number.setSingleStep(0.05)
        number.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        number.setFixedWidth(56)
        number.setKeyboardTracking(False)
        for part in (slider, number):
            part.setAccessibleName(label)
            part.setToolTip(about.metadata["about"])
        slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        slider.sliderPressed.connect(self._begin_gesture)
        slider.valueChanged.connect(
            lambda value: self._edit(field, value / _FINE, (field, self._gesture))
        )
        number.valueChanged.connect(partial(self._edit, field))
        row = len(self.sliders)
        for place, part in enumerate((text(label, "quiet"), slider, number)):
            self._grid.addWidget(part, row, place)
        self.sliders[field], self.numbers[field] = slider, number

    def _begin_gesture(self) -> None:
        self._gesture += 1

    def _write(self, number: QDoubleSpinBox, slider: QSlider, value: float) -> None:
        with QSignalBlocker(number), QSignalBlocker(slider):
            number.setValue(value)
            slider.setValue(round(_FINE * value))

    def _edit(self, field: str, value: Any, gesture: Hashable = None) -> None:
        words = self.tr("{0}: {1}").format(spoken(self._name), field.replace("_", " "))
        tuning = self._tuning.changed(self._name, **{field: value})
        self.edited.emit(tuning, words, gesture and (self._name, gesture))

    def _relink(self) -> None:
        name, on = self._name, self.link.isChecked()
        if on:
            tuning = self._tuning.linked(name, mean=self.mean.isChecked())
        else:
            tuning = self._tuning.unlinked(name)
        words = self.tr("Link sides: {0}") if on else self.tr("Unlink sides: {0}")
        self.edited.emit(tuning, words.format(spoken(stem_of(name) or name)), None)
