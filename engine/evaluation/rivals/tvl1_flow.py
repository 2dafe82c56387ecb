"""Judge the motion between grey pictures by TV-L1 optical flow, there and back.

    PYTHON_WITH_OPENCV_CONTRIB tvl1_flow.py PAIRS.npz OUT.npz

PAIRS.npz holds `grey` uint8 [T, H, W], `pairs` int64 [P, 2], rows of `grey`, and `grid` int64
[N, 2], x and y of the pixels that are asked for. OUT.npz gets float32 [P, N, 2]: `motion`, the flow
from the first picture at those pixels, and `back`, the reverse flow where they then are; 1000
beyond the border. The Python needs numpy and an OpenCV with optflow, and none of this project.

Source: Zach, Pock & Bischof 2007, A Duality Based Approach for Realtime TV-L1 Optical Flow.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

BEYOND = (1e3, 1e3, 0, 0)


def main() -> None:
    """Run the module as a program."""
    source, target = sys.argv[1:]
    with np.load(source, allow_pickle=False) as file:
        grey, pairs, grid = file["grey"], file["pairs"], file["grid"]
    judge = cv2.optflow.DualTVL1OpticalFlow_create()  # pyright: ignore
    motion = np.empty((len(pairs), len(grid), 2), np.float32)
    back = np.empty_like(motion)
    for row, (first, second) in enumerate(pairs):
        forward = judge.calc(grey[first], grey[second], None)
        backward = judge.calc(grey[second], grey[first], None)
        motion[row] = forward[grid[:, 1], grid[:, 0]]
        there = (grid + motion[row]).astype(np.float32)[None]
        back[row] = cv2.remap(
            backward,
            there[..., 0],
            there[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=BEYOND,
        )[0]
    np.savez(target, motion=motion, back=back)


if __name__ == "__main__":
    main()
