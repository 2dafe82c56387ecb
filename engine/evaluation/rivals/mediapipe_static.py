"""Run MediaPipe FaceMesh on single pictures, with nothing carried from one to the next.

    PYTHON_WITH_MEDIAPIPE mediapipe_static.py PICTURES.npz OUT.npz

PICTURES.npz holds `jpeg` uint8 [total], files one after another, and `offsets` int64 [N + 1].
OUT.npz gets `landmarks` float32 [N, 478, 2], px with pixel centres at +0.5, NaN where it finds no
face. The Python needs mediapipe 0.10.21, numpy and cv2, and none of this project.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np


def main() -> None:
    """Run the module as a program."""
    # Here, so that this project can be imported whole without it.
    import mediapipe as mp  # pyright: ignore[reportMissingImports]

    source, target = sys.argv[1:]
    with np.load(source, allow_pickle=False) as file:
        jpeg, offsets = file["jpeg"], file["offsets"]
    found = np.full((len(offsets) - 1, 478, 2), np.nan, np.float32)
    with mp.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1
    ) as mesh:
        for index in range(len(found)):
            bgr = cv2.imdecode(jpeg[offsets[index] : offsets[index + 1]], cv2.IMREAD_COLOR)
            if bgr is None:
                raise SystemExit(f"picture {index} of {source} cannot be decoded")
            faces = mesh.process(np.ascontiguousarray(bgr[..., ::-1])).multi_face_landmarks
            if faces:
                size = bgr.shape[1], bgr.shape[0]
                found[index] = [(p.x * size[0], p.y * size[1]) for p in faces[0].landmark]
    np.savez(target, landmarks=found)


if __name__ == "__main__":
    main()
