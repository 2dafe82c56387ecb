"""Makes the pictures of README and user guide from the running program.

    python packaging/screenshots.py [--source demo|FILE] [--after SECONDS] [--out docs]
    python packaging/screenshots.py --check FOLDER    every page, at both sizes, light and dark

Needs a screen; on a machine without one: xvfb-run -s "-screen 0 1920x1200x24" python ...
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QDialog

from app.choices import live_source
from app.first_steps import DONE
from app.main_window import MainWindow
from app.pages.takes import TakesPage
from app.panels.output_card import OutputCard
from app.render.look import Look, Mode
from app.render.offscreen import Canvas, create_context
from app.render.scene import Scene
from app.status_text import Light
from app.style import Theme
from app.window import run_window
from engine import assembly
from engine.config import Config, TrackerConfig, output_choice
from engine.fit.heads import HeadModel
from engine.recording.settings import RecordSettings, SoundSettings
from engine.types import Frame, Status, TrackResult

_PANEL_WIDTH_PX = 640
_LOOKS = (Look(Mode.WIRE, 0.8), Look(Mode.SHADED, 0.85), Look(Mode.UNCERTAINTY, 0.6))
_POLL_MS, _SETTLING_MS = 50, 1500
_SMALL, _LARGE = (1280, 800), (1920, 1080)
_JPEG_QUALITY = 88  # the guide's pictures; README's is a PNG


@dataclass(frozen=True)
class Shot:
    """A picture of the window.

    prepare  brings the window into the state to be shown; a dialog it returns is shown instead
    """

    file: str
    prepare: Callable[[MainWindow], QDialog | None]
    size: tuple[int, int] = _SMALL
    theme: Theme = Theme.DARK
    settling_ms: int = _SETTLING_MS


def main() -> int:
    """Run the program, take the pictures, close it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", default="demo")
    parser.add_argument("--after", type=float, default=4.0, help="seconds of tracking")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="every page into this folder")
    args = parser.parse_args()
    (args.check or args.out).mkdir(parents=True, exist_ok=True)
    newest: list[tuple[Frame, TrackResult]] = []

    def keep(frame: Frame, result: TrackResult) -> None:
        if result.status is Status.TRACKING:
            newest[:] = [(frame, result)]

    def opened(window: MainWindow) -> None:
        window.bridge.tracked.connect(keep)
        shots = _every_page(window, args.check) if args.check else _guide(args.out)
        start = lambda: _shoot(window, iter(shots))  # noqa: E731
        _when_tracking(window, lambda: QTimer.singleShot(round(1000 * args.after), window, start))

    with (
        tempfile.TemporaryDirectory() as folder,  # leaves the user's own settings alone
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        vmc = output_choice("vmc", port=receiver.getsockname()[1], name="VSeeFace")
        config = Config(
            live_source(args.source, loop=True),
            outputs=(vmc,),
            recording=RecordSettings(folder=f"{folder}/takes"),
            sound=SoundSettings(on=False),
        )
        memory = QSettings(f"{folder}/memory.ini", QSettings.Format.IniFormat)
        memory.setValue(DONE, True)
        status = run_window(
            config, settings_path=Path(folder) / "config.yaml", memory=memory, opened=opened
        )
    if newest and not args.check:
        head = assembly.load_head(TrackerConfig().head)
        _write(args.out / "overlay.png", _looks(head, *newest[0]))
    return status


def _page(name: str) -> Callable[[MainWindow], None]:
    return lambda window: window.show_page(name)


def _guide(out: Path) -> list[Shot]:
    def first_steps(window: MainWindow) -> None:
        window.first_steps.begin()

    def outputs(window: MainWindow) -> None:
        window.first_steps.end()
        window.show_page("outputs")
        for card in window.findChildren(OutputCard)[:1]:
            card.more.setChecked(True)

    def recording(window: MainWindow) -> None:
        window.show_page("takes")
        window.findChild(TakesPage).recorder.toggle()

    def playing(window: MainWindow) -> None:
        page = window.findChild(TakesPage)
        page.recorder.finished.connect(page.play)
        page.shelf.changed.connect(lambda: page.takes.list.setCurrentRow(0))
        page.recorder.toggle()

    return [
        Shot(f"{out}/window.png", _page("camera")),
        Shot(f"{out}/guide_camera.jpg", _page("camera"), theme=Theme.LIGHT),
        Shot(f"{out}/guide_first_steps.jpg", first_steps),
        Shot(f"{out}/guide_outputs.jpg", outputs),
        Shot(f"{out}/guide_shapes.jpg", _page("shapes")),
        Shot(f"{out}/guide_performance.jpg", _page("performance")),
        Shot(f"{out}/guide_hotkeys.jpg", lambda window: window.menus.show_hotkeys()),
        Shot(f"{out}/guide_recording.jpg", recording, settling_ms=3500),
        Shot(f"{out}/guide_takes.jpg", playing, theme=Theme.LIGHT, settling_ms=4500),
    ]


def _every_page(window: MainWindow, out: Path) -> list[Shot]:
    sides = [name for name in window.pages if window.side.has(name)]
    return [
        Shot(f"{out}/{name}_{size[0]}_{theme.value}.png", _page(name), size, theme)
        for theme in (Theme.DARK, Theme.LIGHT)
        for size in (_SMALL, _LARGE)
        for name in sides
    ]


def _when_tracking(window: MainWindow, then: Callable[[], None]) -> None:
    if window.tracking.light is Light.GREEN:
        then()
    else:
        QTimer.singleShot(_POLL_MS, window, lambda: _when_tracking(window, then))


def _shoot(window: MainWindow, shots: Iterator[Shot]) -> None:
    """Take the next picture once the window has settled, then those after it."""
    shot = next(shots, None)
    if shot is None:
        window.close()
        return
    window.menus.set_theme(shot.theme)
    window.resize(*shot.size)
    dialog = shot.prepare(window)

    def take() -> None:
        picture = (dialog or window).grab()
        quality = _JPEG_QUALITY if shot.file.endswith("jpg") else -1
        if not picture.save(shot.file, quality=quality):
            sys.stderr.write(f"{shot.file}: cannot be written\n")
        if dialog is not None:
            dialog.close()
        _shoot(window, shots)

    QTimer.singleShot(shot.settling_ms, window, take)


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
