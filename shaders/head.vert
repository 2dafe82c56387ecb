#version 330 core
// Every vertex lands on the pixel that the fit gave it; the position in camera space (OpenCV axes,
// metres) adds depth, light and perspective-correct interpolation.

uniform vec4 ndc_from_px;  // scale x, y, shift x, y; from camera pixels, y down
uniform vec2 depth_range;  // nearest and farthest distance drawn, metres
uniform vec2 image_size_px;

in vec2 point_px;
in vec3 position;
in vec3 normal;
in float sigma;  // 0 = certain, 1 = the end of the scale, below 0 = not known
in vec4 material;  // linear RGB, a = how much of the vertex is shown
in float rim;  // how much of the facing fade applies
in vec3 region;  // linear RGB of the vertex's region
in vec3 corner;  // barycentric; 1 at all three corners for an edge that is not drawn

out vec3 position_v;
out vec3 normal_v;
out float sigma_v;
out vec4 material_v;
out float rim_v;
out vec3 corner_v;
flat out vec3 region_v;
noperspective out vec2 image_uv;

void main()
{
    float near = depth_range.x;
    float far = depth_range.y;
    float depth = position.z;
    float clip_z = ((far + near) * depth - 2.0 * far * near) / (far - near);
    gl_Position = vec4((point_px * ndc_from_px.xy + ndc_from_px.zw) * depth, clip_z, depth);
    position_v = position;
    normal_v = normal;
    sigma_v = sigma;
    material_v = material;
    rim_v = rim;
    corner_v = corner;
    region_v = region;
    image_uv = point_px / image_size_px;
}
