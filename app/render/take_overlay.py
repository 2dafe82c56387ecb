"""A video with the fitted mesh over the picture, and the take's sound: H.264 and AAC in MP4.

Frames have their capture times, unless a rate is asked for. Nothing is drawn over a lost face.
"""

from __future__ import annotations

from pathlib import Path

from app.render.overlay_video import OverlayWriter
from engine import clock
from engine.errors import OutputError, TakeError
from engine.export._film import pictures, sound
from engine.export._job import Job
from engine.export._series import series
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.recording.replay import Replay
from engine.types import Frame

SUFFIX = ".mp4"


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the video. Raises TakeError if the take has no film, or there is no OpenGL."""
    found, replay = series(take, job.rate), Replay(take, head)
    writer: OverlayWriter | None = None
    try:
        for number, image in enumerate(pictures(take, found)):
            if writer is None:
                height, width = image.shape[:2]
                rate = float(found.exact_rate)
                writer = OverlayWriter(destination, (width, height), rate, head, sound=sound(take))
            at_ns = round(float(found.seconds[number]) * clock.NS_PER_S)
            result = replay.result(int(found.row[number]), at_ns)
            writer.write(Frame(image, number, at_ns), result)
            job.progress((number + 1) / len(found))
        if writer is not None:
            writer.close()
            writer = None
    except OutputError as error:
        raise TakeError(str(error)) from error
    finally:
        if writer is not None:
            writer.drop()
