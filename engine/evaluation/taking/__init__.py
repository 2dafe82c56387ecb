"""`flowface bench takes`: what is left of a take when something goes wrong while it is made.

act.py      a recording of pictures and sound of known times, with or without clock drift
killed.py   SIGKILL at random moments, and files cut off at random places
full.py     a disk that fills up
bench.py    all of it, as one table
"""
