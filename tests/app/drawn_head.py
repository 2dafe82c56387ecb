"""A head in front of a camera, as a tracker would report it."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np

from engine.fit.heads import HeadModel
from engine.geometry import assumed_camera, rigid
from engine.types import (
    BLENDSHAPE_NAMES,
    Alignment,
    Array,
    Blendshapes,
    Camera,
    HeadState,
    Status,
    TrackResult,
)


def pose(turn_rad: float = 0.0, distance_m: float = 0.45) -> Array:
    """A head turned about the vertical, right in front of the camera."""
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    rotation = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return rigid(rotation, np.array([0.01, -0.02, distance_m]))


def projected(vertices: Array, camera_from_head: Array, camera: Camera) -> Array:
    """Pixels by OpenCV, which shares no code with ours."""
    rotation, _ = cv2.Rodrigues(camera_from_head[:3, :3])
    points, _ = cv2.projectPoints(
        vertices.astype(np.float64),
        rotation,
        camera_from_head[:3, 3],
        np.array(camera.intrinsics),
        None,
    )
    return points[:, 0].astype(np.float64)


def tracked(
    vertices: Array,
    size_px: tuple[int, int],
    camera_from_head: Array | None = None,
    sigma_px: float = 2.0,
    index: int = 0,
) -> TrackResult:
    camera = assumed_camera(*size_px)
    camera_from_head = pose() if camera_from_head is None else camera_from_head
    points = projected(vertices, camera_from_head, camera)
    state = HeadState(
        camera_from_head=camera_from_head,
        expression=np.zeros(52),
        gaze=np.zeros((2, 2)),
        neck=np.zeros(3),
        points_px=points,
        vertices=vertices.astype(np.float64),
        rms_px=1.0,
    )
    count = len(vertices)
    return TrackResult(
        frame_index=index,
        captured_ns=0,
        finished_ns=9_000_000,
        status=Status.TRACKING,
        head=state,
        blendshapes=Blendshapes(np.linspace(0, 1, len(BLENDSHAPE_NAMES))),
        alignment=Alignment(points, np.full(count, sigma_px), np.arange(count, dtype=np.int32)),
        camera=camera,
    )


def toy_head(vertices: Array, triangles: list[tuple[int, int, int]], *regions: str) -> HeadModel:
    """Just enough of a head to be drawn; one region name per vertex."""
    names = tuple(dict.fromkeys(regions))
    return SimpleNamespace(  # pyright: ignore[reportReturnType]
        neutral=vertices,
        triangles=np.array(triangles, np.int32),
        region=np.array([names.index(name) for name in regions], np.uint8),
        region_names=names,
        joint_neutral=np.zeros((4, 3)),
    )
