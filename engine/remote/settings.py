"""Whether this program can be controlled from another one, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from engine.settings import setting


@dataclass(frozen=True)
class RemoteSettings:
    """Remote control over OSC."""

    on: bool = setting(False, "Obey OSC commands such as /RecordStart.")
    host: str = setting(
        "127.0.0.1",
        "Address of this machine that listens: 127.0.0.1 hears this machine alone, 0.0.0.0 "
        "whoever is in the network.",
    )
    port: int = setting(8000, "UDP port that listens.", minimum=1, maximum=65535)
