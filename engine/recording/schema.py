"""The columns of tracking.arrows. V vertices of the head model.

A frame without a face has NaN. Shapes that the fit splits into left and right are whole in
`expression`; `blendshape_sides` has their halves in the order of SIDE_NAMES. Positions are float32:
half precision would round a pixel coordinate of 640 to half pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.fit.sides import halves, merged
from engine.types import BLENDSHAPE_NAMES, SIDE_NAMES, TrackResult

Values = NDArray[Any]

# Name, shape of one frame's values (V for the number of vertices), type.
_Shape = tuple[int | str, ...]
VALUE_COLUMNS: dict[str, tuple[_Shape, type[np.generic]]] = {
    "camera_from_head": ((4, 4), np.float64),
    "intrinsics": ((3, 3), np.float64),
    "expression": ((len(BLENDSHAPE_NAMES),), np.float32),
    "gaze": ((2, 2), np.float32),
    "neck": ((3,), np.float32),
    "blendshapes": ((len(BLENDSHAPE_NAMES),), np.float32),
    "blendshape_sides": ((len(SIDE_NAMES),), np.float32),
    "expression_sides": ((len(SIDE_NAMES),), np.float32),
    "readings": ((len(BLENDSHAPE_NAMES),), np.float32),
    "pose_sd": ((6,), np.float32),
    "expression_sd": ((len(BLENDSHAPE_NAMES),), np.float32),
    "gaze_sd": ((2, 2), np.float32),
    "neck_sd": ((3,), np.float32),
    "blendshapes_sd": ((len(BLENDSHAPE_NAMES),), np.float32),
    "blendshapes_measured": ((len(BLENDSHAPE_NAMES),), np.float32),  # before the user's tuning
    "points_px": (("V", 2), np.float32),
    "visible": (("V",), np.uint8),
    "alignment_px": (("V", 2), np.float32),
    "sigma_px": (("V",), np.float32),
    "rms_px": ((), np.float32),
}


# Columns that takes of older programs lack: those of the first, and what came later.
ADDED: tuple[tuple[str, ...], ...] = (
    ("blendshape_sides", "pose_sd", "expression_sd", "gaze_sd", "neck_sd", "blendshapes_sd"),
    ("expression_sides", "readings", "blendshapes_measured"),
)


def shapes(vertices: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of one frame's values, by column."""
    return {
        name: tuple(vertices if size == "V" else int(size) for size in shape)
        for name, (shape, _) in VALUE_COLUMNS.items()
    }


def schema(vertices: int, *, age: int = 0) -> pa.Schema:
    """Return the Arrow schema.

    age  0 for the present one; n for takes of programs that lack the last n groups of ADDED
    """
    lacking = {name for group in ADDED[len(ADDED) - age :] for name in group} if age else set[str]()
    fields = [
        pa.field("frame_index", pa.int64()),
        pa.field("captured_ns", pa.int64()),
        pa.field("finished_ns", pa.int64()),
        pa.field("status", pa.string()),
        pa.field("stage_ns", pa.map_(pa.string(), pa.int64())),
        pa.field("identity", pa.list_(pa.float32())),  # coefficients; empty where unchanged
    ]
    for name, shape in shapes(vertices).items():
        if name in lacking:
            continue
        size = int(np.prod(shape))
        fields.append(pa.field(name, pa.list_(_arrow_type(name), size)))
    return pa.schema(fields)


def values(result: TrackResult, visible: Callable[[], Values], vertices: int) -> dict[str, Values]:
    """Return one frame's values by column, NaN (visible: 0) where there is none.

    visible  tells which vertices (V,) face the camera; called only if there is a face
    """
    row = {name: _absent(name, shape) for name, shape in shapes(vertices).items()}
    if result.camera is not None:
        row["intrinsics"] = result.camera.intrinsics
    if result.head is not None:
        head = result.head
        row |= {
            "camera_from_head": head.camera_from_head,
            "expression": merged(head.expression),
            "gaze": head.gaze,
            "neck": head.neck,
            "points_px": head.points_px,
            "visible": visible(),
            "rms_px": np.array(head.rms_px),
        }
        sides = halves(head.expression)
        if sides is not None:
            row["expression_sides"] = sides
        if head.deviations is not None:
            sd = head.deviations
            row |= {
                "pose_sd": sd.pose,
                "expression_sd": merged(sd.expression),
                "gaze_sd": sd.gaze,
                "neck_sd": sd.neck,
            }
    if result.blendshapes is not None:
        row["blendshapes"] = result.blendshapes.weights
        if result.blendshapes.sides is not None:
            row["blendshape_sides"] = result.blendshapes.sides
        if result.blendshapes.sd is not None:
            row["blendshapes_sd"] = result.blendshapes.sd
    if result.untuned is not None:
        row["blendshapes_measured"] = result.untuned.weights
    if result.readings is not None:
        row["readings"] = result.readings
    if result.alignment is not None:
        alignment = result.alignment
        row["alignment_px"][alignment.anchors] = alignment.points_px
        row["sigma_px"][alignment.anchors] = alignment.sigma_px
    return row


def column(name: str, rows: Sequence[Values], shape: tuple[int, ...]) -> pa.Array:
    """Turn one column's values of several frames into Arrow's form.

    Raises ValueError if a value has not the shape that the column needs.
    """
    for row in rows:
        if row.shape != shape:
            raise ValueError(f"{name}: needs shape {shape}, got {row.shape}")
    flat = np.stack(rows).astype(VALUE_COLUMNS[name][1], copy=False).ravel()
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), int(np.prod(shape)))


def array(column: pa.ChunkedArray | pa.Array, shape: tuple[int, ...]) -> Values:
    """Turn a column of T frames back into values (T, *shape)."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in chunks]
    flat = np.concatenate(parts) if parts else np.zeros(0)
    return flat.reshape(-1, *shape)


def _arrow_type(name: str) -> pa.DataType:
    return pa.from_numpy_dtype(VALUE_COLUMNS[name][1])


def _absent(name: str, shape: tuple[int, ...]) -> Values:
    kind = VALUE_COLUMNS[name][1]
    return np.zeros(shape, kind) if kind is np.uint8 else np.full(shape, np.nan, kind)
