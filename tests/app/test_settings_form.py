"""The form of a Settings class: every kind of field is shown, edited by the user, and told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QSpinBox

import engine.capture.sources
import engine.outputs
from app.settings_form import SettingsForm, spoken
from engine import plugins
from engine.settings import setting

pytestmark = [pytest.mark.window, pytest.mark.usefixtures("application")]


@dataclass(frozen=True)
class Inner:
    depth: float = setting(0.25, "Of the inner.", minimum=0.0, maximum=2.0)


@dataclass(frozen=True)
class All:
    on: bool = setting(True, "Whether.")
    count: int = setting(3, "How many.", minimum=1, maximum=9)
    share: float = setting(0.5, "How much.", minimum=0.0, maximum=1.0)
    name: str = setting("a", "What it is called.")
    mode: str = setting("x", "Which.", choices=("x", "y"))
    level: float | None = setting(None, "At most.", minimum=0.0, maximum=9.0)
    note: str | None = setting(None, "Perhaps.")
    ports: tuple[int, ...] = setting((1, 2), "Which ones.")
    inner: Inner = field(default=Inner(), metadata={"about": "Within."})


@pytest.fixture
def form() -> SettingsForm:
    return SettingsForm(All())


def test_every_kind_of_field_is_edited(form: SettingsForm) -> None:
    told: list[All] = []
    form.changed.connect(told.append)
    on, count, share = form.field("on"), form.field("count"), form.field("share")
    name, mode, ports = form.field("name"), form.field("mode"), form.field("ports")
    inner = form.field("inner")
    assert isinstance(on, QCheckBox)
    assert isinstance(count, QSpinBox)
    assert isinstance(share, QDoubleSpinBox)
    assert isinstance(name, QLineEdit)
    assert isinstance(mode, QComboBox)
    assert isinstance(ports, QLineEdit)
    assert isinstance(inner, SettingsForm)
    on.click()
    count.stepUp()
    share.setValue(0.125)
    _type(name, " bee ")
    mode.setCurrentIndex(1)
    mode.activated.emit(1)
    _type(ports, "7, 8 ,9")
    depth = inner.field("depth")
    assert isinstance(depth, QDoubleSpinBox)
    depth.setValue(1.5)
    assert told[-1] == All(False, 4, 0.125, "bee", "y", None, None, (7, 8, 9), Inner(1.5))
    assert len(told) == 7
    assert form.settings == told[-1]


def test_a_value_may_be_absent(form: SettingsForm) -> None:
    level, note = form.field("level"), form.field("note")
    box, number = level.findChild(QCheckBox), level.findChild(QDoubleSpinBox)
    assert not number.isEnabled()
    box.click()
    number.setValue(2.5)
    assert isinstance(note, QLineEdit)
    _type(note, "hm")
    assert (form.settings.level, form.settings.note) == (2.5, "hm")
    box.click()
    _type(note, "")
    assert (form.settings.level, form.settings.note) == (None, None)


def test_ranges_of_the_fields_bind(form: SettingsForm) -> None:
    count = form.field("count")
    assert isinstance(count, QSpinBox)
    count.setValue(99)
    assert form.settings.count == 9


def test_a_list_that_is_none_keeps_what_was(form: SettingsForm) -> None:
    ports = form.field("ports")
    assert isinstance(ports, QLineEdit)
    _type(ports, "7, eight")
    assert form.settings.ports == (1, 2)
    assert ports.text() == "1, 2"


def test_showing_other_settings_tells_nothing(form: SettingsForm) -> None:
    told: list[All] = []
    form.changed.connect(told.append)
    other = replace(All(), on=False, count=8, level=3.0, inner=Inner(0.75), mode="y")
    form.show_settings(other)
    assert not told
    assert form.settings == other
    assert form.field("count").value() == 8
    assert form.field("inner").field("depth").value() == 0.75


def test_all_fields_are_named_for_screen_readers(form: SettingsForm) -> None:
    for name in ("on", "count", "share", "name", "mode", "level", "note", "ports"):
        assert form.field(name).accessibleName()
        assert form.field(name).toolTip()


@pytest.mark.parametrize("package", [engine.outputs, engine.capture.sources])
def test_every_plugin_gets_a_form_that_reads_back_its_defaults(package: object) -> None:
    for kind in plugins.kinds(package):  # pyright: ignore
        settings = plugins.load(package, kind).Settings()  # pyright: ignore
        form = SettingsForm(settings)
        for name, editor in form._editors.items():
            assert editor.read() == pytest.approx(getattr(settings, name)), (kind, name)


def test_a_field_is_called_what_its_settings_say() -> None:
    @dataclass(frozen=True)
    class Labelled:
        name: str = setting("a", "Which.", label="Shown as")
        on: bool = setting(True, "Whether.", label="Send it")

    form = SettingsForm(Labelled())
    assert form.field("name").accessibleName() == "Shown as"
    assert "Shown as" in [label.text() for label in form.findChildren(QLabel)]
    assert form.field("on").text() == "Send it"


def test_names_are_spoken() -> None:
    assert (spoken("neck_share"), spoken("width_px"), spoken("host")) == (
        "Neck share",
        "Width (px)",
        "Host",
    )


def _type(line: QLineEdit, words: str) -> None:
    line.clear()
    QTest.keyClicks(line, words)
    QTest.keyClick(line, Qt.Key.Key_Return)
