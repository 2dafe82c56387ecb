"""What five outputs at once cost, lose and tremble: sent over loopback and counted there."""

from __future__ import annotations

import socket
import time
from typing import Any

import numpy as np

import engine.outputs
from engine import clock, plugins, sweep
from engine.config import output_choice
from engine.fit.heads import HeadModel
from engine.outputs import Sink

FIVE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("vmc", {}),
    ("vmc", {"shapes": "both"}),
    ("live_link_face", {}),
    ("face_cap", {}),
    ("osc", {}),
)
COST_HZ, LOSS_HZ = 60, 120
COST_SECONDS = 10.0


def run(head: HeadModel, seconds: float) -> dict[str, Any]:
    """Measure cost at 60 Hz, then loss and jitter at 120 Hz.

    seconds  of the run at 120 Hz
    """
    cost, _, _, _ = _played(head, COST_SECONDS, COST_HZ, FIVE)
    _, sent, received, late_ms = _played(head, seconds, LOSS_HZ, FIVE)
    # The same loop with nothing to send: what the machine's own sleep trembles.
    _, _, _, idle_ms = _played(head, min(seconds, COST_SECONDS), LOSS_HZ, ())
    return {
        "outputs": len(FIVE),
        "cost_ms_median": float(np.median(cost)),
        "cost_ms_p99": float(np.percentile(cost, 99)),
        "seconds": seconds,
        "packets_sent": sent,
        "packets_lost": sent - received,
        "jitter_ms_p50": float(np.percentile(late_ms, 50)),
        "jitter_ms_p99": float(np.percentile(late_ms, 99)),
        "idle_jitter_ms_p99": float(np.percentile(idle_ms, 99)),
    }


def text(figures: dict[str, Any]) -> str:
    """Return the figures as lines."""
    return (
        f"processor time of {figures['outputs']} outputs, {COST_HZ} Hz   "
        f"{figures['cost_ms_median']:.3f} ms a frame (p99 {figures['cost_ms_p99']:.3f})\n"
        f"packets lost at {LOSS_HZ} Hz, {figures['seconds']:.0f} s    "
        f"{figures['packets_lost']} of {figures['packets_sent']}\n"
        f"jitter of the send interval       "
        f"{figures['jitter_ms_p50']:.3f} ms median, {figures['jitter_ms_p99']:.3f} ms p99 "
        f"({figures['idle_jitter_ms_p99']:.3f} ms with nothing to send)\n"
    )


def _played(
    head: HeadModel, seconds: float, hz: int, kinds: tuple[tuple[str, dict[str, Any]], ...]
) -> tuple[list[float], int, int, list[float]]:
    """Return processor ms of every frame, packets sent and received, and deviations in ms.

    kinds  kind and settings of every output
    """
    frames = [sweep.frame(head, index / hz) for index in range(round(sweep.SECONDS * hz))]
    receivers = [_receiver() for _ in kinds]
    sinks = [_sink(*one, to) for one, to in zip(kinds, receivers, strict=True)]
    cost: list[float] = []
    at: list[int] = []
    received, start_ns = 0, clock.now_ns()
    try:
        for index in range(round(seconds * hz)):
            clock.sleep_until(start_ns + round(index * clock.NS_PER_S / hz))
            at.append(clock.now_ns())
            before_ns = time.thread_time_ns()
            for sink in sinks:
                sink.send(frames[index % len(frames)])
            cost.append((time.thread_time_ns() - before_ns) / clock.NS_PER_MS)
            received += sum(_drained(receiver) for receiver in receivers)
    finally:
        for opened in (*sinks, *receivers):
            opened.close()
    sent = sum(sink.traffic.packets for sink in sinks)
    late = np.abs(np.diff(at) - clock.NS_PER_S / hz) / clock.NS_PER_MS
    return cost, sent, received, late.tolist()


def _receiver() -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)
    return receiver


def _sink(kind: str, values: dict[str, Any], to: socket.socket) -> Sink:
    choice = output_choice(kind, port=to.getsockname()[1], **values)
    return plugins.load(engine.outputs, kind).create(choice.settings)


def _drained(receiver: socket.socket) -> int:
    count = 0
    while True:
        try:
            receiver.recv(65536)
        except BlockingIOError:
            return count
        count += 1
