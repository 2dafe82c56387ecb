"""The FlowFace engine: camera frames in, head pose, blendshapes and gaze out.

Runs without a window.

Map of the tree::

    types.py geometry.py clock.py errors.py   what flows, axes and units, time, the exception tree
    mailbox.py worker.py                      Slot and Backlog; the only maker of threads
    plugins.py settings.py config.py          implementations by module name; settings, their file
    capture/sources/                          frames in: webcam, video file, demo
    network/                                  where to look, the network, weights, backends
    fit/                                      head models, solver, identity, retarget, Tracker
    outputs/                                  results out: VMC over OSC
    recording/ export/                        takes on disk; takes in somebody else's format
    evaluation/                               the measures behind ``flowface bench``
    training/                                 synthetic images; how the weights were made
    axes.py                                   our axes and other systems'
    session.py assembly.py graph.py status.py builds, runs and reports on the graph of threads

Flow (one direction)::

    source.take -> [capture thread] --Frame--> Slot -> [tracker thread: Tracker.step]
                                                  --TrackResult--> Slot -> [output thread] -> OSC
                                                  --TrackResult--> Slot <- polled by the window

Commands (start, stop, a new configuration) go the other way and only through Session's methods.
"""
