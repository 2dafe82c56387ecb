"""What `flowface bench` can measure: every module is a measure and is found by its name.

A measure offers `HELP`, `add_arguments(parser)` and `run(args, config)`, which returns its tables
as text and every figure for JSON. The engine is imported where it runs: help starts with nothing.
"""
