"""Where the 478 points of the MediaPipe mesh lie on the open head's surface.

`python -m engine.training.anchors` places them by hand-picked loops (lids, lips), spreads the rest
by a smooth warp of the teacher's mean face, then moves every point until the fitted head agrees
with the labelled portraits on average. Points of lids and inner lips never leave their loops.
"""
