"""`flowface bench speed`: how fast, how late, and against MediaPipe FaceMesh in the same run."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import av
import cv2
import numpy as np

from engine.assembly import TrackerMaker
from engine.config import Config, TrackerConfig, output_choice, source_choice
from engine.errors import TrackingError
from engine.evaluation.datasets import clips
from engine.evaluation.rivals.run import run_program
from engine.evaluation.tracks import STAGES
from engine.geometry import assumed_camera
from engine.session import Session
from engine.status import SessionStatus, State
from engine.types import Array, Frame, Status

SIZE_PX = (640, 480)
RATE = 30  # frames a second of the paced source
CLIP = "clm_cap12"  # a talking head, 400x300: the same aspect, enlarged
ROUNDS = 3
_POLL_S = 0.02
_LONGEST_PACKET = 2048
_LAST_IN_FRAME = b"/VMC/Ext/Blend/Apply"


@contextmanager
def timing_video(folder: Path, limit: int | None) -> Generator[Path]:
    """Write the 640x480 clip that everybody is timed on, and remove it afterwards."""
    (clip,) = clips.find(folder, [CLIP])
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "timing.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=RATE)
            stream.width, stream.height = SIZE_PX
            stream.pix_fmt, stream.options = "yuv420p", {"crf": "16", "preset": "veryfast"}
            for frame in clips.frames(clip.path, limit):
                large = cv2.resize(frame.image, SIZE_PX, interpolation=cv2.INTER_CUBIC)
                picture = av.VideoFrame.from_ndarray(np.asarray(large, np.uint8), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        yield path


def time_tracker(video: Path, maker: TrackerMaker, config: TrackerConfig) -> tuple[Array, Array]:
    """Return ms of every Tracker.step that tracked, (T,), and by stage, (T, stages)."""
    frames: list[Frame] = list(clips.frames(video))
    tracker = maker(config, assumed_camera(*SIZE_PX))
    steps: list[float] = []
    stages: list[list[float]] = []
    for frame in frames:
        start_ns = perf_counter_ns()
        result = tracker.step(frame)
        spent_ms = (perf_counter_ns() - start_ns) / 1e6
        if result.status is Status.TRACKING:
            steps.append(spent_ms)
            stages.append([result.stage_ns.get(stage, 0) / 1e6 for stage in STAGES])
    if not steps:
        raise TrackingError(f"{CLIP}: the tracker follows no face in it, so there is no speed")
    return np.array(steps), np.array(stages)


def time_rival(video: Path, python: Path, tool: Path) -> Array:
    """Return ms of every process() call of MediaPipe FaceMesh, (T,), in its own environment.

    Raises AssetError if the environment or the tool does not run.
    """
    out = video.with_suffix(".rival.npz")
    run_program(python, tool, str(video), "--out", str(out))
    with np.load(out, allow_pickle=False) as file:
        return file["ms"].astype(np.float64)


def _figures(ms: Array) -> dict[str, float]:
    return {
        "frames_per_second": float(1e3 / ms.mean()),
        "median_ms": float(np.median(ms)),
        "p95_ms": float(np.percentile(ms, 95)),
    }


def latency(video: Path, maker: TrackerMaker, config: TrackerConfig) -> dict[str, Any]:
    """Measure from the driver's hand-over until the last packet is sent, in a real session.

    The video plays at its own speed; the packets go to a socket on this machine that counts them.
    Raises the session's error if it ends with one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        port: int = receiver.getsockname()[1]
        session = Session(
            Config(
                source=source_choice("video_file", path=str(video), paced=True),
                tracker=config,
                outputs=(output_choice("vmc", host="127.0.0.1", port=port),),
            ),
            tracker_maker=maker,
        )
        packets = frames = 0
        with session:
            while session.status().state in (State.STARTING, State.RUNNING):
                time.sleep(_POLL_S)
                for packet in _waiting(receiver):
                    packets += 1
                    frames += _LAST_IN_FRAME in packet
        for packet in _waiting(receiver):
            packets += 1
            frames += _LAST_IN_FRAME in packet
    status = session.status()  # after the stop, which drains what was under way
    if status.error is not None:
        raise status.error
    return {**_session_figures(status), "packets_received": packets, "frames_received": frames}


def _waiting(receiver: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield receiver.recv(_LONGEST_PACKET)
        except BlockingIOError:
            return


def _session_figures(status: SessionStatus) -> dict[str, Any]:
    (sink,) = status.sinks
    return {
        "capture_to_osc": asdict(sink.latency),
        "capture_to_result": asdict(status.tracker_latency),
        "captured": status.captured,
        "processed": status.processed,
        "tracked": status.tracked,
        "sent": sink.sent,
        "dropped_by_camera": status.dropped_by_camera,
        "dropped_by_tracker": status.dropped_by_tracker,
    }


def run(
    folder: Path,
    maker: TrackerMaker,
    config: TrackerConfig,
    rival: Path | None,
    limit: int | None,
) -> dict[str, Any]:
    """Time tracker and rival by turns on one clip, then a whole session's latency.

    rival  a Python with mediapipe; no comparison if None
    """
    tool = folder.parent / "tools" / "rival_mediapipe.py"
    ours: list[Array] = []
    stages: list[Array] = []
    theirs: list[Array] = []
    with timing_video(folder, limit) as video:
        for _ in range(ROUNDS):
            if rival is not None:
                theirs.append(time_rival(video, rival, tool))
            steps, by_stage = time_tracker(video, maker, config)
            ours.append(steps)
            stages.append(by_stage)
        late = latency(video, maker, config)
    tracker = _figures(np.concatenate(ours))
    every = np.concatenate(stages)
    result: dict[str, Any] = {
        "clip": f"{CLIP} at {SIZE_PX[0]}x{SIZE_PX[1]}",
        "threads": config.threads,
        "tracker": tracker,
        "stages_median_ms": dict(
            zip(STAGES, (float(v) for v in np.median(every, axis=0)), strict=True)
        ),
        "session": late,
    }
    if theirs:
        other = _figures(np.concatenate(theirs))
        result["mediapipe"] = other
        result["ratio_to_mediapipe"] = tracker["frames_per_second"] / other["frames_per_second"]
    return result
