"""Places and refines the anchors: `python -m engine.training.anchors --head HEAD --out NPZ`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np

from engine.fit.heads import open_head
from engine.resources import RESOURCES, ROOT
from engine.training.anchors.picture import anchors_picture
from engine.training.anchors.placement import mean_face, place, rails
from engine.training.anchors.refine import refine, with_anchors
from engine.training.portraits.collection import Collection, read_collection, squared_labels
from engine.types import Array

DEFAULT_OUT = ROOT / "engine" / "training" / "head_build" / "landmark_anchors.npz"
NOSE, EYES, LIPS, MOUTH = 1, (33, 263), (13, 14), (61, 291)

logger = logging.getLogger(__name__)


def still_faces(collection: Collection) -> Array:
    """Return the landmarks (M, 478, 3) of frontal training portraits with closed lips."""
    points, depth = collection.landmarks_px, collection.depth
    across = points[:, EYES[1], 0] - points[:, EYES[0], 0]
    turned = np.abs((points[:, NOSE, 0] - points[:, EYES[0], 0]) / across - 0.5)
    gap = np.abs(points[:, LIPS[0], 1] - points[:, LIPS[1], 1])
    width = points[:, MOUTH[1], 0] - points[:, MOUTH[0], 0]
    picked = (turned < 0.05) & (gap < 0.04 * width) & ~collection.validation
    return np.concatenate([points[picked], depth[picked][..., None]], axis=2)


def main() -> None:
    """Write landmark_triangles (478, 3) and landmark_weights (478, 3), and a picture of them."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m engine.training.anchors", description=__doc__)
    parser.add_argument("--head", type=Path, default=RESOURCES / "heads" / "open" / "head.npz")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--picture", type=Path, default=None, help="PNG of the anchors")
    parser.add_argument("--rounds", type=int, default=4, help="of fitting and moving")
    parser.add_argument("--portraits", type=int, default=240, help="fitted in every round")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    head, collection = open_head.load(arguments.head), read_collection()
    lines = rails(head)
    anchors = place(head, mean_face(still_faces(collection), collection.mirror), lines)
    training = np.flatnonzero(~collection.validation)
    rng = np.random.default_rng(arguments.seed)
    picked = rng.choice(training, min(arguments.portraits, len(training)), replace=False)
    labels = squared_labels(collection, picked)
    anchors, errors = refine(head, anchors, lines, labels, collection.mirror, arguments.rounds)
    for number, error in enumerate(errors):
        logger.info("round %d: mean error of the fits %.3f %% of the box", number, 100 * error)
    head = with_anchors(head, anchors)
    np.savez_compressed(
        arguments.out,
        landmark_triangles=head.landmark_triangles,
        landmark_weights=head.landmark_weights,
    )
    if arguments.picture is not None:
        cv2.imwrite(str(arguments.picture), anchors_picture(head)[..., ::-1])


if __name__ == "__main__":
    main()
