"""The VMC protocol over OSC, which the avatar programs of VTubers understand.

Per frame: whether a face is tracked, the time, root, head, neck and eye bones, all 52 shapes, VRM's
presets or both, and Apply at the end. Local bone rotations in Unity's axes (engine.axes). A frame
is larger than one network packet, so it is split into bundles; Apply stands in the last only. A
face that is lost sends its state and the time, and no values.

Source: VirtualMotionCaptureProtocol, docs/specification.markdown and performer specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engine import axes, clock
from engine.fit.heads import gaze_rotation
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery
from engine.outputs._datagram import DatagramSender, NetworkSettings
from engine.outputs._osc import Template, bundles, message
from engine.outputs._rate import Rate, RateSettings
from engine.outputs._vrm import PRESET_NAMES, vrm_presets
from engine.settings import setting
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, Array, Blendshapes, HeadState, TrackResult

EYE_BONES = ("LeftEye", "RightEye")  # in the order of HeadState.gaze
NO_PLACE = (0.0, 0.0, 0.0)
NO_SCALE = (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
NO_TURN = (0.0, 0.0, 0.0, 1.0)  # x, y, z, w
LOADED, CALIBRATED, NORMAL_MODE = 1, 3, 0


@dataclass(frozen=True)
class Settings:
    """Where to, and in which dialect."""

    host: str = setting("127.0.0.1", "Name or address of the receiver.")
    port: int = setting(39539, "UDP port of the receiver.", minimum=1, maximum=65535)
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    names: str = setting(
        "PascalCase",
        "Spelling of the 52 shapes.",
        choices=("PascalCase", "camelCase"),
        label="Shape names",
    )
    shapes: str = setting(
        "perfect_sync",
        "The 52 shapes, the presets of VRM (for models without Perfect Sync), or both.",
        choices=("perfect_sync", "vrm", "both"),
    )
    neck_share: float = setting(
        0.3, "Share of the head's turn that the neck makes.", minimum=0.0, maximum=1.0
    )
    root_follows: bool = setting(False, "Move the avatar as the head moves before the camera.")
    root_scale: bool = setting(
        False, "Root with scale and offset (13 numbers, VMC 2.1), not 7: old receivers drop it."
    )
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    rate: RateSettings = field(default=RateSettings(), metadata={"about": "How often is sent."})
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine."}
    )


class VmcSink:
    """Sends every result as the bundles of a VMC frame. Raises OutputError when made, only."""

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smoother, self._rate = Smoother(settings.smoothing), Rate(settings.rate)
        self._sender = DatagramSender("VMC", settings.host, settings.port, settings.network)
        self._first_ns: int | None = None
        self._home: Array | None = None
        self._centring = 0  # that home belongs to
        self._perfect, self._presets = settings.shapes != "vrm", settings.shapes != "perfect_sync"
        self._shapes = (_spelled(settings.names) if self._perfect else ()) + (
            PRESET_NAMES if self._presets else ()
        )
        self._values = [Template("/VMC/Ext/Blend/Val", n, floats=1) for n in self._shapes]
        self._bones = {
            name: Template("/VMC/Ext/Bone/Pos", name, floats=7)
            for name in ("Neck", "Head", *EYE_BONES)
        }
        self._root = Template("/VMC/Ext/Root/Pos", "root", floats=13 if settings.root_scale else 7)
        self._time = Template("/VMC/Ext/T", floats=1)
        self._apply = message("/VMC/Ext/Blend/Apply")
        self._states = {
            tracked: message("/VMC/Ext/OK", LOADED, CALIBRATED, NORMAL_MODE, int(tracked))
            for tracked in (False, True)
        }

    @property
    def traffic(self) -> Traffic:
        """What was sent."""
        return self._sender.traffic

    def send(self, result: TrackResult) -> None:
        """Send one frame; a receiver that is down is counted."""
        self._keep_home(result)
        for due in self._rate(self._smoother(result)):
            for packet in bundles(self._messages(due)):
                self._sender.send(packet)
            shapes = due.blendshapes
            self.traffic.show(
                *((), ()) if shapes is None else (self._shapes, self._weights(shapes))
            )

    def close(self) -> None:
        """Close the socket."""
        self._sender.close()

    def _messages(self, result: TrackResult) -> Iterator[bytes]:
        if self._first_ns is None:
            self._first_ns = result.captured_ns
        head, blendshapes = result.head, result.blendshapes
        yield self._states[head is not None]
        yield self._time.filled((result.captured_ns - self._first_ns) / clock.NS_PER_S)
        if head is None or blendshapes is None:
            return
        scale = NO_SCALE if self._settings.root_scale else ()
        yield self._root.filled(*self._root_place(head), *NO_TURN, *scale)
        yield from self._bone_messages(head)
        for template, weight in zip(self._values, self._weights(blendshapes), strict=True):
            yield template.filled(weight)
        yield self._apply

    def _weights(self, blendshapes: Blendshapes) -> list[float]:
        weights: list[float] = blendshapes.weights.tolist() if self._perfect else []
        return weights + (vrm_presets(blendshapes) if self._presets else [])

    def _bone_messages(self, head: HeadState) -> Iterator[bytes]:
        turn, neck_share = head.camera_from_head[:3, :3], self._settings.neck_share
        turns = {"Neck": axes.share(turn, neck_share), "Head": axes.share(turn, 1.0 - neck_share)}
        for bone, (yaw, pitch) in zip(EYE_BONES, head.gaze, strict=True):
            turns[bone] = axes.quaternion(gaze_rotation(float(yaw), float(pitch)))
        for bone, (w, x, y, z) in turns.items():
            yield self._bones[bone].filled(*NO_PLACE, float(x), float(y), float(z), float(w))

    def _keep_home(self, result: TrackResult) -> None:
        """Home is where the head is first seen, and again wherever it is recentred.

        Of the result as measured: what is smoothed takes a while to get there.
        """
        if result.head is None:
            return
        if self._home is None or result.centring != self._centring:
            self._home = np.array(result.head.camera_from_head[:3, 3])
            self._centring = result.centring

    def _root_place(self, head: HeadState) -> tuple[float, float, float]:
        """Return how far the head is from home, in Unity's axes."""
        if not self._settings.root_follows or self._home is None:
            return NO_PLACE
        x, y, z = axes.unity_from_ours(head.camera_from_head[:3, 3] - self._home)
        return float(x), float(y), float(z)


def create(settings: Settings) -> VmcSink:
    """Look the receiver up. Raises OutputError if the host is unknown or the port impossible."""
    return VmcSink(settings)


def _spelled(names: str) -> tuple[str, ...]:
    if names == "camelCase":
        return BLENDSHAPE_NAMES
    return tuple(name[0].upper() + name[1:] for name in BLENDSHAPE_NAMES)
