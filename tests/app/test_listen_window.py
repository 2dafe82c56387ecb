"""The window of `flowface listen --plot`, on a real port."""

from __future__ import annotations

import os
import socket
import struct
import time

import pytest
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
    if picture := os.environ.get("PICTURE"):
        window.grab().save(picture)
    window.close()
    door.release()
