"""Errors that a user can act on. Every message names the file, key or device and what is allowed.

::

    FlowFaceError
    ├── ConfigError      a setting: unknown key, wrong type, value out of range
    ├── SourceError      a camera or a video: absent, unreadable, not a video
    ├── AssetError       a shipped file (head, weights): absent, wrong checksum, wrong version
    ├── BackendError     a way to run the network: its package or its graphics card is absent
    ├── OutputError      a receiver: host unknown, port out of range
    ├── PersonError      a stored person: absent, damaged, of another head model
    ├── CalibrationError a calibration that does not succeed: no chessboard, too few views
    ├── TakeError        a take on disk: absent, incomplete, would be overwritten
    └── TrackingError    nothing to track: no face in the whole video
"""


class FlowFaceError(Exception):
    """Base of everything that is the user's to mend, not a defect of the program."""


class ConfigError(FlowFaceError):
    """A setting is unknown, of the wrong type, or out of range."""


class SourceError(FlowFaceError):
    """A camera or a video file cannot be opened or read."""


class AssetError(FlowFaceError):
    """A file that ships with the program is absent, damaged, or of another version."""


class BackendError(FlowFaceError):
    """A backend cannot run here: a package is not installed, or there is no such device."""


class OutputError(FlowFaceError):
    """A receiver cannot be addressed."""


class PersonError(FlowFaceError):
    """A stored person is absent, damaged, or belongs to another head model."""


class CalibrationError(FlowFaceError):
    """A calibration does not succeed, or what it has stored is damaged."""


class TakeError(FlowFaceError):
    """A take cannot be written, or what is on disk is no take."""


class TrackingError(FlowFaceError):
    """There is nothing to track."""
