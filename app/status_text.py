"""What the session does, in words for the user; those of the engine are passed on as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from engine.status import Latency, RemoteStatus, SessionStatus, SinkStatus, State
from engine.types import Status, TrackResult

_tr, _mark = QCoreApplication.translate, QT_TRANSLATE_NOOP


class Light(Enum):
    """The colour of the lamp."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Headline:
    """State in a few words, and why."""

    light: Light
    title: str
    reason: str


_FACE = {
    Status.TRACKING: (
        Light.GREEN,
        _mark("status", "Face found"),
        _mark("status", "Measuring pose, gaze and expression."),
    ),
    Status.LOST: (
        Light.AMBER,
        _mark("status", "Face lost"),
        _mark("status", "It left the picture or became unreliable."),
    ),
    Status.SEARCHING: (
        Light.AMBER,
        _mark("status", "Looking for a face"),
        _mark("status", "None in the picture, or it is turned away, covered, or too dark."),
    ),
}


def headline(status: SessionStatus, result: TrackResult | None) -> Headline:
    """Say what is going on.

    result  the newest, or None before the first
    """
    stopped = [sink for sink in status.sinks if sink.error is not None]
    match status.state:
        case State.STARTING:
            step = status.progress[1] or _tr("status", "Opening the source")
            now = (Light.AMBER, _tr("status", "Starting…"), f"{step}…")
        case State.RECONNECTING:
            back = _tr("status", "It goes on by itself when the camera is back.")
            words = f"{status.trouble.rstrip('.')}. {back}"
            now = (Light.AMBER, _tr("status", "Camera away"), words)
        case State.FAILED:
            now = (Light.RED, _tr("status", "Stopped"), str(status.error))
        case State.ENDED:
            now = (
                Light.GREY,
                _tr("status", "Ended"),
                _tr("status", "{0} has been played to its end.").format(status.source),
            )
        case State.STOPPED:
            now = (
                Light.GREY,
                _tr("status", "Stopped"),
                _tr("status", "Camera and receivers are free. Start with Ctrl+T."),
            )
        case State.RUNNING if stopped:
            now = (
                Light.RED,
                _tr("status", "Output stopped"),
                f"{stopped[0].name}: {stopped[0].error}",
            )
        case State.RUNNING if not status.sending:
            now = (
                Light.AMBER,
                _tr("status", "Not sending"),
                _tr("status", "Stopped by remote control: {0}.").format("/LiveLinkStreamStop"),
            )
        case State.RUNNING if result is None:
            now = (
                Light.AMBER,
                _tr("status", "Waiting"),
                _tr("status", "No picture from {0} yet.").format(status.source),
            )
        case State.RUNNING:
            light, title, reason = _FACE[result.status]
            now = (light, _tr("status", title), status.hint or _tr("status", reason))
    return Headline(*now)


def figures(status: SessionStatus) -> list[tuple[str, str]]:
    """Return label and value of every figure shown."""
    width_px, height_px = status.size_px
    dropped = status.dropped_by_camera + status.dropped_by_tracker
    share = dropped / max(status.captured + status.dropped_by_camera, 1)
    rows = [
        (_tr("status", "Source"), f"{status.capture_rate:.1f} fps · {width_px} × {height_px}"),
        (_tr("status", "Tracker"), f"{status.tracker_rate:.1f} fps"),
        (_tr("status", "Network"), status.network or "–"),
        (_tr("status", "Latency"), _latency(status.tracker_latency)),
        (
            _tr("status", "Dropped"),
            _tr("status", "{0} of {1} ({2:.1f} %)").format(dropped, status.captured, 100 * share),
        ),
    ]
    return rows if status.captured else [(label, "–") for label, _ in rows]


def sink_text(sink: SinkStatus) -> str:
    """Say where an output sends and how much; what goes wrong is `sink_trouble`."""
    if sink.sent == 0:
        none = _tr("status", "Nothing sent yet.")
        return f"{sink.target} · {none}" if sink.target else none
    rate = f"{sink.packets_per_s:.0f} packets/s · {sink.octets_per_s / 1000:.1f} kB/s"
    return f"{sink.target} · {rate} · {sink.latency.median_ms:.0f} ms"


def sink_trouble(sink: SinkStatus) -> str:
    """Say what is wrong with an output, or went wrong just now; empty if nothing."""
    if sink.error is not None:
        return _tr("status", "Stopped: {0}").format(sink.error)
    failed = _tr("status", "{0} packets failed: {1}").format(sink.failed, sink.trouble)
    return failed if sink.failing else ""


def remote_text(remote: RemoteStatus | None) -> str:
    """Say how the remote control fares; None while it is off."""
    if remote is None:
        return _tr("status", "Off.")
    if remote.error:
        return remote.error
    counts = [_tr("status", "{0} commands").format(remote.obeyed)]
    if remote.refused:
        counts.append(_tr("status", "{0} refused").format(remote.refused))
    if remote.malformed:
        counts.append(_tr("status", "{0} malformed").format(remote.malformed))
    return f"{remote.where} · {', '.join(counts)}"


def _latency(latency: Latency) -> str:
    if math.isnan(latency.median_ms):
        return "–"
    return f"{latency.median_ms:.0f} ms · p95 {latency.p95_ms:.0f} ms"
