"""What a network says of a pack of rendered pictures, beside the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import AssetError
from engine.evaluation.align import align_in, upright_crop
from engine.evaluation.openings import OPENINGS
from engine.evaluation.rims import rim_seen
from engine.fit.heads import HeadModel, landmarks
from engine.network.backends import Backend
from engine.training.packs import Pack, read_pack
from engine.types import Array


@dataclass(frozen=True, eq=False)
class RenderedFaces:
    """N pictures."""

    pack: Pack
    intrinsics: Array | None  # (N, 3, 3)
    found_px: Array  # (N, 478, 2) landmarks
    true_px: Array  # (N, 478, 2)
    rim_seen: dict[str, NDArray[np.bool_]]  # opening -> (N,) visible enough to count
    iris_seen: NDArray[np.bool_]  # (N, 2) the centres of left and right
    tongue: Array  # (N,) probability; NaN if the network does not tell
    points_px: list[Array]  # of the visible vertices, found
    places_px: list[Array]  # and true
    sigma_px: list[Array]
    of_face: list[NDArray[np.bool_]]  # which of them belong to the face

    def __len__(self) -> int:
        return len(self.found_px)

    def yaw_rad(self) -> Array | None:
        """Return how far each head is turned from the line of sight (N,), >= 0; None if unknown."""
        poses = self.pack.camera_from_head
        if poses is None:
            return None
        camera = [-pose[:3, :3].T @ pose[:3, 3] for pose in poses[: len(self)]]
        return np.array([abs(np.arctan2(c[0], -c[2])) for c in camera])


def aligned_pack(
    head: HeadModel,
    backend: Backend,
    path: Path,
    face: NDArray[np.bool_],
    iris_centres: tuple[int, int],
    limit: int | None,
) -> RenderedFaces:
    """Align the pictures of a pack in windows around the truth.

    face          (V,) which vertices belong to the face
    iris_centres  landmarks of left and right
    Raises AssetError if it is no pack of rendered heads.
    """
    pack = read_pack(path)
    if pack.visible is None:
        raise AssetError(f"{path}: a pack of portraits; rendered heads with `visible` are needed")
    count = len(pack) if limit is None else min(limit, len(pack))
    with np.load(path, allow_pickle=False) as file:
        intrinsics = file["intrinsics"][:count].astype(float) if "intrinsics" in file else None
    result = RenderedFaces(
        pack=pack,
        intrinsics=intrinsics,
        found_px=np.empty((count, 478, 2)),
        true_px=np.empty((count, 478, 2)),
        rim_seen={name: np.zeros(count, bool) for name in OPENINGS},
        iris_seen=np.zeros((count, 2), bool),
        tongue=np.full(count, np.nan),
        points_px=[],
        places_px=[],
        sigma_px=[],
        of_face=[],
    )
    pupils = head.landmark_triangles[list(iris_centres)]
    for index in range(count):
        vertices, seen = pack.points_px(index).astype(np.float64), pack.seen(index)
        result.true_px[index] = landmarks(head, vertices)
        crop = upright_crop(result.true_px[index], backend.crop_side_px)
        answer = align_in(backend, pack.image(index), crop)
        result.found_px[index] = landmarks(head, answer.points_px)
        result.points_px.append(answer.points_px[seen])
        result.places_px.append(vertices[seen])
        result.sigma_px.append(answer.sigma_px[seen])
        result.of_face.append(face[seen])
        result.iris_seen[index] = seen[pupils].all(axis=1)
        if answer.traits is not None:
            result.tongue[index] = answer.traits.tongue
        for name in OPENINGS:
            result.rim_seen[name][index] = rim_seen(head, seen, name)
    return result
