"""Bring resources/manifest.yaml in line with the files that ship.

python packaging/manifest.py            refresh the checksums of the files that are listed
python packaging/manifest.py --check    change nothing; fail if one is absent, differs, or is
                                        not listed (texts need not be)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.resources import RESOURCES, record, sha256

_TEXTS = (".yaml", ".md", ".txt")  # read by people; a change in them is seen in the diff


def problems() -> list[str]:
    """Return one line per file that is absent, changed, or not listed."""
    listed = yaml.safe_load((RESOURCES / "manifest.yaml").read_text(encoding="utf-8"))["files"]
    found = {
        path.relative_to(RESOURCES).as_posix(): path
        for path in sorted(RESOURCES.rglob("*"))
        if path.is_file() and path.name != "manifest.yaml"
    }
    lines = [f"{key}: listed, but absent" for key in listed if key not in found]
    lines += [
        f"{key}: not listed"
        for key, path in found.items()
        if key not in listed and path.suffix not in _TEXTS
    ]
    lines += [
        f"{key}: checksum differs"
        for key in listed
        if key in found and sha256(found[key]) != listed[key]["sha256"]
    ]
    return sorted(lines)


def refresh() -> None:
    """Write the present checksums of the listed files; source and licence stay."""
    listed = yaml.safe_load((RESOURCES / "manifest.yaml").read_text(encoding="utf-8"))["files"]
    for key, entry in listed.items():
        if (RESOURCES / key).is_file():
            record(RESOURCES / key, entry["source"], entry["licence"])


def main() -> int:
    """Run the module as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        refresh()
    left = problems()
    sys.stdout.write("".join(f"{line}\n" for line in left))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
