#version 330
// The picture behind the person, already exposed and encoded.
uniform sampler2D albedo_map;
in vec2 uv;
out vec4 fragment;

void main() {
    fragment = vec4(texture(albedo_map, uv).rgb, 0.0);
}
