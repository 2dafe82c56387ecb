"""Makes docs/window.png and docs/overlay.png from the running program.

    python packaging/screenshots.py [--source demo|FILE] [--after SECONDS] [--out docs]

Needs a screen; on a machine without one: xvfb-run -s "-screen 0 1600x1000x24" python ...
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSettings, QTimer

from app.choices import live_source
from app.main_window import MainWindow
from app.render.look import Look, Mode
from app.render.offscreen import Canvas, create_context
from app.render.scene import Scene
from app.window import run_window
from engine import assembly
from engine.config import Config, TrackerConfig, output_choice
from engine.fit.heads import HeadModel
from engine.types import Frame, Status, TrackResult

_PANEL_WIDTH_PX = 640
_LOOKS = (Look(Mode.WIRE, 0.8), Look(Mode.SHADED, 0.85), Look(Mode.UNCERTAINTY, 0.6))
_POLL_MS = 50


def main() -> int:
    """Run the program, take both pictures, close it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="demo")
    parser.add_argument("--after", type=float, default=4.0, help="seconds of tracking")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    args = parser.parse_args()
    newest: list[tuple[Frame, TrackResult]] = []

    def keep(frame: Frame, result: TrackResult) -> None:
        if result.status is Status.TRACKING:
            newest[:] = [(frame, result)]

    def opened(window: MainWindow) -> None:
        window.bridge.tracked.connect(keep)
        _when_tracking(window, lambda: _later(window, args.after, args.out / "window.png"))

    with (
        tempfile.TemporaryDirectory() as folder,  # leaves the user's own settings alone
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        vmc = output_choice("vmc", port=receiver.getsockname()[1])
        config = Config(live_source(args.source, loop=True), outputs=(vmc,))
        memory = QSettings(f"{folder}/memory.ini", QSettings.Format.IniFormat)
        status = run_window(
            config, settings_path=Path(folder) / "config.yaml", memory=memory, opened=opened
        )
    if newest:
        head = assembly.load_head(TrackerConfig().head)
        _write(args.out / "overlay.png", _looks(head, *newest[0]))
    return status


def _when_tracking(window: MainWindow, then: Callable[[], None]) -> None:
    if window.tracking.title.text() == "Face found":
        then()
    else:
        QTimer.singleShot(_POLL_MS, window, lambda: _when_tracking(window, then))


def _later(window: MainWindow, after_s: float, path: Path) -> None:
    def shoot() -> None:
        window.grab().save(str(path))
        window.close()

    QTimer.singleShot(round(1000 * after_s), window, shoot)


def _looks(head: HeadModel, frame: Frame, result: TrackResult) -> NDArray[np.uint8]:
    """Return the same frame in every look, side by side."""
    height, width = frame.image.shape[:2]
    size_px = (_PANEL_WIDTH_PX, round(_PANEL_WIDTH_PX * height / width))
    context = create_context()
    scene, canvas = Scene(context, head), Canvas(context, size_px)
    scene.show(frame.image, result)
    panels = []
    for look in _LOOKS:
        scene.draw(canvas.target, size_px, look)
        panels.append(canvas.read())
    scene.release()
    canvas.release()
    context.release()
    return np.concatenate(panels, axis=1)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    sys.exit(main())
