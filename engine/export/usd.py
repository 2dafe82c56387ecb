"""USD: a skel character with 52 blend shapes, four joints, and the animation of a take.

Needs OpenUSD (`pip install usd-core`). Y up, metres; time codes are frames at the stated rate, and
the samples stand at the true capture times unless a rate is asked for.

Source: OpenUSD, skel schemas.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import TakeError
from engine.export._job import Job, whole_file
from engine.export._rig import BONES, Motion, Rig, motion, rig
from engine.export._series import Series, bridged, series
from engine.fit.heads import HeadModel
from engine.recording.reader import Take
from engine.types import BLENDSHAPE_NAMES

SUFFIX = ".usdc"
_JOINTS = ["Head", *(f"Head/{name}" for name in BONES[1:])]


def write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None:  # noqa: B008
    """Write the file. Raises TakeError if OpenUSD is absent or the destination refuses."""
    usd = _pxr("Usd")
    if destination.suffix not in (".usd", ".usda", ".usdc"):
        raise TakeError(f"{destination}: needs to end in .usd, .usda or .usdc")
    found = series(take, job.rate)
    whole = bridged(found)
    mesh = rig(take, head)
    job.progress(0.4)
    with whole_file(destination) as path:
        # OpenUSD chooses the file's form by its ending.
        named = path.with_name(f"{destination.stem}.writing{destination.suffix}")
        stage = usd.Stage.CreateNew(str(named))
        _header(stage, take, found)
        _character(stage, mesh)
        _animate(stage, found, whole, motion(whole), mesh)
        stage.Save()
        del stage
        named.replace(path)
    job.progress(1.0)


def _pxr(module: str) -> Any:
    try:
        return importlib.import_module(f"pxr.{module}")
    except ImportError as error:
        raise TakeError("usd: needs OpenUSD; `pip install usd-core` brings it") from error


def _header(stage: Any, take: Take, found: Series) -> None:
    geom = _pxr("UsdGeom")

    rate = float(found.exact_rate)
    geom.SetStageUpAxis(stage, geom.Tokens.y)
    geom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(rate)
    stage.SetFramesPerSecond(rate)
    stage.SetStartTimeCode(0.0)
    stage.SetEndTimeCode(float(found.seconds[-1]) * rate)
    stage.GetRootLayer().customLayerData = {
        "slate": take.info.slate,
        "take": take.info.take,
        "timecode": str(found.start),
        "timecodeRate": found.rate,
    }


def _character(stage: Any, mesh: Rig) -> None:
    gf, sdf, geom, skel, vt = _pxr("Gf"), _pxr("Sdf"), _pxr("UsdGeom"), _pxr("UsdSkel"), _pxr("Vt")

    root = skel.Root.Define(stage, "/Character")
    stage.SetDefaultPrim(root.GetPrim())
    skeleton = skel.Skeleton.Define(stage, "/Character/Skeleton")
    skeleton.CreateJointsAttr(_JOINTS)
    places = [gf.Matrix4d().SetTranslate(gf.Vec3d(*map(float, place))) for place in mesh.bones]
    skeleton.CreateBindTransformsAttr(vt.Matrix4dArray(places))
    skeleton.CreateRestTransformsAttr(vt.Matrix4dArray(places))  # the root bone is at the origin
    face = geom.Mesh.Define(stage, "/Character/Face")
    face.CreatePointsAttr(vt.Vec3fArray.FromNumpy(mesh.neutral.astype(np.float32)))
    face.CreateExtentAttr(
        [gf.Vec3f(*map(float, corner)) for corner in (mesh.neutral.min(0), mesh.neutral.max(0))]
    )
    face.CreateFaceVertexCountsAttr(vt.IntArray([3] * len(mesh.triangles)))
    face.CreateFaceVertexIndicesAttr(vt.IntArray.FromNumpy(mesh.triangles.astype(np.int32).ravel()))
    face.CreateSubdivisionSchemeAttr(geom.Tokens.none)
    uv = geom.PrimvarsAPI(face).CreatePrimvar(
        "st", sdf.ValueTypeNames.TexCoord2fArray, geom.Tokens.vertex
    )
    uv.Set(vt.Vec2fArray.FromNumpy(mesh.uv.astype(np.float32)))
    binding = skel.BindingAPI.Apply(face.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    indices = np.tile(np.arange(len(BONES), dtype=np.int32), len(mesh.neutral))
    binding.CreateJointIndicesPrimvar(False, len(BONES)).Set(vt.IntArray.FromNumpy(indices))
    weights = vt.FloatArray.FromNumpy(mesh.skin.astype(np.float32).ravel())
    binding.CreateJointWeightsPrimvar(False, len(BONES)).Set(weights)
    paths: list[Any] = []
    for name, morph in zip(BLENDSHAPE_NAMES, mesh.morphs, strict=True):
        shape = skel.BlendShape.Define(stage, f"/Character/Face/{name}")
        moving = np.flatnonzero(np.abs(morph).max(axis=1) > 1e-7).astype(np.int32)
        shape.CreateOffsetsAttr(vt.Vec3fArray.FromNumpy(morph[moving].astype(np.float32)))
        shape.CreatePointIndicesAttr(vt.IntArray.FromNumpy(moving))
        paths.append(shape.GetPath())
    binding.CreateBlendShapesAttr(list(BLENDSHAPE_NAMES))
    binding.CreateBlendShapeTargetsRel().SetTargets(paths)


def _animate(stage: Any, found: Series, whole: Series, moved: Motion, mesh: Rig) -> None:
    gf, skel, vt = _pxr("Gf"), _pxr("UsdSkel"), _pxr("Vt")

    animation = skel.Animation.Define(stage, "/Character/Skeleton/Take")
    animation.CreateJointsAttr(_JOINTS)
    animation.CreateBlendShapesAttr(list(BLENDSHAPE_NAMES))
    skeleton = stage.GetPrimAtPath("/Character/Skeleton")
    skel.BindingAPI.Apply(skeleton).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    weights, places = animation.CreateBlendShapeWeightsAttr(), animation.CreateTranslationsAttr()
    turns = animation.CreateRotationsAttr()
    animation.CreateScalesAttr(vt.Vec3hArray([gf.Vec3h(1, 1, 1)] * len(BONES)))
    rate = float(found.exact_rate)
    turned = (moved.head, moved.neck, moved.left_eye, moved.right_eye)
    for frame in np.flatnonzero(found.tracked):
        time = float(found.seconds[frame]) * rate
        weights.Set(vt.FloatArray.FromNumpy(whole.weights[frame].astype(np.float32)), time)
        bones = mesh.bones.astype(np.float32).copy()
        bones[0] = moved.place[frame]
        places.Set(vt.Vec3fArray.FromNumpy(bones), time)
        turns.Set(
            vt.QuatfArray(
                [
                    gf.Quatf(float(q[3]), float(q[0]), float(q[1]), float(q[2]))
                    for q in (quaternions[frame] for quaternions in turned)
                ]
            ),
            time,
        )
