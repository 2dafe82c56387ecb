"""The 68 points that OpenSeeFace sends, as places on the open head, posed by blendshapes.

They are iBUG's 68 without the two inner corners of the mouth, the outer corners standing between
the inner lips, and both pupils at the end.
Source: OpenSeeFace's README and model of 3D points (numbering); MediaPipe's canonical face mesh
(landmarks). Jaw: the points of its face oval that come nearest to nine of equal distance a side.

A blink of 1 is lids that touch (engine/fit/closure.py), which is less than the head's own shape.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.fit.closure import BLINKS, Closure
from engine.fit.heads.open_head import OpenHead
from engine.fit.skinning import joints_of, posed
from engine.types import BLENDSHAPE_NAMES, Array, Identity

# MediaPipe's landmark of every point, from the subject's right to the left.
LANDMARKS: tuple[int, ...] = (
    127, 234, 132, 58, 172, 136, 149, 176, 152, 400, 378, 365, 397, 288, 361, 454, 356,  # 0 jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # 17 brows
    168, 197, 5, 4, 98, 97, 2, 326, 327,  # 27 bridge of the nose, 31 nostrils
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # 36 right eye, 42 left eye
    39, 37, 0, 267, 269, 405, 314, 17, 84, 181,  # 48 upper, 53 lower edge of the lips
    61, 81, 13, 311, 291, 402, 14, 178,  # 58 right corner, 59 upper, 62 left corner, 63 lower
    468, 473,  # 66 pupils
)  # fmt: skip
NOSE_TIP, RIGHT_EYE_CORNER, LEFT_EYE_CORNER = 30, 36, 45


class FacePoints:
    """Poses nothing but the vertices that the points lie on.

    head     its expressions are the 52 blendshapes
    at_rest  (68, 3) metres, head space: the face that is known
    """

    def __init__(self, head: OpenHead) -> None:
        corners = head.landmark_triangles[list(LANDMARKS)]
        used, places = np.unique(corners, return_inverse=True)
        self._used, self._places = used, places.reshape(corners.shape)
        self._corners, self._weights = corners, head.landmark_weights[list(LANDMARKS)]
        self._whole, self._closure = head, Closure(head)
        self._part = replace(
            head,
            neutral=np.ascontiguousarray(head.neutral[used]),
            expression_basis=np.ascontiguousarray(head.expression_basis[:, used]),
            skin_weights=np.ascontiguousarray(head.skin_weights[used]),
        )
        self.know(None)

    def know(self, person: Identity | None) -> None:
        """Take a person's face, or the average one. It is posed from now on."""
        coefficients = np.zeros(len(self._whole.identity_basis))
        self._neutral = self._part.neutral
        if person is not None:
            coefficients = person.coefficients
            self._neutral = person.neutral[self._used].astype(self._part.neutral.dtype)
        self._joints = joints_of(self._whole, coefficients)
        still = np.zeros(len(BLENDSHAPE_NAMES))
        self._touching = self._closure.blinks(coefficients, still)
        self.at_rest = self.posed(still)

    def posed(self, weights: Array, gaze: Array | None = None, neck: Array | None = None) -> Array:
        """Return the points (68, 3) in metres, head space.

        weights  (52,) of the blendshapes
        gaze     (2, 2) rad, as of HeadState; straight ahead if None
        neck     (3,) rad; straight if None
        """
        amounts = np.array(weights, np.float64)
        amounts[BLINKS] *= self._touching
        gaze = np.zeros((2, 2)) if gaze is None else gaze
        neck = np.zeros(3) if neck is None else neck
        vertices = posed(self._part, self._neutral, self._joints, amounts, gaze, neck)
        return np.einsum("pk,pkc->pc", self._weights, vertices[self._places]).astype(np.float64)

    def read(self, values: Array) -> Array:
        """Read values (V, C) at the vertices of the whole head off at the points: (68, C)."""
        return np.einsum("pk,pkc->pc", self._weights, values[self._corners])


def poses() -> tuple[Array, ...]:
    """Return the weights (52,) of every blendshape at its full strength, left and right together.

    First of all the neutral face; without mouthClose, which is nothing without an open jaw.
    """
    names = list(BLENDSHAPE_NAMES)
    stems = [name.removesuffix("Left").removesuffix("Right") for name in names]
    wanted = [
        [stem == one for stem in stems] for one in dict.fromkeys(stems) if one != "mouthClose"
    ]
    return np.zeros(len(names)), *(np.array(one, np.float64) for one in wanted)
