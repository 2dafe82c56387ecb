"""The window of `flowface listen --plot`, on a real port."""

from __future__ import annotations

import os
import socket
import struct
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.listen_window import ListenWindow
from engine.door import Door
from engine.listening.tally import Tally


@pytest.mark.window
def test_what_arrives_is_listed_and_drawn(application: QApplication) -> None:
    door = Door("test", "127.0.0.1", 0)
    window = ListenWindow(door, Tally(), "127.0.0.1")
    window.show()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for step in range(12):
            for name, value in (("jawOpen", step / 12), ("mouthLeft", 0.25)):
                address = f"/face/{name}".encode()
                address += b"\0" * (4 - len(address) % 4)
                packet = address + b",f\0\0" + struct.pack(">f", value)
                sender.sendto(packet, ("127.0.0.1", door.port))
            time.sleep(0.02)
            window.refresh()
            application.processEvents()
    assert window.drawn == ["/face/jawOpen"]
    assert "osc" in window.state.text()
    assert window.list.item(1).text().startswith("/face/mouthLeft")
    ys = window._curves["/face/jawOpen"].getData()[1]
    assert max(ys) == pytest.approx(11 / 12, abs=1e-6)
    names = [f"/face/{i}" for i in range(10)]
    window.tally.values |= dict.fromkeys(names, 0.5)
    window.refresh()
    for row in range(1, window.list.count()):
        window.list.item(row).setCheckState(Qt.CheckState.Checked)
    assert len(window.drawn) == 8
    assert len(set(window._colours.values())) == 8
    ticked = [window.list.item(i).checkState() for i in range(window.list.count())]
    assert ticked.count(Qt.CheckState.Checked) == 8  # no more than can be told apart
    window.list.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert len(window.drawn) == 7
    if picture := os.environ.get("PICTURE"):
        window.grab().save(picture)
    window.close()
    door.release()
