"""Colours and shapes of the window, dark or light as the system is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from app.status_text import Light

LAMPS = {
    Light.GREEN: QColor("#2fd08f"),
    Light.AMBER: QColor("#f2b134"),
    Light.RED: QColor("#ef5a5f"),
    Light.GREY: QColor("#8a929c"),
}


_THEME, _STYLED = "flowface_theme", "flowface_styled"


@dataclass(frozen=True, slots=True)
class Scheme:
    """One set of colours."""

    window: str
    card: str
    field: str
    line: str
    text: str
    quiet: str
    accent: str
    on_accent: str
    problem: str


_DARK = Scheme(
    "#15171b",
    "#1d2025",
    "#272b32",
    "#343941",
    "#e9edf1",
    "#98a1ac",
    "#35d0a5",
    "#06281e",
    "#ff8b8f",
)
_LIGHT = Scheme(
    "#eef0f3",
    "#ffffff",
    "#f2f4f6",
    "#d3d8de",
    "#1b1f24",
    "#59636e",
    "#0b8467",
    "#ffffff",
    "#b3261e",
)


class Theme(Enum):
    """What the user has chosen."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


def set_theme(theme: Theme) -> None:
    """Style the application; SYSTEM follows whenever the system changes between dark and light."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    hints = application.styleHints()
    if not application.property(_STYLED):
        application.setProperty(_STYLED, True)
        application.setStyle("Fusion")
        hints.colorSchemeChanged.connect(lambda _: _apply(application))
    application.setProperty(_THEME, theme.value)
    _apply(application)


def _apply(application: QApplication) -> None:
    theme = Theme(application.property(_THEME))
    light = application.styleHints().colorScheme() is Qt.ColorScheme.Light
    if theme is not Theme.SYSTEM:
        light = theme is Theme.LIGHT
    scheme = _LIGHT if light else _DARK  # where the system says nothing: pictures like the dark
    sheet = _sheet(scheme)
    if application.styleSheet() != sheet:  # each time costs every widget a new look at itself
        application.setPalette(_palette(scheme))
        boxes = _palette(scheme)  # Fusion outlines a box in a darker shade of the window's colour
        boxes.setColor(QPalette.ColorRole.Window, QColor(scheme.quiet))
        application.setPalette(boxes, "QCheckBox")
        application.setStyleSheet(sheet)


def _palette(scheme: Scheme) -> QPalette:
    palette, role = QPalette(), QPalette.ColorRole
    colours = {
        role.Window: scheme.window,
        role.Base: scheme.field,
        role.AlternateBase: scheme.card,
        role.Button: scheme.field,
        role.ToolTipBase: scheme.card,
        role.WindowText: scheme.text,
        role.Text: scheme.text,
        role.ButtonText: scheme.text,
        role.ToolTipText: scheme.text,
        role.PlaceholderText: scheme.quiet,
        role.Mid: scheme.line,
        role.Highlight: scheme.accent,
        role.HighlightedText: scheme.on_accent,
        role.Accent: scheme.accent,
    }
    for where, colour in colours.items():
        palette.setColor(where, QColor(colour))
    for where in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, where, QColor(scheme.quiet))
    return palette


def _sheet(scheme: Scheme) -> str:
    return f"""
    QFrame#card {{ background: {scheme.card}; border-radius: 10px; }}
    QLabel#heading {{ color: {scheme.quiet}; font-size: 11px; font-weight: 600; }}
    QLabel#title {{ font-size: 17px; font-weight: 600; }}
    QLabel#countdown {{ font-size: 44px; font-weight: 600; color: {scheme.accent}; }}
    QLabel#quiet {{ color: {scheme.quiet}; }}
    QLabel#small {{ color: {scheme.quiet}; font-size: 11px; }}
    QLabel#viewportMessage {{ color: #c9d0d8; font-size: 16px; padding: 40px; }}
    QLineEdit, QPushButton {{
        background: {scheme.field}; border: 1px solid {scheme.line}; border-radius: 6px;
        padding: 5px 9px; min-height: 18px;
    }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QSpinBox, QDoubleSpinBox, QComboBox {{ min-height: 28px; }}
    QLineEdit:focus, QPushButton:focus {{ border-color: {scheme.accent}; }}
    QPushButton:hover {{ border-color: {scheme.quiet}; }}
    QPushButton:checked {{
        background: {scheme.accent}; color: {scheme.on_accent}; border-color: {scheme.accent};
    }}
    QPushButton#record {{ font-weight: 600; min-height: 26px; }}
    QPushButton#record:checked {{ background: #d8343b; color: #ffffff; border-color: #d8343b; }}
    QFrame#offer {{
        background: {scheme.card}; border: 1px solid {scheme.line}; border-radius: 10px;
    }}
    QLabel#problem {{ color: {scheme.problem}; }}
    QProgressBar {{
        background: {scheme.field}; border: none; border-radius: 3px; max-height: 6px;
    }}
    QProgressBar::chunk {{ background: {scheme.accent}; border-radius: 3px; }}
    QToolButton#menuButton {{
        background: {scheme.field}; border: 1px solid {scheme.line}; border-radius: 6px;
        padding: 5px 10px;
    }}
    QToolButton#menuButton:hover, QToolButton#menuButton:focus {{ border-color: {scheme.accent}; }}
    QToolButton#menuButton::menu-indicator {{ image: none; }}
    QToolButton#section {{ border: none; color: {scheme.quiet}; padding: 2px; }}
    QToolButton#section:focus {{ color: {scheme.accent}; }}
    QSplitter::handle {{ background: transparent; }}
    QScrollArea, QScrollArea > QWidget > QWidget#page {{ background: transparent; }}
    QToolButton#railButton {{
        border: 1px solid transparent; border-radius: 8px; color: {scheme.quiet};
        font-size: 11px; padding: 5px 0 3px 0;
    }}
    QToolButton#railButton:hover {{ background: {scheme.field}; }}
    QToolButton#railButton:focus {{ border-color: {scheme.accent}; }}
    QToolButton#railButton:checked {{ background: {scheme.card}; color: {scheme.accent}; }}
    QTabBar#stripTabs::tab {{
        color: {scheme.quiet}; padding: 3px 12px 5px 12px; border-bottom: 2px solid transparent;
    }}
    QTabBar#stripTabs::tab:selected {{
        color: {scheme.text}; border-bottom-color: {scheme.accent};
    }}
    QTabBar#stripTabs::tab:focus {{ color: {scheme.accent}; }}
    QMenuBar, QMenu {{ background: {scheme.window}; }}
    QMenu::item:selected, QMenuBar::item:selected {{
        background: {scheme.accent}; color: {scheme.on_accent};
    }}
    """
