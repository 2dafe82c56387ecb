"""Check a head model's file and say what is in it."""

from __future__ import annotations

import argparse

from engine import assembly, resources

HELP = "check a head model's file and say what is in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--name", default="open", help="which head model (default open)")


def run(args: argparse.Namespace) -> int:
    """Print the model's sizes. Raises AssetError if the file is damaged."""
    head, path = assembly.load_head(args.name), assembly.head_file(args.name)
    width_mm, height_mm, depth_mm = 1000 * (head.neutral.max(0) - head.neutral.min(0))
    print(f"file         {path.relative_to(resources.ROOT)}, sha256 {resources.sha256(path)[:16]}")
    print(f"mesh         {len(head.neutral)} vertices, {len(head.triangles)} triangles")
    print(f"size         {width_mm:.0f} x {height_mm:.0f} x {depth_mm:.0f} mm")
    print(f"identity     {len(head.identity_basis)} coefficients")
    print(f"expression   {', '.join(head.expression_names)}")
    for index, name in enumerate(head.region_names):
        print(f"region       {name}: {int((head.region == index).sum())} vertices")
    return 0
