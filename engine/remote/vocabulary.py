"""The commands: those of the Live Link Face app that make sense here, and a few of our own.

Source: Epic Games, Recording face animation on iOS device, OSC commands.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import psutil

import engine.outputs
from engine import plugins
from engine.centre import Centre
from engine.config import Choice, Config, output_choice
from engine.mailbox import Slot
from engine.osc_reader import Message
from engine.outputs._osc import message
from engine.profiles import Profiles
from engine.recording.studio import Studio
from engine.remote.takes import Takes

LONGEST_TEXT = 128
MOST_RECEIVERS = 8
_LIVE_LINK = "live_link_face"


class Controlled(Protocol):
    """What is controlled: engine.session.Session."""

    config: Config
    centre: Centre
    calibration_asked: Slot[bool]

    @property
    def studio(self) -> Studio:
        """Records takes."""
        ...

    def apply(self, config: Config) -> None:
        """Change the configuration."""
        ...

    def send(self, on: bool) -> None:
        """Give the outputs what is tracked, or nothing."""
        ...

    def pause(self) -> None:
        """Let go of the camera."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...


class Vocabulary:
    """Carries commands out.

    session   what is controlled
    profiles  that can be chosen
    target    where replies go; whoever asked if None
    """

    def __init__(self, session: Controlled, profiles: Profiles) -> None:
        self._session, self._profiles = session, profiles
        self.takes = Takes(lambda: session.studio)
        self.target: tuple[str, int] | None = None
        self._commands: dict[str, list[tuple[tuple[type, ...], Callable[..., Any]]]] = {
            "/RecordStart": [((str, int), self.takes.begin), ((), self._begin_next)],
            "/RecordStop": [((), self.takes.end)],
            "/Slate": [((str,), self._set_slate)],
            "/Take": [((int,), self._set_take)],
            "/LiveLinkStreamStart": [((), lambda: session.send(True))],
            "/LiveLinkStreamStop": [((), lambda: session.send(False))],
            "/LiveLinkSubject": [((str,), self._rename_subject)],
            "/AddLiveLinkAddress": [((str, int), self._add_receiver)],
            "/ClearAllLiveLinkAddresses": [((), self._clear_receivers)],
            "/OSCSetSendTarget": [((str, int), self._set_target)],
            "/ARSessionStart": [((), self._resume)],
            "/ARSessionStop": [((), self._pause)],
            "/BatteryQuery": [((), _battery)],
            "/Recentre": [((), session.centre.here)],
            "/RecentreReset": [((), session.centre.reset)],
            "/Calibrate": [((), lambda: session.calibration_asked.put(True))],
            "/Profile": [((str,), self._choose_profile)],
        }

    def obey(self, command: Message) -> Iterator[bytes]:
        """Carry one command out and yield the replies.

        Raises KeyError for one that is not known, ValueError for impossible arguments, and a
        FlowFaceError if it cannot be done.
        """
        given = tuple(type(argument) for argument in command.arguments)
        for expected, action in self._commands[command.address]:
            if given == expected:
                for text in command.arguments:
                    if isinstance(text, str) and not _plain(text):
                        raise ValueError(f"{command.address}: {text[:LONGEST_TEXT]!r}")
                yield from action(*command.arguments) or ()
                return
        raise ValueError(f"{command.address}: arguments {command.arguments}")

    def _begin_next(self) -> Iterator[bytes]:
        return self.takes.begin(self.takes.slate, self.takes.number)

    def _set_slate(self, slate: str) -> None:
        self.takes.slate, self.takes.number = slate, 1

    def _set_take(self, number: int) -> None:
        self.takes.number = number

    def _resume(self) -> Iterator[bytes]:
        self._session.resume()
        yield message("/ARSessionStartConfirm")

    def _pause(self) -> Iterator[bytes]:
        self._session.pause()
        yield message("/ARSessionStopConfirm")

    def _set_target(self, host: str, port: int) -> Iterator[bytes]:
        self.target = _address(host, port)
        yield message("/OSCSetSendTargetConfirm")

    def _rename_subject(self, subject: str) -> None:
        self._change_outputs(
            replace(choice, settings=replace(choice.settings, subject=subject))
            if choice.kind == _LIVE_LINK
            else choice
            for choice in self._session.config.outputs
        )

    def _add_receiver(self, host: str, port: int) -> None:
        host, port = _address(host, port)
        outputs = self._session.config.outputs
        added = output_choice(_LIVE_LINK, host=host, port=port)
        if added not in outputs and len(outputs) < MOST_RECEIVERS:
            self._change_outputs((*outputs, added))

    def _clear_receivers(self) -> None:
        outputs = self._session.config.outputs
        self._change_outputs(choice for choice in outputs if choice.kind != _LIVE_LINK)

    def _change_outputs(self, outputs: Iterator[Choice] | tuple[Choice, ...]) -> None:
        kept = tuple(dict.fromkeys(outputs))  # two that have become the same are one
        for choice in kept:
            if choice not in self._session.config.outputs:
                # What cannot be opened is told to who asked, and does not stop the session.
                plugins.load(engine.outputs, choice.kind).create(choice.settings).close()
        self._session.apply(replace(self._session.config, outputs=kept))

    def _choose_profile(self, name: str) -> None:
        # Who is in control stays so, whatever the profile says of it.
        profile = replace(self._profiles.load(name), remote=self._session.config.remote)
        self._session.apply(profile)


def _battery() -> Iterator[bytes]:
    """Say how full the battery is, 0 to 1; 1 for a machine that has none."""
    battery = psutil.sensors_battery()
    yield message("/Battery", 1.0 if battery is None else float(battery.percent) / 100.0)


def _plain(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_TEXT and text.isprintable()


def _address(host: str, port: int) -> tuple[str, int]:
    """Check an address; names are not looked up, which may take long. Raises ValueError."""
    ipaddress.ip_address(host)
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port}")
    return host, port
