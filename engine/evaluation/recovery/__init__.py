"""Whether the tracker loses a face when it must and has it again when it can.

`flowface bench recovery`, in parts:

stage     people cut out of clips, put into pictures where everybody's place is known
covers    hands and cloths that move over them
scenes    what happens: covers, others, cuts, gaps, sizes, light
watch     runs the tracker over a scene
judge     compares what it says with what was there
bench     all scenes, as figures and as tables
"""
