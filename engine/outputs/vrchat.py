"""VRChat: Unified Expressions as avatar parameters, head, activity flags, and native eye tracking.

Per frame, what has changed: `/avatar/parameters/<prefix>v2/<Name>` as floats, bools or both, and
every so often all of it, since VRChat does not say what it has missed. The native look endpoint and
the lids are sent with every frame: VRChat lets go of them after 10 s. A face that is lost switches
the activity flags off and sends nothing else.

Source: docs.vrchat.com, OSC; VRCFaceTracking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from engine import clock
from engine.errors import OutputError
from engine.fit.smoothing import Smoother, SmoothingSettings
from engine.outputs import Delivery, _avatar, _native_eyes, _unified
from engine.outputs._avatar import Parameters
from engine.outputs._datagram import DatagramSender, NetworkSettings
from engine.outputs._osc import Template, bundles
from engine.outputs._rate import Rate, RateSettings
from engine.settings import setting
from engine.status import Traffic
from engine.types import BLENDSHAPE_NAMES, Array, Blendshapes, HeadState, TrackResult

if TYPE_CHECKING:
    from engine.outputs._oscquery import AvatarWatch

NO_LOOK = "off"


@dataclass(frozen=True)
class Settings:
    """Where to, and what the avatar takes."""

    host: str = setting("127.0.0.1", "Name or address of the computer that runs VRChat.")
    port: int = setting(9000, "UDP port at which VRChat listens.", minimum=1, maximum=65535)
    name: str = setting("", "What the window calls it; empty for its kind.", label="Shown as")
    prefix: str = setting("FT/", "What stands before v2/ in the avatar's parameters.")
    form: str = setting(
        "float", "How the avatar takes numbers.", choices=("float", "binary", "both")
    )
    bits: int = setting(
        4, "Binary only: bits of every number, beside its sign.", minimum=1,
        maximum=_avatar.MOST_BITS,
    )  # fmt: skip
    base: bool = setting(True, "Send the base expressions.")
    simple: bool = setting(True, "Send the simple expressions, mixed of a few base ones.")
    combined: bool = setting(True, "Send the combined expressions and those of the eyes.")
    head: bool = setting(True, "Send turn and place of the head.")
    look: str = setting(
        "LeftRightPitchYaw",
        "Endpoint of VRChat's own eye tracking.",
        choices=(NO_LOOK, *_native_eyes.LOOKS),
    )
    lids: bool = setting(True, "Send the lids to VRChat's own eye tracking.")
    step: float = setting(
        0.002, "A number that has changed by less is not sent again.", minimum=0.0, maximum=0.1
    )
    resend_s: float = setting(
        2.0, "Send everything again after so many seconds; 0 for never.", minimum=0.0, maximum=600.0
    )
    oscquery: bool = setting(
        False, "Find VRChat by OSCQuery and send what its avatar has, no more, at every change."
    )
    listen: str = setting(
        "127.0.0.1", "OSCQuery only: address of this machine at which VRChat reaches it."
    )
    smoothing: SmoothingSettings = field(
        default=SmoothingSettings(), metadata={"about": "A One Euro filter on what is sent."}
    )
    rate: RateSettings = field(default=RateSettings(), metadata={"about": "How often is sent."})
    network: NetworkSettings = field(
        default=NetworkSettings(), metadata={"about": "How packets leave this machine."}
    )


class VrchatSink:
    """Sends every result to one avatar. Raises OutputError when made, only."""

    delivery = Delivery.LATEST

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._smoother, self._rate = Smoother(settings.smoothing), Rate(settings.rate)
        self._parameters, self._told = _assumed(settings), False
        self._look = self._lids = None
        if settings.look != NO_LOOK:
            count = _native_eyes.LOOKS[settings.look][0]
            self._look = Template(_native_eyes.ROOT + settings.look, floats=count)
        if settings.lids:
            self._lids = Template(_native_eyes.LIDS, floats=1)
        self._home: Array | None = None
        self._whole_ns: int | None = None
        self._sender = DatagramSender("VRChat", settings.host, settings.port, settings.network)
        self._watch: AvatarWatch | None = None
        if settings.oscquery:
            self._watch = self._watching()

    @property
    def traffic(self) -> Traffic:
        """What was sent."""
        return self._sender.traffic

    def send(self, result: TrackResult) -> None:
        """Send what has changed; a receiver that is down is counted."""
        self._learn()
        for due in self._rate(self._smoother(result)):
            self._forget(due.captured_ns)
            for packet in bundles(self._messages(due)):
                self._sender.send(packet)

    def close(self) -> None:
        """Close the sockets."""
        if self._watch is not None:
            self._watch.close()
        self._sender.close()

    def _watching(self) -> AvatarWatch:
        from engine.outputs._oscquery import AvatarWatch  # takes its time, and most need it not

        wish = self._settings
        try:
            return AvatarWatch(wish.host, wish.listen, wish.network.interface)
        except OutputError:
            self._sender.close()
            raise

    def _learn(self) -> None:
        """Take over what VRChat has told of its avatar since; then everything is sent anew."""
        avatar = None if self._watch is None else self._watch.avatars.poll()
        if avatar is None:
            return
        wish, self._told = self._settings, avatar.types is not None
        if avatar.types is None:
            self._parameters = _assumed(wish)
        else:
            self._parameters = _avatar.told(avatar.types, expression_names(wish), wish.step)

    def _forget(self, now_ns: int) -> None:
        """Every so often begin anew."""
        period_ns = self._settings.resend_s * clock.NS_PER_S
        if self._whole_ns is None or (period_ns and now_ns - self._whole_ns >= period_ns):
            self._whole_ns = now_ns
            self._parameters.forget()

    def _messages(self, result: TrackResult) -> Iterator[bytes]:
        head, shapes = result.head, result.blendshapes
        if head is None or shapes is None:
            yield from self._parameters.messages({}, tracked=False)
            self.traffic.show((), ())
            return
        if self._home is None:
            self._home = np.array(head.camera_from_head[:3, 3])
        values = _values(self._settings, head, shapes, self._home)
        yield from self._parameters.messages(values, tracked=True)
        taken = self._parameters.names
        # An avatar that takes the eyes as parameters would have them twice.
        own_look = self._told and not taken.isdisjoint(_unified.LOOK_NAMES)
        own_lids = self._told and not taken.isdisjoint(_unified.LID_NAMES)
        if self._look is not None and not own_look:
            yield self._look.filled(*_native_eyes.look(self._settings.look, head.gaze))
        if self._lids is not None and not own_lids:
            yield self._lids.filled(1.0 - sum(_unified.openness(shapes)) / 2.0)
        shown = {name: value for name, value in values.items() if name in taken}
        self.traffic.show(tuple(shown), tuple(shown.values()))


def create(settings: Settings) -> VrchatSink:
    """Look the receiver up. Raises OutputError for an unknown host or an impossible prefix."""
    prefix = settings.prefix
    if any(sign in " #*,?[]{}" or not sign.isascii() or not sign.isprintable() for sign in prefix):
        raise OutputError(f"VRChat prefix {prefix!r}: ASCII without spaces and #*,?[]{{}}")
    if prefix and (prefix.startswith("/") or not prefix.endswith("/")):
        raise OutputError(f"VRChat prefix {prefix!r}: empty, or ends with / and does not begin so")
    return VrchatSink(settings)


def _values(wish: Settings, head: HeadState, shapes: Blendshapes, home: Array) -> dict[str, float]:
    """Return every expression that is wished, by its name after v2/."""
    base = _unified.base(shapes)
    simple = _unified.simple(base)
    values = base if wish.base else {}
    if wish.simple:
        values = values | simple
    if wish.combined:
        values = values | _unified.combined(base, simple) | _unified.eyes(head, shapes)
    return values | _unified.head_values(head, home) if wish.head else values


def _assumed(wish: Settings) -> Parameters:
    return _avatar.assumed(
        expression_names(wish),
        wish.prefix,
        floats=wish.form != "binary",
        bit_count=0 if wish.form == "float" else wish.bits,
        step=wish.step,
    )


def expression_names(wish: Settings) -> tuple[str, ...]:
    """Return the names of all expressions that these settings send."""
    nobody = HeadState(
        np.eye(4), np.zeros(1), np.zeros((2, 2)), np.zeros(3), np.zeros((1, 2)), np.zeros((1, 3)),
        0.0,
    )  # fmt: skip
    still = Blendshapes(np.zeros(len(BLENDSHAPE_NAMES)))
    return tuple(_values(wish, nobody, still, np.zeros(3)))
