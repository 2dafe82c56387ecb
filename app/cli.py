"""`flowface COMMAND`: every module of app/commands is a command; `send_test` is `send-test`.

A command module offers `HELP`, `add_arguments(parser)` and `run(args) -> int`. Only the module that
is asked for is imported, so that a command starts with nothing but what it needs.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import app.commands
from app.version import program_version
from engine import plugins
from engine.errors import FlowFaceError

USER_ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for what the user can mend, 130 for Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = _parser(given).parse_args(given)
    shown = logging.StreamHandler()
    shown.setLevel(logging.INFO if args.verbose else logging.WARNING)
    # The log window shows what the terminal need not.
    logging.basicConfig(
        level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", handlers=[shown]
    )
    try:
        return args.run(args)
    except FlowFaceError as error:
        print(f"flowface: error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser(given: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="flowface", description="Webcam face tracking.")
    parser.add_argument("--version", action="version", version=program_version())
    parser.add_argument("-v", "--verbose", action="store_true", help="say what happens")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    kinds = plugins.kinds(app.commands)
    asked = next((kind for word in given if (kind := word.replace("-", "_")) in kinds), None)
    for kind in kinds:
        if asked is None or kind == asked:
            module = plugins.load(app.commands, kind)
            about: str = module.HELP
            command = commands.add_parser(kind.replace("_", "-"), help=about, description=about)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
