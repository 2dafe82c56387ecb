"""What the user is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.status_text import Light, figures, headline, sink_text, sink_trouble
from engine.errors import SourceError
from engine.status import Latency, SessionStatus, SinkStatus, State
from engine.types import Status, TrackResult


def result(status: Status) -> TrackResult:
    return TrackResult(0, 0, 1, status, stage_ns={"align": 12_300_000, "detect": 4_000})


@pytest.mark.parametrize(
    ("status", "light", "words"),
    [
        (SessionStatus(State.STARTING), Light.AMBER, "Opening the source"),
        (SessionStatus(State.STARTING, progress=(0.5, "Reading")), Light.AMBER, "Reading…"),
        (SessionStatus(State.FAILED, SourceError("camera 3: gone")), Light.RED, "camera 3: gone"),
        (SessionStatus(State.ENDED, source="a.mp4"), Light.GREY, "a.mp4 has been played"),
        (SessionStatus(State.RUNNING, source="Cam"), Light.AMBER, "No picture from Cam"),
    ],
)
def test_headline_before_and_after_tracking(
    status: SessionStatus, light: Light, words: str
) -> None:
    now = headline(status, None)
    assert now.light is light
    assert words in now.reason


def test_every_face_status_has_its_own_headline() -> None:
    said = {status: headline(SessionStatus(State.RUNNING), result(status)) for status in Status}
    assert [status for status, now in said.items() if now.light is Light.GREEN] == [Status.TRACKING]
    assert len({now.title for now in said.values()}) == len(Status)


def test_a_stopped_output_comes_before_the_face() -> None:
    sink = SinkStatus("vmc", "vmc", 3, 0, 0, Latency(1.0, 2.0), "no route to host")
    now = headline(SessionStatus(State.RUNNING, sinks=(sink,)), result(Status.TRACKING))
    assert (now.light, now.reason) == (Light.RED, "vmc: no route to host")
    assert sink_trouble(sink) == "Stopped: no route to host"


def test_figures() -> None:
    status = SessionStatus(
        State.RUNNING,
        network="ONNX Runtime 1.2 on the CPU, 2 threads",
        size_px=(640, 480),
        captured=190,
        capture_rate=29.96,
        tracker_rate=28.04,
        tracker_latency=Latency(17.6, 24.2),
        dropped_by_camera=10,
        dropped_by_tracker=6,
    )
    assert dict(figures(status)) == {
        "Source": "30.0 fps · 640 × 480",
        "Tracker": "28.0 fps",
        "Network": "ONNX Runtime 1.2 on the CPU, 2 threads",
        "Latency": "18 ms · p95 24 ms",
        "Dropped": "16 of 190 (8.0 %)",
    }
    assert {value for _, value in figures(SessionStatus(State.STARTING))} == {"–"}


def test_what_an_output_has_sent() -> None:
    latency = Latency(17.6, 24.2)
    assert sink_text(SinkStatus("vmc", "vmc", 0, 0, 0, latency, None)) == "Nothing sent yet."
    sink = SinkStatus("vmc", "vmc", 90, 0, 7, latency, None, trouble="down", failing=True)
    sink = replace(sink, target="a:1", packets_per_s=30.0, octets_per_s=12_340.0)
    assert sink_text(sink) == "a:1 · 30 packets/s · 12.3 kB/s · 18 ms"
    assert sink_trouble(sink) == "7 packets failed: down"
    assert sink_trouble(replace(sink, failing=False)) == ""


def test_a_camera_that_is_away_is_told_with_its_reason() -> None:
    now = headline(SessionStatus(State.RECONNECTING, trouble="Acme is not connected."), None)
    assert (now.light, now.title) == (Light.AMBER, "Camera away")
    assert now.reason.startswith("Acme is not connected. It goes on by itself")


def test_a_measured_cause_stands_for_the_usual_words() -> None:
    status = SessionStatus(State.RUNNING, hint="Too dark.")
    assert headline(status, result(Status.LOST)).reason == "Too dark."
    assert headline(status, result(Status.TRACKING)).reason == "Too dark."
