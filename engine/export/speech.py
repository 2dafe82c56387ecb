"""Vertices with sound, in VOCASET's layout as speech-driven animation is trained on it: a folder.

::

    vertices_npy/<subject>_sentence<take:02d>.npy   (T, 3 V) float32, metres, at 30 a second
    wav/<subject>_sentence<take:02d>.wav            the same seconds, 16 bits
    templates.pkl                                   {subject: (V, 3)}
    templates/<subject>.obj

Heads stand still, as VOCASET's do; the mesh is this program's, not FLAME's. The subject is
the slate.

Source: Cudeiro et al., VOCA, 2019; the layout that FaceFormer's and CodeTalker's preparation makes.
"""

from __future__ import annotations

import pickle
import wave
from pathlib import Path

import numpy as np

from engine.errors import TakeError
from engine.export._film import sound
from engine.export._job import Job, whole_folder
from engine.export._rig import rig
from engine.export._series import bridged, series
from engine.export._wavefront import obj_text
from engine.export.point_cache import posed_frames
from engine.fit.heads import HeadModel
from engine.recording.reader import Take

SUFFIX = ""  # a folder
DEFAULT_RATE = "30"


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the folder. Raises TakeError if it exists, or the take has no sound."""
    heard = sound(take)
    if heard is None:
        raise TakeError(f"{take.folder}: has no sound; this format needs it")
    found = bridged(series(take, job.rate or DEFAULT_RATE))
    mesh = rig(take, head)
    subject = (take.info.slate or "take").replace("_", "-")
    name = f"{subject}_sentence{max(take.info.take, 1):02d}"
    with whole_folder(destination) as folder:
        for part in ("vertices_npy", "wav", "templates"):
            (folder / part).mkdir()
        posed = np.stack(posed_frames(take, head, found)).astype(np.float32)
        np.save(folder / "vertices_npy" / f"{name}.npy", posed.reshape(len(posed), -1))
        job.progress(0.8)
        samples = round(len(found) * heard.rate / float(found.exact_rate))
        mono = heard.samples[:samples].mean(axis=1).round().astype("<i2")
        with wave.open(str(folder / "wav" / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(heard.rate)
            file.writeframes(mono.tobytes())
        # A pickle because every reader of this layout wants one; it is written, never read.
        with (folder / "templates.pkl").open("wb") as file:
            pickle.dump({subject: mesh.neutral.astype(np.float64)}, file, protocol=2)
        text = obj_text(mesh.neutral, mesh.triangles)
        (folder / "templates" / f"{subject}.obj").write_text(text, encoding="ascii")
    job.progress(1.0)
