"""Finished takes in other formats, one module each.

A module here offers `write(take: Take, head: HeadModel, destination: Path) -> None`, which writes
the file in one step: a file that is there is whole.
"""
