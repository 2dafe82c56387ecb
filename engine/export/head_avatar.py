"""A data set for head avatars in the layout that INSTA reads from a FLAME tracker: a folder.

::

    images/00000.png               the pictures
    masks/00000.png                white where the fitted mesh lies: no hair, no shoulders
    meshes/00000.obj, canonical.obj   fitted meshes in head space; the neutral one
    flame/exp/00000.txt            expression coefficients of our head model, not of FLAME
    transforms.json, transforms_train.json, _val.json, _test.json

Cameras are those of NeRF: `transform_matrix` is head_from_camera with OpenGL's camera axes, metres.
Only frames with a face are in it; the last tenth is the test, the tenth before it the validation.
INSTA's own scripts cut out the background by the picture; the masks here are the mesh's silhouette.

Source: Zielonka et al., Instant Volumetric Head Avatars, 2023, and the transforms.json of its data.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import TakeError
from engine.export._film import pictures
from engine.export._job import Job, whole_folder
from engine.export._rig import rig
from engine.export._series import Series, only, series
from engine.export._wavefront import obj_text
from engine.export.point_cache import posed_frames
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.types import Array

SUFFIX = ""  # a folder
_HELD_OUT = 0.1
_SUBPIXEL_BITS = 4
_SUBPIXEL = 2**_SUBPIXEL_BITS
_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenCV's camera axes and OpenGL's


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the folder. Raises TakeError if it exists, or the take has no film."""
    every = series(take, job.rate)
    found = only(every, np.flatnonzero(every.tracked))
    mesh = rig(take, head)
    frames: list[dict[str, Any]] = []
    with whole_folder(destination) as folder:
        for name in ("images", "masks", "meshes", "flame/exp"):
            (folder / name).mkdir(parents=True)
        (folder / "canonical.obj").write_text(obj_text(mesh.neutral, mesh.triangles, mesh.uv))
        posed = posed_frames(take, head, found)
        for number, image in enumerate(pictures(take, found)):
            name = f"{number:05d}"
            row = found.row[number]
            mask = silhouette(take.values["points_px"][row], head.triangles, image.shape[:2])
            for path, drawn in (
                (f"images/{name}.png", image[..., ::-1]),
                (f"masks/{name}.png", mask),
            ):
                if not cv2.imwrite(str(folder / path), drawn):
                    raise TakeError(f"{destination}: pictures cannot be written")
            text = obj_text(posed[number], mesh.triangles)
            (folder / f"meshes/{name}.obj").write_text(text)
            expression = take.values["expression"][row]
            np.savetxt(folder / f"flame/exp/{name}.txt", expression, fmt="%.8f")
            frames.append(_frame(found, number, name))
            job.progress((number + 1) / len(found))
        _write_transforms(folder, _camera(take), frames)


def _frame(found: Series, number: int, name: str) -> dict[str, Any]:
    opengl_camera_from_head = _FLIP @ found.camera_from_head[number] @ _FLIP
    return {
        "file_path": f"images/{name}.png",
        "mask_path": f"masks/{name}.png",
        "mesh_path": f"meshes/{name}.obj",
        "exp_path": f"flame/exp/{name}.txt",
        "transform_matrix": np.linalg.inv(opengl_camera_from_head).tolist(),
        "timestep_s": float(found.seconds[number]),
    }


def silhouette(
    points_px: Array, triangles: NDArray[np.int32], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a mask (H, W), 255 where a triangle of the mesh lies.

    points_px  (V, 2) pixels; centres of pixels lie at +0.5
    size       H, W
    """
    mask = np.zeros(size, np.uint8)
    corners = np.round((points_px[triangles] - 0.5) * _SUBPIXEL).astype(np.int32)  # (T, 3, 2)
    for triangle in corners:
        cv2.fillConvexPoly(mask, triangle, 255, shift=_SUBPIXEL_BITS)
    return mask


def _camera(take: Take) -> dict[str, Any]:
    known = take.values["intrinsics"]
    known = known[np.isfinite(known).all(axis=(1, 2))]
    if len(known) == 0:
        raise TakeError(f"{take.folder}: knows nothing of its camera")
    matrix, width, height = known[-1], take.info.width_px, take.info.height_px
    fl_x, fl_y = float(matrix[0, 0]), float(matrix[1, 1])
    return {
        "w": width,
        "h": height,
        "fl_x": fl_x,
        "fl_y": fl_y,
        "cx": float(matrix[0, 2]),
        "cy": float(matrix[1, 2]),
        "camera_angle_x": 2 * math.atan(width / (2 * fl_x)),
        "camera_angle_y": 2 * math.atan(height / (2 * fl_y)),
    }


def _write_transforms(folder: Path, camera: dict[str, Any], frames: list[dict[str, Any]]) -> None:
    held = max(1, round(_HELD_OUT * len(frames))) if len(frames) >= 3 else 0
    train = len(frames) - 2 * held
    parts = {
        "": frames,
        "_train": frames[:train],
        "_val": frames[train : train + held],
        "_test": frames[train + held :],
    }
    for name, part in parts.items():
        text = json.dumps({**camera, "frames": part}, indent=1)
        (folder / f"transforms{name}.json").write_text(text + "\n", encoding="utf-8")
