"""glTF 2.0 binary (GLB): the person's head with 52 morph targets, its bones, and the animation.

Keys stand at the true capture times; where the face was lost there are none, so that a player goes
from the last pose to the next. Blender, Unity, Unreal and the web read it.

Source: Khronos glTF 2.0 specification.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from engine.export._job import Job, whole_file
from engine.export._rig import BONES, Motion, Rig, motion, rig
from engine.export._series import Series, bridged, series
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.types import BLENDSHAPE_NAMES, Array

SUFFIX = ".glb"
_FLOAT, _UINT16, _UINT32 = 5126, 5123, 5125
_VERTICES, _INDICES = 34962, 34963
_JSON, _BIN = 0x4E4F534A, 0x004E4942


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the file. Raises TakeError if the destination cannot be written."""
    found = series(take, job.rate)
    built = _Builder()
    mesh = rig(take, head)
    job.progress(0.4)
    _mesh(built, mesh)
    whole = bridged(found)
    _animation(built, found, whole, motion(whole))
    built.content["asset"] |= {
        "extras": {
            "slate": take.info.slate,
            "take": take.info.take,
            "timecode": str(found.start),
            "timecode_rate": found.rate,
        }
    }
    with whole_file(destination) as path:
        path.write_bytes(built.binary())
    job.progress(1.0)


class _Builder:
    """Collects accessors and their bytes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.content: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "FlowFace Live"},
            "scene": 0,
            "scenes": [{"nodes": [0, len(BONES)]}],
            "nodes": [],
            "meshes": [],
            "skins": [],
            "materials": [
                {
                    "name": "Skin",
                    "pbrMetallicRoughness": {
                        "baseColorFactor": [0.8, 0.62, 0.54, 1.0],
                        "metallicFactor": 0.0,
                        "roughnessFactor": 0.7,
                    },
                }
            ],
            "accessors": [],
            "bufferViews": [],
            "buffers": [],
        }

    def accessor(
        self, values: np.ndarray, kind: str, component: int, target: int | None = None
    ) -> int:
        """Append an array (count, ...) and return its accessor's number."""
        raw = np.ascontiguousarray(values).tobytes()
        view: dict[str, Any] = {
            "buffer": 0,
            "byteOffset": len(self._bytes),
            "byteLength": len(raw),
        }
        if target is not None:
            view["target"] = target
        self._bytes += raw + b"\0" * (-len(raw) % 4)
        self.content["bufferViews"].append(view)
        accessor: dict[str, Any] = {
            "bufferView": len(self.content["bufferViews"]) - 1,
            "componentType": component,
            "count": len(values),
            "type": kind,
        }
        if component == _FLOAT:
            flat = values.reshape(len(values), -1)
            accessor["min"] = [float(v) for v in flat.min(axis=0)]
            accessor["max"] = [float(v) for v in flat.max(axis=0)]
            if kind == "MAT4":
                del accessor["min"], accessor["max"]
        self.content["accessors"].append(accessor)
        return len(self.content["accessors"]) - 1

    def binary(self) -> bytes:
        """Return the whole file."""
        self.content["buffers"] = [{"byteLength": len(self._bytes)}]
        text = json.dumps(self.content, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        body = bytes(self._bytes)
        total = 12 + 8 + len(text) + 8 + len(body)
        return b"".join(
            [
                struct.pack("<4sII", b"glTF", 2, total),
                struct.pack("<II", len(text), _JSON),
                text,
                struct.pack("<II", len(body), _BIN),
                body,
            ]
        )


def _mesh(built: _Builder, mesh: Rig) -> None:
    """Add bones, mesh, morph targets and skin."""
    float32 = np.float32
    bones = [
        {
            "name": name,
            **({"children": [1, 2, 3]} if name == "Head" else {}),
            "translation": [float(v) for v in mesh.bones[index]],
        }
        for index, name in enumerate(BONES)
    ]
    built.content["nodes"] = [*bones, {"name": "Face", "mesh": 0, "skin": 0}]
    targets = [
        {"POSITION": built.accessor(morph.astype(float32), "VEC3", _FLOAT, _VERTICES)}
        for morph in mesh.morphs
    ]
    uv = np.stack([mesh.uv[:, 0], 1.0 - mesh.uv[:, 1]], axis=1)  # v goes down in glTF
    joints = np.tile(np.arange(len(BONES), dtype=np.uint16), (len(mesh.neutral), 1))
    joints[mesh.skin == 0] = 0  # the validator wants unused joints to be 0
    primitive = {
        "attributes": {
            "POSITION": built.accessor(mesh.neutral.astype(float32), "VEC3", _FLOAT, _VERTICES),
            "NORMAL": built.accessor(_normals(mesh).astype(float32), "VEC3", _FLOAT, _VERTICES),
            "TEXCOORD_0": built.accessor(uv.astype(float32), "VEC2", _FLOAT, _VERTICES),
            "JOINTS_0": built.accessor(joints, "VEC4", _UINT16, _VERTICES),
            "WEIGHTS_0": built.accessor(mesh.skin.astype(float32), "VEC4", _FLOAT, _VERTICES),
        },
        "indices": built.accessor(
            mesh.triangles.astype(np.uint32).ravel(), "SCALAR", _UINT32, _INDICES
        ),
        "material": 0,
        "targets": targets,
    }
    built.content["meshes"] = [
        {
            "name": "Face",
            "primitives": [primitive],
            "weights": [0.0] * len(targets),
            "extras": {"targetNames": list(BLENDSHAPE_NAMES)},
        }
    ]
    inverse = np.tile(np.eye(4, dtype=float32), (len(BONES), 1, 1))
    inverse[:, :3, 3] = -mesh.bones
    matrices = built.accessor(inverse.transpose(0, 2, 1).copy(), "MAT4", _FLOAT)
    built.content["skins"] = [
        {"joints": list(range(len(BONES))), "inverseBindMatrices": matrices, "skeleton": 0}
    ]


def _animation(built: _Builder, found: Series, whole: Series, moved: Motion) -> None:
    """Add keys for the frames that have a face."""
    keys = found.tracked
    times = built.accessor(found.seconds[keys].astype(np.float32), "SCALAR", _FLOAT)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def channel(node: int, path: str, values: Array, kind: str) -> None:
        output = built.accessor(values.astype(np.float32), kind, _FLOAT)
        channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
        samplers.append({"input": times, "output": output, "interpolation": "LINEAR"})

    channel(0, "translation", moved.place[keys], "VEC3")
    turned = (moved.head, moved.neck, moved.left_eye, moved.right_eye)
    for node, quaternions in enumerate(turned):
        channel(node, "rotation", quaternions[keys], "VEC4")
    channel(len(BONES), "weights", whole.weights[keys].reshape(-1, 1), "SCALAR")
    built.content["animations"] = [{"name": "Take", "samplers": samplers, "channels": channels}]


def _normals(mesh: Rig) -> Array:
    a, b, c = (mesh.neutral[mesh.triangles[:, corner]] for corner in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(mesh.neutral)
    for corner in range(3):
        np.add.at(normals, mesh.triangles[:, corner], face)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    return np.where(lengths > 1e-12, normals / np.maximum(lengths, 1e-12), up)
