"""List, show, forget and rename the people that the program has learnt."""

from __future__ import annotations

import argparse

import numpy as np

from engine.fit.person import StoredPerson
from engine.fit.retarget import RetargetSettings
from engine.people import People
from engine.types import BLENDSHAPE_NAMES

HELP = "list, show, forget or rename the people that have been learnt"
_CHANGED = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="who is known")
    for action, about in (("show", "what is known of somebody"), ("forget", "remove somebody")):
        actions.add_parser(action, help=about).add_argument("name")
    rename = actions.add_parser("rename", help="store somebody under another name")
    rename.add_argument("name")
    rename.add_argument("new")


def run(args: argparse.Namespace) -> int:
    """Do it. Raises PersonError naming the file if that is not possible."""
    people = People()
    if args.action == "list":
        for name in people.names():
            print(name)
    elif args.action == "show":
        print(described(people.load(args.name)))
        print(f"file            {people.path(args.name)}")
    elif args.action == "forget":
        people.forget(args.name)
        print(f"{args.name}: forgotten")
    else:
        people.rename(args.name, args.new)
        print(f"{args.name}: now {args.new}")
    return 0


def described(person: StoredPerson) -> str:
    """Return what is known of a person, as text."""
    lines = [f"name            {person.name}", f"head model      {person.head}"]
    if person.knowledge is None:
        lines.append("seen            not yet")
    else:
        size = float(np.linalg.norm(person.knowledge.shape))
        lines.append(f"learnt from     {len(person.knowledge.rotations)} keyframes")
        lines.append(f"shape           {size:.1f} from the mean head")
    for camera, focal in sorted(person.focal.items()):
        spread = 100 * focal.log_sigma
        lines.append(f"focal length    {focal.focal_px:.0f} px ± {spread:.0f} % ({camera})")
    if person.rest is not None:
        usual, rest = RetargetSettings().usual.offset, person.rest.offset
        unusual = [
            f"{name} {value:.2f}"
            for name, value, expected in zip(BLENDSHAPE_NAMES, rest, usual, strict=True)
            if abs(value - expected) > _CHANGED
        ]
        lines.append(f"rest            {', '.join(unusual) or 'the usual'}")
    calibration = person.calibration
    if calibration is not None:
        moved = [
            f"{name} {offset:+.2f} x{gain:.2f}"
            for name, offset, gain in zip(
                BLENDSHAPE_NAMES, calibration.offset, calibration.gain, strict=True
            )
            if abs(offset) > _CHANGED or abs(gain - 1.0) > _CHANGED
        ]
        lines.append(f"calibration     {', '.join(moved) or 'nothing to change'}")
    return "\n".join(lines)
