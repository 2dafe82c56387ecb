"""The installed Qt binding keeps count of None; one that does not aborts a window in a minute."""

from __future__ import annotations

import os
import sys

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.mark.window
def test_void_calls_do_not_lose_none() -> None:
    from PySide6.QtWidgets import QApplication, QLabel

    app = QApplication.instance() or QApplication([])
    label = QLabel()
    before = sys.getrefcount(None)
    for _ in range(1000):
        label.update()
        label.setText("x")
    assert sys.getrefcount(None) > before - 100
    assert app is not None
