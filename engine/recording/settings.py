"""How takes are recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.recording.timecode import RATES
from engine.settings import setting


@dataclass(frozen=True)
class FilmSettings:
    """How pictures and sound are stored."""

    codec: str = setting(
        "auto",
        "Of the pictures: auto takes a hardware encoder where there is one; ffv1 loses nothing.",
        choices=("auto", "h264", "ffv1"),
    )
    sound_codec: str = setting(
        "flac", "Of the sound: flac loses nothing, opus is small.", choices=("flac", "opus")
    )


@dataclass(frozen=True)
class DiskSettings:
    """When to warn and when to stop."""

    warn_minutes: float = setting(
        10.0, "Warn when the disk has room for fewer minutes.", minimum=0.0
    )
    reserve_mb: int = setting(500, "Stop cleanly when no more than this is free.", minimum=1)


@dataclass(frozen=True)
class RecordSettings:
    """How takes are recorded."""

    folder: str | None = setting(None, "Where takes are kept; the user's videos if not given.")
    pre_roll_s: float = setting(
        2.0, "Seconds before the button that a take begins with.", minimum=0.0, maximum=10.0
    )
    countdown_s: int = setting(0, "Seconds from the button to the take.", minimum=0, maximum=30)
    timecode: str = setting(
        "system",
        "Time of day; counted from zero; or heard on the sound input (LTC).",
        choices=("system", "free", "ltc"),
    )
    timecode_rate: str | None = setting(
        None, "Frames a second of the timecode; the camera's if not given.", choices=tuple(RATES)
    )
    alignment: bool = setting(True, "Keep where the network saw the surface, for refinement.")
    film: FilmSettings = field(default=FilmSettings(), metadata={"about": "Codecs."})
    disk: DiskSettings = field(default=DiskSettings(), metadata={"about": "Free space."})


@dataclass(frozen=True)
class SoundSettings:
    """Which device, and how it is read."""

    device: str | None = setting(None, "Name of the input; the system's usual one if not given.")
    on: bool = setting(True, "Record sound with a take.")
    sample_rate: int = setting(48000, "Samples a second.", choices=(44100, 48000, 96000))
    channels: int = setting(1, "1 for mono, 2 for stereo.", choices=(1, 2))
    ltc_channel: int = setting(
        1, "Channel that carries linear timecode, from 1 on.", minimum=1, maximum=2
    )
