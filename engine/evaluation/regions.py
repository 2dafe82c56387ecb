"""Which of MediaPipe's 478 points belong to which part of the face. Left = the subject's.

Source: MediaPipe, solutions/face_mesh_connections.py, and the canonical face mesh.
"""

from __future__ import annotations

MESH_POINTS = 468

LEFT_EYE = (249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466)
RIGHT_EYE = (7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246)
LEFT_BROW = (276, 282, 283, 285, 293, 295, 296, 300, 334, 336)
RIGHT_BROW = (46, 52, 53, 55, 63, 65, 66, 70, 105, 107)
NOSE = (1, 2, 4, 5, 6, 19, 45, 48, 64, 94, 97, 98, 115, 168, 195, 197, 220, 275, 278, 294)
OUTER_LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375),
    *(291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
)
INNER_LIPS = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324),
    *(308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)
OVAL = (
    *(10, 21, 54, 58, 67, 93, 103, 109, 127, 132, 136, 148, 149, 150, 152, 162, 172, 176),
    *(234, 251, 284, 288, 297, 323, 332, 338, 356, 361, 365, 377, 378, 379, 389, 397, 400, 454),
)
RIGHT_IRIS = (468, 469, 470, 471, 472)
LEFT_IRIS = (473, 474, 475, 476, 477)

LANDMARK_REGIONS: dict[str, tuple[int, ...]] = {
    "eyes": LEFT_EYE + RIGHT_EYE,
    "brows": LEFT_BROW + RIGHT_BROW,
    "nose": NOSE,
    "mouth": OUTER_LIPS + INNER_LIPS,
    "outline": OVAL,
    "irises": RIGHT_IRIS + LEFT_IRIS,
}
