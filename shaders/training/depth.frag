#version 330
// Depth alone, for shadows; strands are cut out by their texture's opacity.
uniform sampler2D albedo_map;
uniform bool cut_out;
in vec2 uv;

void main() {
    if (cut_out && texture(albedo_map, uv).a < 0.5) {
        discard;
    }
}
