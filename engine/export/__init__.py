"""Finished takes in other formats, one module each.

A module here offers `SUFFIX` (of the file; empty where it writes a folder) and
`write(take: Take, head: HeadModel, destination: Path, job: Job = Job()) -> None`, which writes file
or folder in one step: what is there is whole.
"""
