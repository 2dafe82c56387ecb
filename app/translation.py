"""The window's words in the language of the system, if there are any.

A translation is `resources/translations/flowface_<language>.qm`; docs/user_guide.md says how one is
made. Without one the program speaks English. Errors and hints of the engine stay English.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from engine.resources import RESOURCES

FOLDER = RESOURCES / "translations"


def translate(
    application: QCoreApplication, folder: Path = FOLDER, locale: QLocale | None = None
) -> bool:
    """Install the translation for a language, and Qt's own; returns whether there is one.

    locale  the system's if None
    """
    locale = locale or QLocale.system()
    own, qt = QTranslator(application), QTranslator(application)
    if not own.load(locale, "flowface", "_", str(folder)):
        return False
    application.installTranslator(own)
    if qt.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(qt)
    return True
