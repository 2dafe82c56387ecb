"""The commands of `flowface`, one module each (see app.cli)."""
