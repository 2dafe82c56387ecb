"""Compiles the GLSL of shaders/."""

from __future__ import annotations

import moderngl

from engine.errors import AssetError
from engine.resources import SHADERS

INCLUDED = "colour.glsl"


def compile_program(context: moderngl.Context, name: str) -> moderngl.Program:
    """Compile shaders/<name>.vert and shaders/<name>.frag, with colour.glsl included.

    Raises AssetError if a file is absent or the driver rejects it.
    """
    context.includes[INCLUDED] = _source(INCLUDED)
    try:
        return context.program(
            vertex_shader=_source(f"{name}.vert"), fragment_shader=_source(f"{name}.frag")
        )
    except moderngl.Error as error:
        raise AssetError(f"{SHADERS / name}: the graphics driver rejects it: {error}") from error


def _source(file_name: str) -> str:
    try:
        return (SHADERS / file_name).read_text(encoding="utf-8")
    except OSError as error:
        raise AssetError(
            f"{SHADERS / file_name}: cannot be read; install the program again"
        ) from error
