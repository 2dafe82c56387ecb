"""Maya: puts the shapes of a Live Link Face CSV on a blendShape node's targets.

In the script editor: select a mesh with a blendShape, name the file in CSV_FILE, and run it.
Targets are matched by name without regard to case. A frame without a face gets no key. The file's
timecode sets the times, in seconds: the scene's own frame rate may be any.
"""

import csv

from maya import cmds

CSV_FILE = ""
_TIMECODE_BASE = 60.0  # frames a second that the file's timecode counts


def seconds(label):
    """Return hh:mm:ss:ff.mmm in seconds."""
    hours, minutes, second, frame = label.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(second) + float(frame) / _TIMECODE_BASE


def apply(path, node):
    """Set the keys; returns how many frames and shapes there were."""
    targets = {name.lower(): name for name in cmds.listAttr(node + ".w", multi=True) or []}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = [name for name in rows[0] if name.lower() in targets]
    start, frames = seconds(rows[0]["Timecode"]), 0
    for row in rows:
        if int(row["BlendShapeCount"]) == 0:
            continue
        at = "{0:.6f}sec".format((seconds(row["Timecode"]) - start) % 86400)
        for name in known:
            plug = node + "." + targets[name.lower()]
            cmds.setKeyframe(plug, time=(at,), value=float(row[name]))
        frames += 1
    return frames, len(known)


def main():
    """Work on the selected mesh's first blendShape."""
    if not CSV_FILE:
        raise RuntimeError("name the file in CSV_FILE")
    selected = cmds.ls(selection=True) or []
    history = cmds.listHistory(selected) if selected else []
    nodes = cmds.ls(history, type="blendShape") if history else []
    if not nodes:
        raise RuntimeError("select a mesh that has a blendShape node")
    frames, shapes = apply(CSV_FILE, nodes[0])
    print("{0}: {1} frames of {2} shapes".format(nodes[0], frames, shapes))


if __name__ == "__main__":
    main()
