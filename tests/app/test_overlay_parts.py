"""Shaders, colours, mesh preparation, placement, legend: each by itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import moderngl
import numpy as np
import pytest

from app.render import shaders
from app.render.colour_map import uncertainty_colours
from app.render.head_mesh import (
    corners,
    named_regions,
    quad_diagonals,
    region_colours,
    vertex_normals,
)
from app.render.legend import draw_key, draw_legend
from app.render.placement import Placement
from engine.errors import AssetError
from engine.fit.heads import HeadModel
from engine.resources import SHADERS


@pytest.mark.parametrize("name", sorted(path.stem for path in SHADERS.glob("*.vert")))
def test_every_shader_compiles(context: moderngl.Context, name: str) -> None:
    assert len(list(shaders.compile_program(context, name))) > 0


def test_a_broken_or_absent_shader_is_named(
    context: moderngl.Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shaders, "SHADERS", tmp_path)
    with pytest.raises(AssetError, match=r"colour\.glsl"):
        shaders.compile_program(context, "head")
    (tmp_path / "colour.glsl").write_text("")
    (tmp_path / "head.vert").write_text("#version 330 core\nvoid main() { nonsense }")
    (tmp_path / "head.frag").write_text("#version 330 core\nvoid main() {}")
    with pytest.raises(AssetError, match="head: the graphics driver rejects"):
        shaders.compile_program(context, "head")


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        # IEC 61966-2-1: mid grey, the toe, and both ends.
        ("linear_from_srgb", 188 / 255, 0.50289),
        ("linear_from_srgb", 10 / 255, 0.0030353),
        ("srgb_from_linear", 0.5, 0.735357),
        ("srgb_from_linear", 0.18, 0.461356),
        ("srgb_from_linear", 0.002, 0.02584),
        ("srgb_from_linear", 1.0, 1.0),
    ],
)
def test_colour_functions(
    context: moderngl.Context, function: str, value: float, expected: float
) -> None:
    context.includes["colour.glsl"] = (SHADERS / "colour.glsl").read_text()
    program = context.program(
        vertex_shader="""
            #version 330 core
            void main() {
                gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4 - 1, 0, 1);
            }
        """,
        fragment_shader=f"""
            #version 330 core
            #include "colour.glsl"
            uniform float value;
            out vec4 pixel;
            void main() {{ pixel = vec4({function}(vec3(value)), 1.0); }}
        """,
    )
    target = context.framebuffer([context.renderbuffer((1, 1), 4, dtype="f4")])
    target.use()
    program["value"] = value
    context.vertex_array(program, []).render(moderngl.TRIANGLES, vertices=3)
    found = np.frombuffer(target.read(components=1, dtype="f4"), np.float32)[0]
    assert found == pytest.approx(expected, rel=2e-4)


def test_colours_of_uncertainty_step_evenly_and_grow_darker() -> None:
    """Judged in CIELAB by OpenCV, which shares nothing with the Oklab that the map is made in."""
    colours = uncertainty_colours()[None].astype(np.float32) / 255
    lab = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)[0]
    coarse = lab[::16]
    steps = np.linalg.norm(np.diff(coarse, axis=0), axis=1)
    assert np.diff(coarse[:, 0]).max() < 0
    assert steps.min() > 5
    assert steps.max() < 3 * steps.min()


def test_quads_are_found_again() -> None:
    """A wavy grid, every quad cut along a random diagonal, triangles in random order."""
    rng, side = np.random.default_rng(3), 12
    x, y = np.meshgrid(np.arange(side, dtype=float), np.arange(side, dtype=float))
    vertices = np.stack([x, y, 0.2 * np.sin(x + y)], axis=-1).reshape(-1, 3)
    vertices[:, :2] += rng.uniform(-0.12, 0.12, (side * side, 2))
    triangles, diagonals = [], set()
    for r, c in np.ndindex(side - 1, side - 1):
        a, b, d, e = r * side + c, r * side + c + 1, (r + 1) * side + c, (r + 1) * side + c + 1
        cut = [(a, b, e), (a, e, d)] if rng.random() < 0.5 else [(a, b, d), (b, e, d)]
        diagonals.add(frozenset(set(cut[0]) & set(cut[1])))
        triangles += cut
    shuffled = np.array(triangles, np.int32)[rng.permutation(len(triangles))]
    found = {
        frozenset(np.delete(shuffled[triangle], opposite).tolist())
        for triangle, opposite in quad_diagonals(vertices, shuffled)
    }
    assert found == diagonals
    drawn = corners(vertices, shuffled)
    for index, triangle in enumerate(shuffled):
        for opposite in range(3):
            hidden = frozenset(np.delete(triangle, opposite).tolist()) in diagonals
            assert (drawn[index, :, opposite] == 255).all() == hidden


def test_normals_of_a_sphere_point_away_from_its_centre() -> None:
    across, around = np.meshgrid(np.linspace(0.05, 3.09, 40), np.linspace(0, 2 * np.pi, 81)[:-1])
    points = np.stack(
        [np.sin(across) * np.cos(around), np.sin(across) * np.sin(around), np.cos(across)], axis=-1
    )
    index = np.arange(points[..., 0].size).reshape(across.shape)
    after = np.roll(index, -1, axis=0)
    a, b, c, d = index[:, :-1], index[:, 1:], after[:, :-1], after[:, 1:]
    facets = [np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (b, d, c))]
    triangles = np.concatenate(facets).astype(np.int32)
    normals = vertex_normals(points.reshape(-1, 3), triangles)
    inner = index[:, 2:-2].ravel()
    cosine = (normals * points.reshape(-1, 3)).sum(axis=1)[inner]
    assert cosine.min() > 0.999


def test_placement_of_a_wide_picture_on_a_square() -> None:
    placement = Placement((200, 100), (400, 400))
    assert placement.rectangle_px == (0.0, 100.0, 400.0, 200.0)
    assert placement.scissor == (0, 100, 400, 200)
    scale_x, scale_y, shift_x, shift_y = placement.ndc_from_image
    assert (200 * scale_x + shift_x, 100 * scale_y + shift_y) == pytest.approx((1.0, -0.5))


def test_the_legend_shows_the_colours_from_end_to_end() -> None:
    plate, colours = draw_legend(6.4, scale=2.0), uncertainty_colours()
    bar = plate[64]
    assert (bar[24, :3] == colours[0]).all()
    assert (bar[-25, :3] == colours[-1]).all()
    assert plate[0, 0, 3] == 0  # rounded off
    assert (plate != draw_legend(9.7, scale=2.0)).any()  # other numbers


@pytest.mark.parametrize("whole", [False, True])
def test_the_key_of_regions_shows_their_colours_and_cuts_no_name(
    head: HeadModel, whole: bool
) -> None:
    entries = named_regions(head, whole)
    names = [name for name, _ in entries]
    assert ("Scalp" in names) == whole
    assert {"Nose", "Mouth", "Eyeball left"} <= set(names)
    nose = head.region_names.index("nose")
    linear = region_colours(head)[head.region == nose][0] / 255
    expected = [255 * (1.055 * value ** (1 / 2.4) - 0.055) for value in linear]
    np.testing.assert_allclose(dict(entries)["Nose"], expected, atol=1.5)
    plate = draw_key(entries, scale=2.0)
    for _, colour in entries:
        assert (plate[..., :3] == colour).all(axis=-1).sum() == 20 * 20
    assert plate[:, -4:, :3].max() < 60, "no letter reaches the rim"
    assert plate[:, 200:226, :3].max() < 60, "nor the other column"
