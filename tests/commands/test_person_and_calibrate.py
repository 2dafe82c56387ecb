"""`flowface person` and `flowface calibrate camera`, as the user meets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.cli import USER_ERROR, main
from app.commands import calibrate
from engine.capture.calibration import Board
from engine.fit.person import FocalLength, PersonCalibration, StoredPerson
from engine.fit.rest import LearntRest
from engine.fit.retarget import RetargetSettings
from engine.geometry import assumed_camera
from engine.people import People
from engine.types import Frame


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("engine.people.user_data_folder", lambda: tmp_path)
    return tmp_path


def test_people_are_listed_shown_renamed_and_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    gain = np.ones(52)
    gain[17] = 1.5  # jawOpen
    calibration = PersonCalibration(np.zeros(52), gain)
    focal = {"cam 640x480": FocalLength(600.0, 0.03)}
    offset = RetargetSettings().usual.offset.copy()
    offset[17] = 0.25
    rest = LearntRest(offset, 60.0)
    person = StoredPerson("bo", "open", "ab", focal=focal, calibration=calibration, rest=rest)
    People().save(person)
    assert main(["person", "show", "bo"]) == 0
    shown = capsys.readouterr().out
    assert "600 px ± 3 % (cam 640x480)" in shown
    assert "jawOpen +0.00 x1.50" in shown
    assert "rest            jawOpen 0.25\n" in shown
    assert main(["person", "rename", "bo", "cy"]) == 0
    capsys.readouterr()
    assert main(["person", "list"]) == 0
    assert capsys.readouterr().out == "cy\n"
    assert main(["person", "forget", "cy"]) == 0
    assert main(["person", "show", "cy"]) == USER_ERROR
    assert "known are nobody yet" in capsys.readouterr().err


@pytest.mark.parametrize("board", ["9", "9x", "ax6", "9x2", "9-6"])
def test_an_impossible_board_is_refused(board: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "camera", "--source", "demo", "--board", board]) == USER_ERROR
    assert "COLUMNSxROWS" in capsys.readouterr().err


def test_the_source_is_let_go_and_the_hint_names_what_is_missing() -> None:
    class Wall:
        name, live, frame_rate = "wall", True, 30.0
        camera, closed, taken = assumed_camera(64, 48), False, 0

        def take(self) -> Frame | None:
            self.taken += 1
            if self.closed or self.taken > 20:
                return None
            return Frame(np.full((48, 64, 3), 90, np.uint8), self.taken, self.taken * 300_000_000)

        def close(self) -> None:
            self.closed = True

    wall = Wall()
    views = calibrate.collected(wall, Board(9, 6, 0.025), 10)
    assert (len(views), wall.closed) == (0, True)
    covered = [[True] * 3, [True, False, True], [True, True, False]]
    assert calibrate.hint(covered) == "not yet seen in: middle centre, bottom right"
