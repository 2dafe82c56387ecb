"""Run MediaPipe FaceMesh over the frames of a video, each window from the frame before.

    PYTHON_WITH_MEDIAPIPE mediapipe_video.py FRAMES.npy OUT.npz

FRAMES.npy is uint8 [T, H, W, 3], RGB. OUT.npz gets `landmarks` float32 [T, 478, 2], px with pixel
centres at +0.5, NaN where it finds no face. The Python needs mediapipe 0.10.21 and numpy, and none
of this project. This is the solution's video mode; it smooths nothing.
"""

from __future__ import annotations

import sys

import numpy as np


def main() -> None:
    """Run the module as a program."""
    # Here, so that this project can be imported whole without it.
    import mediapipe as mp  # pyright: ignore[reportMissingImports]

    source, target = sys.argv[1:]
    frames = np.load(source, mmap_mode="r", allow_pickle=False)
    height, width = frames.shape[1:3]
    found = np.full((len(frames), 478, 2), np.nan, np.float32)
    with mp.solutions.face_mesh.FaceMesh(
        static_image_mode=False, refine_landmarks=True, max_num_faces=1
    ) as mesh:
        for index, rgb in enumerate(frames):
            faces = mesh.process(np.ascontiguousarray(rgb)).multi_face_landmarks
            if faces:
                found[index] = [(p.x * width, p.y * height) for p in faces[0].landmark]
    np.savez(target, landmarks=found)


if __name__ == "__main__":
    main()
