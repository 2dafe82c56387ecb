"""Build a head file with ICT-FaceKit's people: `python -m engine.training.ict --out FILE`.

The file has the open head's vertices, UV layout and expression names, and is drawn by
`python -m engine.training.render --head FILE`. It serves training and measuring; it is not shipped.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np

from engine.fit.heads import open_head
from engine.resources import data_folder
from engine.training.ict.build import build
from engine.training.ict.source import read_ict


def main() -> None:
    """Build, write, and report how well the faces agree."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        prog="python -m engine.training.ict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="the head file to write (.npz)")
    parser.add_argument("--sheet", type=Path, help="picture of all shapes to write")
    arguments = parser.parse_args()
    arrays, measured = build(open_head.load(), read_ict(data_folder() / "ict" / "ict_facekit.npz"))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(arguments.out, allow_pickle=False, **arrays)
    for name, value in asdict(measured).items():
        logging.getLogger(__name__).info("%s: %.3f", name, value)
    if arguments.sheet is not None:
        _draw(arrays, arguments.sheet)


def _draw(arrays: dict[str, np.ndarray], path: Path) -> None:
    # Only the sheet needs OpenGL; the file can be built on a machine without it.
    from engine.training.head_build import sheet

    sheet.write(path, sheet.shapes_sheet(arrays))
    sheet.write(path.with_stem(f"{path.stem}_people"), sheet.identities_sheet(arrays))


if __name__ == "__main__":
    main()
