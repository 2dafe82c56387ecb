"""Draft."""
import numpy as np
from engine.training.head_build.cut import HeadMesh
from engine.training.head_build.source import Array


def face_layout(mesh: HeadMesh, neutral: Array) -> Array:
    """Azimuthal layout about the point 6 cm behind the nose root."""
    p = neutral - np.array([0.0, 0.03, 0.02])
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    polar = np.arccos(np.clip(-p[:, 2], -1, 1))
    r = 0.48 * np.sqrt(polar / np.pi)* np.sqrt(polar / np.pi) ** 0.4
    d = p[:, :2] / np.maximum(np.linalg.norm(p[:, :2], axis=1, keepdims=True), 1e-9)
    return 0.5 + r[:, None] * d
