"""One window per user: a second start raises the first one's and ends."""

from __future__ import annotations

import getpass
import hashlib

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

_RAISE, _PATIENCE_MS = b"raise\n", 1000


class SingleInstance(QObject):
    """Either the first, which hears of others, or one that has told the first.

    name  tells users and copies of the settings apart
    """

    another_started = Signal()

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        digest = hashlib.sha256(f"{getpass.getuser()} {name}".encode()).hexdigest()[:16]
        self._name, self._server = f"flowface-live-{digest}", QLocalServer(self)
        self.first = not self._told() and self._listen()
        self._server.newConnection.connect(self._on_connection)

    def close(self) -> None:
        """Let another be the first."""
        self._server.close()

    def _told(self) -> bool:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(_PATIENCE_MS):
            return False
        socket.write(_RAISE)
        socket.waitForBytesWritten(_PATIENCE_MS)
        socket.disconnectFromServer()
        return True

    def _listen(self) -> bool:
        QLocalServer.removeServer(self._name)  # left by a program that was killed
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.listen(self._name)
        return True  # even where it cannot listen: better two windows than none

    def _on_connection(self) -> None:
        self._server.nextPendingConnection().deleteLater()
        self.another_started.emit()
