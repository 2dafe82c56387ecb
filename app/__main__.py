"""`flowface-live`: the window, with the options of `flowface live`."""

from __future__ import annotations

import sys

from app.cli import main as command_line


def main() -> int:
    """Open the window; returns the exit status."""
    return command_line(["live", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
