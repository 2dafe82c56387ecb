"""ICT-FaceKit carried over to the open head's vertices: a second head model for training.

Map::

    source.py         reads the model in this program's axes; its lid and lip loops
    correspondence.py which points of both faces belong together: loops, brows, nose, chin
    registration.py   the open head laid onto the ICT neutral face
    carry.py          ICT's displacements read at the open head's vertices
    build.py          the head file;  __main__.py the command

Source: ICT-FaceKit, MIT licence, University of Southern California Institute for Creative
Technologies. Nothing made from it is shipped.
"""
