"""Hears OSC commands on a port and answers; what is malformed is counted and dropped."""

from __future__ import annotations

import logging

from engine import osc_reader
from engine.door import Door, Pace, Packet
from engine.errors import FlowFaceError, OutputError
from engine.outputs._osc import message
from engine.profiles import Profiles
from engine.remote.settings import RemoteSettings
from engine.remote.takes import ERROR
from engine.remote.vocabulary import Controlled, Vocabulary
from engine.status import RemoteStatus
from engine.worker import Worker

PACKETS_A_SECOND, BURST = 200, 50
STOP_TIMEOUT_S = 2.0
_log = logging.getLogger(__name__)


class RemoteControl:
    """Of a session; closed until `set` opens it. Called by the session's own thread."""

    def __init__(self, session: Controlled, profiles: Profiles | None = None) -> None:
        self._session, self._profiles = session, profiles or Profiles()
        self._settings = RemoteSettings()
        self._ear: Ear | None = None
        self._error = ""

    def set(self, settings: RemoteSettings) -> None:
        """Open, move or close the port. One that cannot be had is told in the status."""
        if settings == self._settings:
            return
        self.close()
        self._settings, self._error = settings, ""
        if not settings.on:
            return
        try:
            self._ear = Ear(settings, Vocabulary(self._session, self._profiles))
        except OutputError as error:
            self._error = str(error)
            _log.warning("%s", error)

    def status(self) -> RemoteStatus | None:
        """Return a snapshot; None while it is off."""
        if not self._settings.on:
            return None
        where, ear = f"{self._settings.host}:{self._settings.port}", self._ear
        if ear is None:
            return RemoteStatus(where, error=self._error)
        return RemoteStatus(where, ear.obeyed, ear.refused, ear.malformed, self._error)

    def close(self) -> bool:
        """Close the port; False if its thread hangs."""
        ear, self._ear = self._ear, None
        self._settings = RemoteSettings()
        return ear is None or ear.close()


class Ear:
    """The open port and its thread.

    obeyed     commands carried out
    refused    well-formed messages that are no command, or cannot be carried out
    malformed  packets that are no OSC, or commands with impossible arguments
    """

    def __init__(self, settings: RemoteSettings, vocabulary: Vocabulary) -> None:
        self.obeyed = self.refused = self.malformed = 0
        self._vocabulary = vocabulary
        self._asker: tuple[str, int] | None = None
        pace = Pace(PACKETS_A_SECOND, BURST)
        self._door = Door("Remote control", settings.host, settings.port, pace)
        self._worker = Worker("remote control", self._door, self.hear, self._door.release)

    def close(self) -> bool:
        """Give the port back; False if that hangs."""
        self._door.close()
        return self._worker.join(STOP_TIMEOUT_S)

    def hear(self, packet: Packet) -> None:
        """Obey one packet, and send what replies have become due."""
        if packet.sender is not None:
            try:
                for command in osc_reader.read(packet.data):
                    self._obey(command, packet.sender)
            except ValueError:
                self.malformed += 1
        for reply in self._vocabulary.takes.replies():
            self._reply(reply)

    def _obey(self, command: osc_reader.Message, sender: tuple[str, int]) -> None:
        try:
            replies = list(self._vocabulary.obey(command))
        except KeyError:
            self.refused += 1
            return
        except FlowFaceError as error:
            self.refused += 1
            replies = [message(ERROR, str(error))]
        else:
            self.obeyed += 1
        self._asker = sender
        for reply in replies:
            self._reply(reply)

    def _reply(self, reply: bytes) -> None:
        target = self._vocabulary.target or self._asker
        if target is not None:
            self._door.answer(reply, target)
