"""What all outputs share: UDP that heals itself, OSC bytes, rates."""

from __future__ import annotations

import socket
import struct
import time

import numpy as np
import pytest
from made_results import lost, tracked
from pythonosc.osc_bundle import OscBundle
from scipy.spatial.transform import Rotation

from engine import clock
from engine.errors import OutputError
from engine.outputs import _datagram, _osc, _rate
from engine.outputs._datagram import DatagramSender, NetworkSettings

MS = clock.NS_PER_MS


def _bound(family: socket.AddressFamily = socket.AF_INET, host: str = "127.0.0.1") -> socket.socket:
    bound = socket.socket(family, socket.SOCK_DGRAM)
    bound.bind((host, 0))
    bound.settimeout(1.0)
    return bound


def test_what_is_sent_is_counted_and_shown() -> None:
    with _bound() as receiver:
        sender = DatagramSender("Test", "127.0.0.1", receiver.getsockname()[1])
        assert sender.send(b"one")
        assert sender.send(b"three")
        sender.traffic.show(("jawOpen",), (0.5,))
        assert [receiver.recv(99), receiver.recv(99)] == [b"one", b"three"]
        sender.close()
    assert (sender.traffic.packets, sender.traffic.octets, sender.traffic.failed) == (2, 8, 0)
    assert sender.traffic.rates() == (1.0, 4.0)  # within the last two seconds
    assert sender.traffic.values == (("jawOpen", 0.5),)


def test_ipv6() -> None:
    try:
        receiver = _bound(socket.AF_INET6, "::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with receiver:
        sender = DatagramSender("Test", "::1", receiver.getsockname()[1])
        assert sender.traffic.target.startswith("[::1]:")
        sender.send(b"six")
        assert receiver.recv(9) == b"six"
        sender.close()


def test_multicast_with_its_hops() -> None:
    group = "239.255.77.5"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("", 0))
        joined = socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        receiver.settimeout(1.0)
        network = NetworkSettings(interface="127.0.0.1", hops=3)
        sender = DatagramSender("Test", group, receiver.getsockname()[1], network)
        assert sender.send(b"all")
        assert receiver.recv(9) == b"all"
        opened = sender._socket
        assert opened is not None
        assert opened.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 3
        sender.close()


def test_broadcast_is_refused_unless_asked_for() -> None:
    with pytest.raises(OutputError, match=r"network\.broadcast"):
        DatagramSender("Test", "255.255.255.255", 40000)
    DatagramSender("Test", "255.255.255.255", 40000, NetworkSettings(broadcast=True)).close()


def test_name_is_looked_up_again_when_its_machine_has_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_datagram, "FIRST_PAUSE_NS", 20 * MS)
    with _bound() as gone:
        old = gone.getsockname()
    with _bound() as receiver:
        answers = [(socket.AF_INET, old)] + [(socket.AF_INET, receiver.getsockname())] * 50
        monkeypatch.setattr(_datagram, "look_up", lambda host, port: answers.pop(0))
        sender = DatagramSender("Test", "stage.example", old[1])
        receiver.settimeout(0.02)
        heard, deadline = b"", time.monotonic() + 5
        while not heard and time.monotonic() < deadline:
            sender.send(b"hello")
            try:
                heard = receiver.recv(9)
            except TimeoutError:
                continue
        sender.close()
    assert heard == b"hello"
    assert sender.traffic.failed > 0
    assert sender.traffic.trouble is not None


def test_time_tag_is_the_wall_time_of_the_moment() -> None:
    seconds, fraction = struct.unpack(">II", _osc.time_tag(clock.now_ns() - 1500 * MS))
    unix_s = seconds + fraction / 2**32 - 25567 * 86400  # days from 1900 to 1970
    assert unix_s == pytest.approx(time.time() - 1.5, abs=0.1)


def test_bundles_keep_order_and_limit() -> None:
    messages = [_osc.message(f"/m{i:03d}", i, 0.5, "text", True) for i in range(100)]
    packed = list(_osc.bundles(messages))
    assert all(len(packet) <= 1200 for packet in packed)
    heard = [content for packet in packed for content in OscBundle(packet)]
    assert [content.address for content in heard] == [f"/m{i:03d}" for i in range(100)]  # type: ignore[union-attr]
    assert heard[7].params == [7, 0.5, "text", True]  # type: ignore[union-attr]


def _sent(rate: _rate.Rate, times_ns: list[int]) -> list[int]:
    return [s.captured_ns for t in times_ns for s in rate(tracked(0, t))]


def test_limit_halves_60_to_30_although_the_camera_trembles() -> None:
    rng = np.random.default_rng(1)
    times = [round(i * 1e9 / 60 + rng.normal(0, 1e6)) for i in range(600)]
    sent = _sent(_rate.Rate(_rate.RateSettings(hz=30)), times)
    assert sent == times[::2]


@pytest.mark.parametrize(("camera", "limit"), [(31, 30), (50, 30), (60, 24), (120, 60)])
def test_limit_is_kept_and_used_over_a_minute(camera: int, limit: int) -> None:
    times = [round(i * 1e9 / camera) for i in range(60 * camera)]
    sent = _sent(_rate.Rate(_rate.RateSettings(hz=limit)), times)
    assert len(sent) == pytest.approx(60 * limit, abs=2)


def test_no_limit_passes_everything() -> None:
    assert _sent(_rate.Rate(_rate.RateSettings()), [0, 1, 2]) == [0, 1, 2]


def test_resampled_times_are_exact_after_an_hour() -> None:
    resample = _rate.Resampler(1e9 / 60)
    last = 0
    for seconds in (0, 0.1, 3600.0, 3600.1):
        for sample in resample(lost(0, round(seconds * 1e9))):
            last = sample.captured_ns
            assert abs(last * 60 / 1e9 - round(last * 60 / 1e9)) < 1e-6
    assert last == 3_600_100_000_000


def test_resampling_interpolates_pose_and_shapes() -> None:
    """A turn of 0.4 rad: a quarter of the way it is 0.1 rad, whatever the matrices' average is."""
    resample = _rate.Resampler(25 * MS)
    before, after = tracked(0, 0), tracked(1, 100 * MS, turn=(0, 0.4, 0), place=(0.1, 0, 0.6))
    assert [s.captured_ns for s in resample(before)] == [0]
    samples = list(resample(after))
    assert [s.captured_ns for s in samples] == [25 * MS, 50 * MS, 75 * MS, 100 * MS]
    head, shapes = samples[0].head, samples[0].blendshapes
    assert head is not None
    assert shapes is not None
    assert before.blendshapes is not None
    assert after.blendshapes is not None
    turn = Rotation.from_matrix(head.camera_from_head[:3, :3]).as_rotvec()
    np.testing.assert_allclose(turn, [0, 0.1, 0], atol=1e-9)
    np.testing.assert_allclose(head.camera_from_head[:3, 3], [0.025, 0, 0.6])
    expected = 0.75 * before.blendshapes.weights + 0.25 * after.blendshapes.weights
    np.testing.assert_allclose(shapes.weights, expected, atol=1e-6)


def test_a_lost_face_is_never_interpolated_over() -> None:
    resample = _rate.Resampler(10 * MS)
    frames = [tracked(0, 0), lost(1, 30 * MS), tracked(2, 60 * MS), tracked(3, 90 * MS)]
    faces = {s.captured_ns // MS: s.head is not None for f in frames for s in resample(f)}
    assert [t for t, face in faces.items() if face] == [0, 60, 70, 80, 90]
    assert list(faces) == list(range(0, 100, 10))


def test_nothing_is_said_across_a_long_gap() -> None:
    resample = _rate.Resampler(100 * MS)
    list(resample(tracked(0, 0)))
    assert [s.captured_ns for s in resample(tracked(1, 1000 * MS))] == [1000 * MS]
