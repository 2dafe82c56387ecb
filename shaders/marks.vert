#version 330 core
// A ring or a line: everything at one distance from a segment, on a rectangle that holds it.

uniform vec4 ndc_from_px;  // scale x, y, shift x, y; from camera pixels, y down
uniform vec2 target_px;
uniform float width_px;
uniform float px_per_image_px;

in vec2 start_px;  // camera pixels
in vec2 end_px;
in float radius_px;
in float share;  // 0 = certain, 1 = the end of the scale

flat out vec2 start_t;
flat out vec2 end_t;
flat out float radius_t;
flat out float share_f;

vec2 on_target(vec2 px)
{
    return (0.5 * (px * ndc_from_px.xy + ndc_from_px.zw) + 0.5) * target_px;
}

void main()
{
    start_t = on_target(start_px);
    end_t = on_target(end_px);
    radius_t = radius_px * px_per_image_px;
    share_f = share;
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    float margin = radius_t + width_px + 1.0;
    vec2 low = min(start_t, end_t) - margin;
    vec2 high = max(start_t, end_t) + margin;
    gl_Position = vec4(2.0 * mix(low, high, corner) / target_px - 1.0, 0.0, 1.0);
}
