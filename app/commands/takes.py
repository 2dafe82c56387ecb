"""List, check, mend, rename and remove takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.choices import saved_config
from engine.errors import TakeError
from engine.recording import library
from engine.recording.recover import recover, unfinished
from engine.recording.studio import takes_folder
from engine.recording.verify import verify

HELP = "list, verify, recover, rename or remove takes"
BROKEN = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what there is, the newest first")
    listing.add_argument(
        "folder", type=Path, nargs="?", help="where; the user's takes if not given"
    )
    checking = actions.add_parser("verify", help="check every stream, count, checksum and sync")
    checking.add_argument("take", type=Path, nargs="+", metavar="TAKE_DIR")
    mending = actions.add_parser("recover", help="mend takes that were cut off while recording")
    mending.add_argument(
        "take", type=Path, nargs="*", metavar="TAKE_DIR", help="all of the user's if none is given"
    )
    naming = actions.add_parser("rename", help="give a take another slate")
    naming.add_argument("take", type=Path, metavar="TAKE_DIR")
    naming.add_argument("slate")
    removing = actions.add_parser("remove", help="put takes into the bin beside them")
    removing.add_argument("take", type=Path, nargs="+", metavar="TAKE_DIR")


def run(args: argparse.Namespace) -> int:
    """Do it. Raises TakeError naming the take if that is not possible."""
    if args.action == "list":
        return _list(args.folder or _usual())
    if args.action == "verify":
        return _verify(args.take)
    if args.action == "recover":
        return _recover(args.take or unfinished(_usual()))
    if args.action == "rename":
        print(library.rename(args.take, args.slate))
        return 0
    for take in args.take:
        print(f"{take}: now {library.put_into_bin(take)}")
    return 0


def _usual() -> Path:
    return takes_folder(saved_config().recording)


def _list(root: Path) -> int:
    for listed in library.takes(root):
        if listed.info is None:
            print(f"{listed.folder.name:24} {listed.problem}")
            continue
        info = listed.info
        stars = "*" * info.rating
        print(
            f"{listed.folder.name:24} {info.started_at[:19]:19} {listed.seconds:8.1f} s "
            f"{info.frames:7} frames  {info.status:9} {stars:5} {info.notes}".rstrip()
        )
    return 0


def _verify(folders: list[Path]) -> int:
    broken = 0
    for folder in folders:
        wrong = verify(folder)
        broken += bool(wrong)
        print(f"{folder}: {'whole' if not wrong else 'NOT WHOLE'}")
        for line in wrong:
            print(f"  {line}")
    return BROKEN if broken else 0


def _recover(folders: list[Path]) -> int:
    if not folders:
        print("nothing to mend")
    failed = 0
    for folder in folders:
        try:
            kept = recover(folder)
        except TakeError as error:
            failed += 1
            print(error)
            continue
        print(
            f"{folder}: mended, {kept.pictures} pictures ({kept.seconds:.1f} s), "
            f"{kept.frames} tracked frames"
        )
    return BROKEN if failed else 0
