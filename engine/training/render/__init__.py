"""Synthetic pictures of heads with exact labels, drawn by ModernGL without a window.

Map::

    assets.py      MakeHuman hair, brows, lashes, teeth, tongue: fitting files read
    shape.py       identity, expression, joints -> vertices;  torso.py  shoulders and garment
    head_mesh.py   the head as drawn: seams, parts, masks;  occlusion.py  ambient occlusion
    scene.py       Scene, Look, Prop: all that determines a picture
    light.py       environment maps, spherical harmonics, lamps
    device.py      OpenGL context, buffers, textures;  wardrobe.py  parts and textures on it
    body.py        a person posed for a scene;  renderer.py  HeadRenderer.draw(scene) -> Rendered
"""
