#version 330 core
#include "colour.glsl"

// The surface is mixed with the camera image here, in linear light, instead of by the blender: the
// depth test leaves only the nearest surface, so that nothing behind it shines through.

uniform sampler2D picture;
uniform sampler2D colour_map;  // sRGB-encoded, 256 x 1
uniform float by_sigma;  // 1 = colour by uncertainty, 0 = by material
uniform float by_region;  // 1 = colour by region
uniform float surface_opacity;
uniform float line_opacity;
uniform float line_width_px;
uniform float whole_head;  // 1 = no fading at rims, scalp and neck

in vec3 position_v;
in vec3 normal_v;
in float sigma_v;
in vec4 material_v;
in float rim_v;
in vec3 corner_v;
flat in vec3 region_v;
noperspective in vec2 image_uv;
out vec4 pixel;

const vec3 KEY_DIRECTION = normalize(vec3(-0.45, -0.65, -0.80));
const vec3 KEY_LIGHT = vec3(0.86, 0.83, 0.78);
const vec3 SKY_LIGHT = vec3(0.42, 0.45, 0.50);
const vec3 GROUND_LIGHT = vec3(0.16, 0.14, 0.13);
const vec3 UNKNOWN = vec3(0.18);
const float SKIN = 0.54;
const float SPACING_HIDDEN_PX = 1.5;  // lines this close would clot: they fade out instead
const float SPACING_SHOWN_PX = 6.0;

vec3 shade(vec3 albedo, vec3 normal, vec3 view)
{
    float diffuse = max(dot(normal, KEY_DIRECTION), 0.0);
    vec3 hemisphere = mix(GROUND_LIGHT, SKY_LIGHT, 0.5 - 0.5 * normal.y);
    float gloss = pow(max(dot(normal, normalize(KEY_DIRECTION + view)), 0.0), 40.0);
    float rim = pow(1.0 - max(dot(normal, view), 0.0), 4.0);
    return albedo * (hemisphere + KEY_LIGHT * diffuse) + 0.10 * gloss + 0.08 * rim * SKY_LIGHT;
}

float line_coverage(float width_px)
{
    vec3 dx = dFdx(corner_v);
    vec3 dy = dFdy(corner_v);
    vec3 slope = max(sqrt(dx * dx + dy * dy), vec3(1e-6));
    vec3 distance_px = corner_v / slope;
    vec3 spacing_px = 1.0 / slope;
    vec3 line = 1.0 - smoothstep(0.5 * width_px - 0.5, 0.5 * width_px + 0.5, distance_px);
    line *= smoothstep(SPACING_HIDDEN_PX, SPACING_SHOWN_PX, spacing_px);
    return max(line.x, max(line.y, line.z));
}

void main()
{
    vec3 view = normalize(-position_v);
    vec3 normal = normalize(normal_v);
    float facing = abs(dot(normal, view));
    float rim_fade = mix(1.0, smoothstep(0.08, 0.45, facing), rim_v);
    float shown = mix(material_v.a * rim_fade, 1.0, whole_head);

    vec3 measured = linear_from_srgb(texture(colour_map, vec2(sigma_v, 0.5)).rgb);
    measured = sigma_v < 0.0 ? UNKNOWN : measured;
    float depth_cue = min(dot(material_v.rgb, vec3(1.0 / 3.0)) / SKIN, 1.0);  // irises, mouth
    vec3 albedo = mix(material_v.rgb, measured * mix(0.3, 1.0, depth_cue), by_sigma);
    albedo = mix(albedo, region_v, by_region);
    vec3 line_colour = mix(vec3(0.75, 0.95, 1.0), mix(albedo, vec3(1.0), 0.25), by_sigma);

    vec3 light = linear_from_srgb(texture(picture, image_uv).rgb);
    light = mix(light, shade(albedo, normal, view), surface_opacity * shown);
    light = mix(light, line_colour, line_opacity * shown * line_coverage(line_width_px));
    pixel = vec4(srgb_from_linear(light), 1.0);
}
