"""Takes on disk.

::

    TAKE/
      take.yaml         what was recorded, with what; says `recording` until it is complete
      tracking.arrows   one row a frame (schema.py), Apache Arrow IPC stream, readable when cut off
"""
