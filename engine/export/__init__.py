"""Finished takes in other formats, one module each."""
