"""Biovision BVH: bones of head, neck and eyes, in centimetres and degrees; no shapes.

Y is up and the face looks along +z. The root is the head, which moves before the camera; over
a lost face the bones go from the last pose to the next, since a BVH has every frame.

Source: the format as described by the University of Wisconsin, Biovision BVH; channels in the order
Zrotation Xrotation Yrotation, applied from the left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from engine.export._job import Job, whole_file
from engine.export._rig import BONES, motion, rig
from engine.export._series import bridged, series
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.types import Array

SUFFIX = ".bvh"
_CM = 100.0
_TIP_CM = {"Neck": (0.0, -8.0, 0.0), "LeftEye": (0.0, 0.0, 2.0), "RightEye": (0.0, 0.0, 2.0)}


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the file. Raises TakeError if the destination cannot be written."""
    own = series(take, job.rate)
    found = bridged(series(take, job.rate or own.rate))  # a BVH has one frame time
    bones, moved = rig(take, head).bones * _CM, motion(found)
    turned = (moved.head, moved.neck, moved.left_eye, moved.right_eye)
    rows = np.concatenate([moved.place * _CM, *map(_degrees, turned)], axis=1)
    lines = ["HIERARCHY", *_hierarchy(bones), "MOTION", f"Frames: {len(rows)}"]
    lines.append(f"Frame Time: {1.0 / float(found.exact_rate):.9f}")
    lines += [" ".join(f"{value:.6f}" for value in row) for row in rows]
    with whole_file(destination) as path:
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
    job.progress(1.0)


def _hierarchy(bones: Array) -> list[str]:
    turns = "Zrotation Xrotation Yrotation"
    lines = ["ROOT Head", "{", "  OFFSET 0.000000 0.000000 0.000000"]
    lines.append(f"  CHANNELS 6 Xposition Yposition Zposition {turns}")
    for index, name in enumerate(BONES[1:], start=1):
        lines += [f"  JOINT {name}", "  {", f"    OFFSET {_numbers(bones[index])}"]
        lines += [f"    CHANNELS 3 {turns}", "    End Site", "    {"]
        lines += [f"      OFFSET {_numbers(_TIP_CM[name])}", "    }", "  }"]
    return [*lines, "}"]


def _degrees(quaternions: Array) -> Array:
    """Return Z, X, Y angles (N, 3) in degrees, continuous from frame to frame."""
    angles = Rotation.from_quat(quaternions).as_euler("ZXY")
    return np.rad2deg(np.unwrap(angles, axis=0))


def _numbers(values: Array | tuple[float, ...]) -> str:
    return " ".join(f"{float(value):.6f}" for value in values)
