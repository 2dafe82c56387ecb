"""NumPy arrays (.npz): everything that was measured, by name. T frames, V vertices, F triangles.

Pixels are those of the file as stored, and the camera is the one that took it so: a phone's video
that is shown upright but stored lying is exported lying (`quarter_turns` set it upright).

=======================  ==============  ==========================================================
points_px                [T, V, 2]       projected fit, pixels of the video; NaN where lost
alignment_px, sigma_px   [T, V, 2], [T, V]  what the network saw, and its standard deviation
visible                  [T, V] bool     vertices whose normal faces the camera
triangles, regions       [F, 3], [V]     the mesh; the name of every vertex' region
landmarks_px             [T, 478, 2]     MediaPipe's points, read off points_px
alignment_landmarks_px   [T, 478, 2]     the same, read off alignment_px
status, captured_ns      [T]             tracking, searching or lost; monotonic clock
frame_index              [T]             the source's own count
timings_ms, stage_names  [T, S], [S]     time by stage; NaN where a stage was not needed
blendshapes, blendshape_names  [T, 52], [52]
blendshape_sides, blendshape_side_names  [T, 4], [4]  left and right of shapes that ARKit has once
camera_from_head, gaze   [T, 4, 4], [T, 2, 2]  metres; radians (left, right) x (yaw, pitch)
pose_sd, gaze_sd, blendshapes_sd  [T, 6], [T, 2, 2], [T, 52]  standard deviations; the pose's of
                                         rotation (rad) and shift (m) in the camera's axes
intrinsics               [3, 3]          as known at the end of the take, pixels
frame_intrinsics         [T, 3, 3]       as in force when each frame was fitted
quarter_turns            []              counter-clockwise, from the stored to the upright picture
=======================  ==============  ==========================================================
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine import clock
from engine.capture.orientation import stored_from_upright, turned_camera
from engine.errors import TakeError
from engine.export._job import Job, whole_file
from engine.fit.heads import HeadModel
from engine.geometry import transform_points
from engine.recording.reader import Take
from engine.recording.schema import Values
from engine.types import BLENDSHAPE_NAMES, SIDE_NAMES, Array

SUFFIX = ".npz"


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the arrays. Raises TakeError if the destination cannot be written, or for a rate."""
    if job.rate is not None:
        raise TakeError("arrays: are what was measured, at the capture times; no rate is possible")
    with whole_file(destination) as path, path.open("wb") as file:
        np.savez(file, **arrays(take, head))  # pyright: ignore[reportArgumentType]
    job.progress(1.0)


def arrays(take: Take, head: HeadModel) -> dict[str, Values]:
    """Return the arrays by name."""
    values = _as_stored(take)
    stage_names, timings_ms = _timings(take)
    return {
        "points_px": values["points_px"],
        "alignment_px": values["alignment_px"],
        "sigma_px": values["sigma_px"],
        "visible": values["visible"].astype(bool),
        "triangles": head.triangles,
        "regions": np.array(head.region_names)[head.region],
        "landmarks_px": landmarks(head, values["points_px"]),
        "alignment_landmarks_px": landmarks(head, values["alignment_px"]),
        "status": take.status,
        "captured_ns": take.captured_ns,
        "frame_index": take.frame_index,
        "timings_ms": timings_ms,
        "stage_names": stage_names,
        "blendshapes": values["blendshapes"],
        "blendshape_names": np.array(BLENDSHAPE_NAMES),
        "blendshape_sides": values["blendshape_sides"],
        "blendshape_side_names": np.array(SIDE_NAMES),
        "camera_from_head": values["camera_from_head"],
        "gaze": values["gaze"],
        **{name: values[name] for name in ("pose_sd", "gaze_sd", "blendshapes_sd")},
        "intrinsics": _last_known(values["intrinsics"]),
        "frame_intrinsics": values["intrinsics"],
        "quarter_turns": np.array(take.info.quarter_turns),
    }


def _as_stored(take: Take) -> dict[str, Values]:
    """Return the take's values with pixels and camera of the stored picture."""
    info, values = take.info, dict(take.values)
    stored = stored_from_upright(info.quarter_turns, (info.width_px, info.height_px))
    for name in ("points_px", "alignment_px"):
        values[name] = transform_points(stored, values[name]).astype(values[name].dtype)
    values["intrinsics"], values["camera_from_head"] = turned_camera(
        stored, values["intrinsics"], values["camera_from_head"]
    )
    if info.quarter_turns % 2:  # the camera's x and y have changed places
        values["pose_sd"] = values["pose_sd"][:, [1, 0, 2, 4, 3, 5]]
    return values


def landmarks(head: HeadModel, points: Array) -> Array:
    """Read the 478 MediaPipe landmarks (T, 478, 2) off positions (T, V, 2)."""
    weights = head.landmark_weights.astype(points.dtype)
    # Corner by corner: one frame's gathered corners are small, a whole take's are not.
    result = np.zeros((len(points), len(weights), 2), points.dtype)
    for corner in range(3):
        result += weights[:, corner, None] * points[:, head.landmark_triangles[:, corner]]
    return result


def _timings(take: Take) -> tuple[Values, Values]:
    names = list(dict.fromkeys(name for stages in take.stage_ns for name in stages))
    rows = [[stages.get(name, np.nan) for name in names] for stages in take.stage_ns]
    timings_ns = np.array(rows, np.float64).reshape(len(rows), len(names))
    return np.array(names, np.str_), timings_ns / clock.NS_PER_MS


def _last_known(intrinsics: Array) -> Array:
    known = intrinsics[np.isfinite(intrinsics).all(axis=(1, 2))]
    return known[-1] if len(known) else np.full((3, 3), np.nan)
