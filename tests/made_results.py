"""Results for tests of what lies after the tracker: known values, no tracker involved."""

from __future__ import annotations

import numpy as np

from engine.geometry import assumed_camera, project, rigid, rotation_from_vector
from engine.types import (
    Alignment,
    Blendshapes,
    Deviations,
    HeadState,
    Identity,
    Status,
    TrackResult,
)


def tracked(
    index: int = 0,
    captured_ns: int = 0,
    *,
    vertices: int = 40,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    place: tuple[float, float, float] = (0.0, 0.0, 0.6),
    stages: dict[str, int] | None = None,
) -> TrackResult:
    """Return a result with a face; every value depends on `index`."""
    rng = np.random.default_rng(index)
    points = rng.uniform(-0.08, 0.08, (vertices, 3)).astype(np.float32)
    camera_from_head = rigid(rotation_from_vector(np.array(turn)), np.array(place))
    camera = assumed_camera(640, 480)
    projected = project(points, camera_from_head, camera.intrinsics)
    return TrackResult(
        frame_index=index,
        captured_ns=captured_ns,
        finished_ns=captured_ns + 9_000_000,
        status=Status.TRACKING,
        head=HeadState(
            camera_from_head=camera_from_head,
            expression=rng.uniform(0, 1, 52),
            gaze=rng.normal(0, 0.2, (2, 2)),
            neck=rng.normal(0, 0.1, 3),
            points_px=projected.astype(np.float32),
            vertices=points,
            rms_px=1.25,
            deviations=Deviations(
                rng.uniform(0, 0.1, 6),
                rng.uniform(0, 0.3, 52),
                rng.uniform(0, 0.2, (2, 2)),
                rng.uniform(0, 0.1, 3),
            ),
        ),
        blendshapes=Blendshapes(
            rng.uniform(0, 1, 52).astype(np.float32), sd=rng.uniform(0, 1, 52).astype(np.float32)
        ),
        alignment=Alignment(
            points_px=(projected + rng.normal(0, 1, projected.shape)).astype(np.float32),
            sigma_px=rng.uniform(0.5, 2, vertices).astype(np.float32),
            anchors=np.arange(vertices, dtype=np.int32),
        ),
        camera=camera,
        identity=Identity(np.full(5, index // 3, np.float32), points.copy()),
        stage_ns=stages or {"align": 7_000_000, "fit": 2_000_000},
    )


def lost(index: int = 0, captured_ns: int = 0, status: Status = Status.LOST) -> TrackResult:
    """Return a result without a face."""
    return TrackResult(index, captured_ns, captured_ns + 3_000_000, status)
