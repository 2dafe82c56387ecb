"""The calibration dialog: prompts, waits for a face, shows what it found, keeps or discards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from made_results import lost, tracked
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication

from app.panels.face_calibration import FaceCalibrationDialog
from engine.types import BLENDSHAPE_NAMES, Frame

STEP_NS = 50_000_000
FRAME = Frame(np.zeros((4, 4, 3), np.uint8), 0, 0)


@pytest.fixture(scope="module")
def application() -> Iterator[QCoreApplication]:
    existing, before = QApplication.instance(), os.environ.get("QT_QPA_PLATFORM")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    made = existing or QApplication([])
    yield made
    if existing is None:
        made.shutdown()  # other tests choose another screen
    os.environ.pop("QT_QPA_PLATFORM")
    if before is not None:
        os.environ["QT_QPA_PLATFORM"] = before


@pytest.fixture
def dialog(application: QCoreApplication) -> Iterator[FaceCalibrationDialog]:
    made = FaceCalibrationDialog("anna")
    made.show()
    yield made
    made.close()
    made.deleteLater()
    application.processEvents()


def _perform(dialog: FaceCalibrationDialog) -> None:
    readings = np.zeros(52)
    readings[BLENDSHAPE_NAMES.index("jawOpen")] = 0.1
    for index in range(2000):
        if dialog.summary.isVisible():
            return
        dialog.show_result(FRAME, replace(tracked(index, index * STEP_NS), readings=readings))
    raise AssertionError("never done")


@pytest.mark.window
def test_it_prompts_and_waits_for_a_face(dialog: FaceCalibrationDialog) -> None:
    assert "relaxed face" in dialog.prompt.text()
    assert not dialog.keep.isEnabled()
    dialog.show_result(FRAME, lost(0, 0))
    assert "No face found" in dialog.phase.text()


@pytest.mark.window
def test_what_was_found_is_shown_and_kept_under_a_name(dialog: FaceCalibrationDialog) -> None:
    kept: list[tuple[str, object]] = []
    dialog.kept.connect(lambda name, calibration: kept.append((name, calibration)))
    _perform(dialog)
    assert "jawOpen: +0.10 at rest" in dialog.summary.toPlainText()
    dialog.name.setText(" ")
    assert not dialog.keep.isEnabled()
    dialog.name.setText("bo")
    dialog.keep.click()
    ((name, calibration),) = kept
    assert name == "bo"
    assert calibration.offset[BLENDSHAPE_NAMES.index("jawOpen")] == pytest.approx(0.1)


@pytest.mark.window
def test_discarded_is_not_kept(dialog: FaceCalibrationDialog) -> None:
    kept: list[object] = []
    dialog.kept.connect(lambda *found: kept.append(found))
    _perform(dialog)
    dialog.discard.click()
    assert not kept
    assert not dialog.isVisible()
