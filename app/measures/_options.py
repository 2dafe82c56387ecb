"""Options that several measures share."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.choices import positive
from engine.errors import ConfigError
from engine.resources import data_folder


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare --data."""
    parser.add_argument(
        "--data",
        type=Path,
        default=data_folder(),
        metavar="FOLDER",
        help="the measuring data (default: FLOWFACE_DATA)",
    )


def add_limit(parser: argparse.ArgumentParser, of: str) -> None:
    """Declare --limit.

    of  what is counted
    """
    parser.add_argument("--limit", type=positive, metavar="N", help=f"only so many {of}")


def add_clips(parser: argparse.ArgumentParser) -> None:
    """Declare --clips."""
    parser.add_argument("--clips", nargs="+", metavar="NAME", help="only these (default: all)")


def add_rival(parser: argparse.ArgumentParser, on: str) -> None:
    """Declare --rival.

    on  what it is measured on
    """
    parser.add_argument(
        "--rival", type=Path, metavar="PYTHON", help=f"a Python with mediapipe, measured on {on}"
    )


def add_sequences(parser: argparse.ArgumentParser) -> None:
    """Declare --sequences."""
    parser.add_argument(
        "--sequences", type=Path, metavar="FOLDER", help="the rendered test sequences"
    )


def add_rendered(parser: argparse.ArgumentParser) -> None:
    """Declare --rendered."""
    parser.add_argument("--rendered", type=Path, metavar="PACK", help="rendered test images to add")


def needed(args: argparse.Namespace, option: str, value: str) -> Path:
    """Return the path given by an option. Raises ConfigError if it was not given."""
    path: Path | None = getattr(args, option)
    if path is None:
        raise ConfigError(f"bench {args.what}: --{option} {value} is needed")
    return path


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Declare --cache."""
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep the judge's answers here for the next run",
    )


def add_variants(parser: argparse.ArgumentParser) -> None:
    """Declare --variants."""
    parser.add_argument(
        "--variants",
        nargs="+",
        metavar="NAME",
        help="settings of the fit, see engine/evaluation/fit_variants.py (default: all)",
    )
