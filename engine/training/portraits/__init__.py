"""Training images made of portraits: fits, re-renderings with exact labels, and plain labels.

collection       pictures and the teacher's landmarks from the data folder
landmark_model   the head model at the landmarks alone; fit: the batched solver
registration     where every vertex of a fitted head lies in its portrait
variation        new expressions, poses, gaze and light
rerender         draws the varied head with the portrait as its texture
stream           packs: stream (b) re-rendered portraits, stream (c) labelled ones

`python -m engine.training.portraits` runs them. The portraits are not part of the project.
"""
