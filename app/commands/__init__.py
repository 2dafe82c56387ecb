"""The commands of `flowface`, one module each: `add_arguments(parser)` and `run(arguments)`."""
