"""The values that flow through the program. Frozen; their arrays are read-only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

# Live Link Face order, ARKit's own spelling. Other orders are matched by name, never by index.
BLENDSHAPE_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight",
    "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward",
    "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft",
    "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft",
    "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip

# Halves of shapes that ARKit has once; they travel beside the 52.
SIDE_NAMES: tuple[str, ...] = (
    "browInnerUpLeft", "browInnerUpRight", "cheekPuffLeft", "cheekPuffRight",
)  # fmt: skip


def _freeze(*arrays: NDArray) -> None:
    for array in arrays:
        array.flags.writeable = False


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One camera image. It owns its pixels and they are read-only."""

    image: NDArray[np.uint8]  # (H, W, 3) RGB, sRGB-encoded
    index: int  # the source's own count; a gap means that the source lost frames
    captured_ns: int  # monotonic clock, when the driver handed the image over
    passage: int = 0  # another one where a video goes on from another place

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"need (H, W, 3) uint8, got {self.image.shape} {self.image.dtype}")
        _freeze(self.image)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A pinhole camera with OpenCV's five distortion coefficients."""

    intrinsics: Array  # (3, 3) camera matrix K, pixels; pixel centres at +0.5
    distortion: Array  # (5,) k1, k2, p1, p2, k3
    size_px: tuple[int, int]  # width, height
    name: str = ""  # of the device; what is learnt of a camera without a name is not kept
    calibrated: bool = False  # measured, not assumed: the focal length is not to be learnt

    def __post_init__(self) -> None:
        _freeze(self.intrinsics, self.distortion)


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """A square window on the image: where the network looks."""

    image_from_crop: Array  # (3, 3) affine, homogeneous pixels
    size_px: int  # side of the crop

    def __post_init__(self) -> None:
        _freeze(self.image_from_crop)


@dataclass(frozen=True, slots=True, eq=False)
class AlignmentMemory:
    """What the network remembers of a frame: the warm start of the next one."""

    crop: Crop  # that the numbers refer to
    # 2 D across where that of the mirror image lies beside it (engine/network/point_aligner.py)
    position: Array  # (2, D, D) image position of every texel, crop px
    log_sigma: Array  # (1, D, D) of crop px
    hidden: Array  # (H, D, D) recurrent state

    def __post_init__(self) -> None:
        _freeze(self.position, self.log_sigma, self.hidden)


@dataclass(frozen=True, slots=True, eq=False)
class FaceTraits:
    """What the network says of the whole face, in coefficients of the head model."""

    identity: Array  # (K,)
    identity_sigma: Array  # (K,) standard deviation
    expression: Array  # (E,)
    expression_sigma: Array  # (E,) standard deviation
    tongue: float  # probability that the tongue is out

    def __post_init__(self) -> None:
        _freeze(self.identity, self.identity_sigma, self.expression, self.expression_sigma)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where the surface of the head lies in the image, and how sure the network is.

    The Gaussian of every point is circular: sigma_px is its standard deviation in x and in y.
    """

    points_px: Array  # (N, 2) pixels of the full image
    sigma_px: Array  # (N,) pixels of the full image
    anchors: NDArray[np.int32]  # (N,) vertex of the head model that each point belongs to
    memory: AlignmentMemory | None = None  # for the next frame
    traits: FaceTraits | None = None  # None if the network has no such head

    def __post_init__(self) -> None:
        _freeze(self.points_px, self.sigma_px, self.anchors)


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """A person: constant within a session but for slow improvement."""

    coefficients: Array  # (K,) of the head model's identity basis
    neutral: Array  # (V, 3) metres, head space

    def __post_init__(self) -> None:
        _freeze(self.coefficients, self.neutral)


@dataclass(frozen=True, slots=True, eq=False)
class Deviations:
    """Standard deviations of a fit's values, of the same units."""

    pose: Array  # (6,) rotation about the head's origin in camera axes, rad; shift, metres
    expression: Array  # (E,)
    gaze: Array  # (2, 2)
    neck: Array  # (3,)

    def __post_init__(self) -> None:
        _freeze(self.pose, self.expression, self.gaze, self.neck)


@dataclass(frozen=True, slots=True, eq=False)
class HeadState:
    """What the fit says of one frame."""

    camera_from_head: Array  # (4, 4) rigid transform, metres
    expression: Array  # (E,) coefficients of the head model
    gaze: Array  # (2, 2) rad; rows left, right eye; columns yaw (+ subject's left), pitch (+ down)
    neck: Array  # (3,) rad, rotation vector of the neck joint under the skull
    points_px: Array  # (V, 2) projection of every vertex, pixels of the full image
    vertices: Array  # (V, 3) metres, head space
    rms_px: float  # sigma-weighted root mean square residual
    deviations: Deviations | None = None  # how sure all this is; None if nobody says

    def __post_init__(self) -> None:
        _freeze(
            self.camera_from_head,
            self.expression,
            self.gaze,
            self.neck,
            self.points_px,
            self.vertices,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Blendshapes:
    """Named weights for an avatar, in [0, 1]."""

    weights: Array  # (52,) in the order of BLENDSHAPE_NAMES
    sides: Array | None = None  # (4,) in the order of SIDE_NAMES; None if nobody tells them apart
    sd: Array | None = None  # (52,) standard deviation of every weight; None if nobody says

    def __post_init__(self) -> None:
        if self.weights.shape != (len(BLENDSHAPE_NAMES),):
            raise ValueError(f"need {len(BLENDSHAPE_NAMES)} weights, got {self.weights.shape}")
        _freeze(self.weights)
        if self.sides is not None:
            if self.sides.shape != (len(SIDE_NAMES),):
                raise ValueError(f"need {len(SIDE_NAMES)} halves, got {self.sides.shape}")
            _freeze(self.sides)
        if self.sd is not None:
            if self.sd.shape != self.weights.shape:
                raise ValueError(f"need {len(self.weights)} deviations, got {self.sd.shape}")
            _freeze(self.sd)

    def items(self) -> Iterator[tuple[str, float]]:
        """Pair every name with its weight."""
        return zip(BLENDSHAPE_NAMES, map(float, self.weights), strict=True)

    def __getitem__(self, name: str) -> float:
        return float(self.weights[BLENDSHAPE_NAMES.index(name)])


class Status(Enum):
    """What the tracker knows of the face."""

    TRACKING = "tracking"
    SEARCHING = "searching"  # nothing found yet, or looking again after a loss
    LOST = "lost"  # was tracked in the frame before and is not any more


@dataclass(frozen=True, slots=True, eq=False)
class TrackResult:
    """All that sinks ever see of a frame. A face that is not tracked has None, never old values."""

    frame_index: int
    captured_ns: int  # monotonic
    finished_ns: int  # monotonic
    status: Status
    head: HeadState | None = None
    blendshapes: Blendshapes | None = None  # as sent: after the user's tuning
    alignment: Alignment | None = None
    camera: Camera | None = None  # intrinsics in force for this frame
    identity: Identity | None = None  # the person as known at this frame
    readings: Array | None = None  # (52,) of every blendshape, before the person's calibration
    at_camera: Array | None = None  # (2, 2) the gaze that would meet the camera, as head.gaze
    stage_ns: dict[str, int] = field(default_factory=dict[str, int])  # time spent, by stage
    measured: Blendshapes | None = None  # before the user's tuning; None if that changed nothing
    centring: int = 0  # which of the user's straight aheads, from 1; 0: the camera

    @property
    def untuned(self) -> Blendshapes | None:
        """The blendshapes before the user's tuning; None without a face."""
        return self.blendshapes if self.measured is None else self.measured

    @property
    def latency_ns(self) -> int:
        """Time from the driver's hand-over to this result."""
        return self.finished_ns - self.captured_ns
