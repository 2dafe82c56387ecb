"""What the session does, in words for the user. Knows no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from engine.status import Latency, RemoteStatus, SessionStatus, SinkStatus, State
from engine.types import Status, TrackResult


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
    Status.TRACKING: (Light.GREEN, "Face found", "Measuring pose, gaze and expression."),
    Status.LOST: (Light.AMBER, "Face lost", "It left the picture or became unreliable."),
    Status.SEARCHING: (
        Light.AMBER,
        "Looking for a face",
        "None in the picture, or it is turned away, covered, or too dark.",
    ),
}


def headline(status: SessionStatus, result: TrackResult | None) -> Headline:
    """Say what is going on.

    result  the newest, or None before the first
    """
    stopped = [sink for sink in status.sinks if sink.error is not None]
    match status.state:
        case State.STARTING:
            step = status.progress[1] or "Opening the source"
            now = (Light.AMBER, "Starting…", f"{step}…")
        case State.RECONNECTING:
            words = f"{status.trouble.rstrip('.')}. It goes on by itself when the camera is back."
            now = (Light.AMBER, "Camera away", words)
        case State.FAILED:
            now = (Light.RED, "Stopped", str(status.error))
        case State.ENDED:
            now = (Light.GREY, "Ended", f"{status.source} has been played to its end.")
        case State.STOPPED:
            now = (Light.GREY, "Stopped", "Camera and receivers are free. Start with Ctrl+T.")
        case State.RUNNING if stopped:
            now = (Light.RED, "Output stopped", f"{stopped[0].name}: {stopped[0].error}")
        case State.RUNNING if not status.sending:
            now = (Light.AMBER, "Not sending", "Stopped by remote control: /LiveLinkStreamStop.")
        case State.RUNNING if result is None:
            now = (Light.AMBER, "Waiting", f"No picture from {status.source} yet.")
        case State.RUNNING:
            light, title, reason = _FACE[result.status]
            now = (light, title, status.hint or reason)
    return Headline(*now)


def figures(status: SessionStatus) -> list[tuple[str, str]]:
    """Return label and value of every figure shown."""
    width_px, height_px = status.size_px
    dropped = status.dropped_by_camera + status.dropped_by_tracker
    share = dropped / max(status.captured + status.dropped_by_camera, 1)
    rows = [
        ("Source", f"{status.capture_rate:.1f} fps · {width_px} × {height_px}"),
        ("Tracker", f"{status.tracker_rate:.1f} fps"),
        ("Network", status.network or "–"),
        ("Latency", _latency(status.tracker_latency)),
        ("Dropped", f"{dropped} of {status.captured} ({100 * share:.1f} %)"),
    ]
    return rows if status.captured else [(label, "–") for label, _ in rows]


def sink_text(sink: SinkStatus) -> str:
    """Say where an output sends and how much; what goes wrong is `sink_trouble`."""
    if sink.sent == 0:
        return f"{sink.target} · nothing sent yet" if sink.target else "Nothing sent yet."
    rate = f"{sink.packets_per_s:.0f} packets/s · {sink.octets_per_s / 1000:.1f} kB/s"
    return f"{sink.target} · {rate} · {sink.latency.median_ms:.0f} ms"


def sink_trouble(sink: SinkStatus) -> str:
    """Say what is wrong with an output, or went wrong just now; empty if nothing."""
    if sink.error is not None:
        return f"Stopped: {sink.error}"
    return f"{sink.failed} packets failed: {sink.trouble}" if sink.failing else ""


def remote_text(remote: RemoteStatus | None) -> str:
    """Say how the remote control fares; None while it is off."""
    if remote is None:
        return "Off."
    if remote.error:
        return remote.error
    counts = [f"{remote.obeyed} commands"]
    if remote.refused:
        counts.append(f"{remote.refused} refused")
    if remote.malformed:
        counts.append(f"{remote.malformed} malformed")
    return f"{remote.where} · {', '.join(counts)}"


def _latency(latency: Latency) -> str:
    if math.isnan(latency.median_ms):
        return "–"
    return f"{latency.median_ms:.0f} ms · p95 {latency.p95_ms:.0f} ms"
