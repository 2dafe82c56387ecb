#version 330 core
// Distances are in pixels of the target, whose first row is the lowest.

uniform sampler2D colour_map;  // sRGB-encoded, 256 x 1
uniform float width_px;
uniform float opacity;

flat in vec2 start_t;
flat in vec2 end_t;
flat in float radius_t;
flat in float share_f;
out vec4 pixel;

void main()
{
    vec2 along = end_t - start_t;
    vec2 from_start = gl_FragCoord.xy - start_t;
    float at = clamp(dot(from_start, along) / max(dot(along, along), 1e-6), 0.0, 1.0);
    float off = abs(length(from_start - at * along) - radius_t) - 0.5 * width_px;
    float alpha = opacity * clamp(0.5 - off, 0.0, 1.0);
    pixel = vec4(texture(colour_map, vec2(share_f, 0.5)).rgb * alpha, alpha);
}
