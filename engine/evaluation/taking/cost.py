"""What recording adds to the tracker's time of a frame: the demo at 1280x720, paced, by turns."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from engine.capture.sources.demo import CLIP
from engine.config import Config, TrackerConfig, source_choice
from engine.graph import Recorder, RecorderMaker
from engine.recording.settings import RecordSettings, SoundSettings
from engine.session import Session
from engine.status import State
from engine.types import Frame, TrackResult

SIZE_PX = (1280, 720)
_SETTLED = 15  # frames before it counts


class _Probe:
    """A Recorder that keeps how long the tracker took for every frame."""

    def __init__(self) -> None:
        self.taken_ms: list[float] = []

    def write(self, frame: Frame, result: TrackResult) -> None:
        """Take note of one."""
        self.taken_ms.append(sum(result.stage_ns.values()) / 1e6)

    def close(self) -> None:
        """Nothing to finish."""

    def maker(self) -> RecorderMaker:
        """Return what a session wants."""

        def make(_source: object) -> Recorder:
            return self

        return make


def by_turns(tracker: TrackerConfig, rounds: int) -> dict[str, float]:
    """Return the median time of a frame without and with recording, ms, and their ratio."""
    taken: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as name:
        clip = _enlarged(Path(name) / "demo720.mkv")
        for number in range(rounds):
            for recording in (False, True):
                folder = Path(name) / f"takes{number}"
                taken[recording] += _once(clip, tracker, folder if recording else None)
    idle, busy = float(np.median(taken[False])), float(np.median(taken[True]))
    return {"without_ms": idle, "with_ms": busy, "ratio": busy / idle}


def _once(clip: Path, tracker: TrackerConfig, takes: Path | None) -> list[float]:
    probe = _Probe()
    config = Config(
        source=source_choice("video_file", path=str(clip), paced=True),
        tracker=tracker,
        recording=RecordSettings(folder=str(takes), pre_roll_s=0.0),
        sound=SoundSettings(on=False),
    )
    with Session(config, recorders=[("probe", probe.maker())]) as session:
        status = session.status()
        begun = False
        while status.state in (State.STARTING, State.RUNNING):
            if takes is not None and not begun and status.state is State.RUNNING:
                session.studio.begin("cost")
                begun = True
            time.sleep(0.02)
            status = session.status()
        if status.error is not None:
            raise status.error
    return probe.taken_ms[_SETTLED:]


def _enlarged(path: Path) -> Path:
    """Write the demo at SIZE_PX: its picture in the middle, enlarged."""
    width, height = SIZE_PX
    with av.open(str(CLIP)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream("libx264", rate=30, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(old.decode(video=0)):
            image = frame.to_ndarray(format="rgb24")
            scale = height / image.shape[0]
            large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            canvas = np.zeros((height, width, 3), np.uint8)
            left = (width - large.shape[1]) // 2
            canvas[:, left : left + large.shape[1]] = large
            shown = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            shown.pts = number
            new.mux(stream.encode(shown))
        new.mux(stream.encode(None))
    return path
