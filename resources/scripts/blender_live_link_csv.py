"""Blender: puts the shapes of a Live Link Face CSV on the selected object's shape keys.

    blender FILE.blend --python blender_live_link_csv.py -- TAKE.csv [OBJECT]

Or open it in Blender's text editor, name the file in CSV_FILE, and run it with a head selected.
Shape keys are matched by name without regard to case (jawOpen, JawOpen). A frame without a face
gets no key. The file's timecode sets the times: the scene's own frame rate may be any.
"""

import csv
import sys

import bpy

CSV_FILE = ""
_TIMECODE_BASE = 60.0  # frames a second that the file's timecode counts


def seconds(label):
    """Return hh:mm:ss:ff.mmm in seconds."""
    hours, minutes, second, frame = label.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(second) + float(frame) / _TIMECODE_BASE


def apply(path, target):
    """Set the keys; returns how many frames and shapes there were."""
    keys = {key.name.lower(): key for key in target.data.shape_keys.key_blocks[1:]}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = [name for name in rows[0] if name.lower() in keys]
    rate = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
    start, frames = seconds(rows[0]["Timecode"]), 0
    for row in rows:
        if int(row["BlendShapeCount"]) == 0:
            continue
        at = 1 + (seconds(row["Timecode"]) - start) % 86400 * rate
        for name in known:
            key = keys[name.lower()]
            key.value = float(row[name])
            key.keyframe_insert("value", frame=at)
        frames += 1
    return frames, len(known)


def main():
    """Read the arguments after --, or the constants above."""
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    path = given[0] if given else CSV_FILE
    if not path:
        raise SystemExit("name the file: -- TAKE.csv, or CSV_FILE in the script")
    target = bpy.data.objects[given[1]] if len(given) > 1 else bpy.context.object
    if target is None or not getattr(target.data, "shape_keys", None):
        raise SystemExit("select an object that has shape keys")
    frames, shapes = apply(path, target)
    print(f"{target.name}: {frames} frames of {shapes} shapes")


if __name__ == "__main__":
    main()
