"""VMC and plain OSC as liblo's `oscdump` reads them: a decoder that shares no code with ours."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

import pytest
from made_results import tracked

import engine.outputs
from engine import plugins
from engine.config import output_choice
from engine.types import BLENDSHAPE_NAMES

OSCDUMP = shutil.which("oscdump")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _dumped(kind: str, **settings: object) -> list[str]:
    """Return the lines `address types values...`, without the time tags before them."""
    assert OSCDUMP is not None
    port = _free_port()
    with subprocess.Popen([OSCDUMP, "-L", str(port)], stdout=subprocess.PIPE, text=True) as dump:
        time.sleep(0.5)  # it does not say when it listens
        sink = plugins.load(engine.outputs, kind).create(
            output_choice(kind, port=port, **settings).settings
        )
        sink.send(tracked(5))
        sink.close()
        time.sleep(0.5)
        dump.terminate()
        assert dump.stdout is not None
        lines = dump.stdout.read().splitlines()
    return [line[line.index("/") :] for line in lines if "/" in line]


@pytest.mark.skipif(OSCDUMP is None, reason="oscdump (liblo-tools) is not installed")
@pytest.mark.parametrize(
    ("kind", "settings"), [("vmc", {}), ("osc", {}), ("osc", {"style": "messages"})]
)
def test_liblo_reads_every_shape(kind: str, settings: dict[str, object]) -> None:
    weights = tracked(5).blendshapes
    assert weights is not None
    lines = _dumped(kind, **settings)
    for name in BLENDSHAPE_NAMES:
        if kind == "vmc":
            start = f'/VMC/Ext/Blend/Val sf "{name[0].upper()}{name[1:]}" '
        else:
            start = f"/face/{name} f "
        found = [float(line.removeprefix(start)) for line in lines if line.startswith(start)]
        assert found == [pytest.approx(weights[name], abs=1e-5)]
    if kind == "vmc":
        assert lines[0] == "/VMC/Ext/OK iiii 1 3 0 1"
        assert sum(line.startswith("/VMC/Ext/T f") for line in lines) == 1
        assert lines[-1].split()[0] == "/VMC/Ext/Blend/Apply"
