"""Every word of the window can be translated, and a translation is shown."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QCoreApplication, QLocale
from PySide6.QtWidgets import QApplication

from app.panels.tracking import TrackingPanel
from app.translation import translate
from engine.status import SessionStatus, State

APP = Path(__file__).parents[2] / "app"
NAME = "FlowFace Live"  # of the program, in every language
SETTERS = {
    "setText", "setWindowTitle", "setToolTip", "setAccessibleName", "setAccessibleDescription",
    "setPlaceholderText", "setTitle", "setStatusTip", "setSuffix", "setPrefix",
    "addItem", "addTab", "addRow", "addAction", "addMenu", "addButton", "showMessage",
}  # fmt: skip
MAKERS = {
    "QLabel", "QPushButton", "QCheckBox", "QRadioButton", "QAction", "QGroupBox", "QToolButton",
    "QMenu", "Card", "text",
}  # fmt: skip
TRANSLATE = {"tr", "_tr", "translate", "_mark", "QT_TRANSLATE_NOOP"}
GERMAN = """<?xml version="1.0" encoding="utf-8"?><!DOCTYPE TS>
<TS version="2.1" language="de"><context><name>status</name>
<message><source>Stopped</source><translation>Angehalten</translation></message>
<message><source>Face found</source><translation>Gesicht gefunden</translation></message>
</context></TS>
"""


def name_of(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        inner = function.value
        above = isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "super"
        return "Card" if above and function.attr == "__init__" else function.attr
    return getattr(function, "id", "")


def words(node: ast.expr) -> Iterator[ast.Constant]:
    """Yield the words in an argument that no translation will reach."""
    if isinstance(node, ast.Call) and name_of(node) in TRANSLATE:
        return
    if isinstance(node, ast.Constant):
        told = node.value if isinstance(node.value, str) else ""
        if any(c.isalpha() for c in told) and (" " in told.strip() or told[:1].isupper()):
            yield node
    elif isinstance(node, (ast.JoinedStr, ast.IfExp, ast.BinOp)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from words(child)


def untranslated(source: str) -> list[tuple[int, str]]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    shown = [call for call in calls if name_of(call) in SETTERS | MAKERS]
    return [
        (found.lineno, str(found.value))
        for call in shown
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        for found in words(argument)
        if NAME not in str(found.value)
    ]


def test_the_scan_finds_words() -> None:
    source = """
self.a.setText("Some words")
self.b.setText(self.tr("Some words") if on else f"Others {x}")
QLabel(_tr("here", "Fine")); text("lower", "Role"); super().__init__("Heading")
"""
    found = [word for _, word in untranslated(source)]
    assert found == ["Some words", "Others ", "Role", "Heading"]


def test_all_words_of_the_window_can_be_translated() -> None:
    files = [
        path
        for path in APP.rglob("*.py")
        if not {"commands", "measures"} & set(path.relative_to(APP).parts)
    ]
    assert len(files) > 50
    left = [
        f"{path.name}:{line} {word!r}"
        for path in files
        for line, word in untranslated(path.read_text(encoding="utf-8"))
    ]
    assert left == []


@pytest.mark.skipif(sys.platform == "win32", reason="the script needs a shell")
def test_every_word_is_collected(tmp_path: Path) -> None:
    """By the script that the user guide names, against the calls in the source."""
    if not (APP.parent / ".venv/bin/pyside6-lupdate").is_file():
        pytest.skip("no pyside6-lupdate")
    made = tmp_path / "flowface_xx.ts"
    subprocess.run(
        [APP.parent / "packaging/translations.sh", made], check=True, capture_output=True
    )
    contexts = ElementTree.parse(made).getroot().findall("context")
    found = {source.text for context in contexts for source in context.iter("source")}
    wanted = {
        argument.value
        for path in APP.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and name_of(call) in TRANSLATE and call.args
        for argument in call.args[-1:]
        if isinstance(argument, ast.Constant)
    }
    assert len(wanted) > 300
    assert wanted - found == set()
    assert all(context.findtext("name") for context in contexts)  # else nothing asks for them


def test_a_translation_is_shown(application: QApplication, tmp_path: Path) -> None:
    tool = shutil.which("pyside6-lrelease", path=str(Path(sys.executable).parent))
    if tool is None:
        pytest.skip("no pyside6-lrelease")
    (tmp_path / "a.ts").write_text(GERMAN, encoding="utf-8")
    made = tmp_path / "flowface_de.qm"
    subprocess.run([tool, tmp_path / "a.ts", "-qm", made], check=True, capture_output=True)
    panel = TrackingPanel()
    panel.show_status(SessionStatus(State.STOPPED))
    assert panel.title.text() == "Stopped"
    assert not translate(application, tmp_path, QLocale("fr_FR"))
    before = application.children().copy()
    try:
        assert translate(application, tmp_path, QLocale("de_DE"))
        panel.show_status(SessionStatus(State.STOPPED))
        assert panel.title.text() == "Angehalten"
        assert QCoreApplication.translate("status", "Ended") == "Ended"  # not translated yet
    finally:
        for translator in set(application.children()) - set(before):
            application.removeTranslator(translator)  # type: ignore[arg-type]
