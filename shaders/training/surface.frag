#version 330
// Every surface of a synthetic person. MATERIAL is defined by the loader: software rasterisers run
// both sides of a branch, so each material is a program of its own.
#define SKIN 0
#define EYE 1
#define TEETH 2
#define TONGUE 3
#define HAIR 4
#define FUR 5
#define CLOTH 6
#define PROP 7
#define LENS 8
const float PI = 3.14159265;

uniform sampler2D albedo_map;
uniform sampler2D sky_map;     // latitude-longitude radiance
uniform sampler2D shadow_map;
uniform sampler2D noise_map;
uniform vec3 sky_sh[9];        // irradiance / pi
uniform mat3 sky_from_camera;
uniform vec3 lamp_direction[2];
uniform vec3 lamp_colour[2];
uniform float shadow_strength;
uniform float exposure;
uniform vec3 sky_gain;
uniform float jaw_open;
uniform vec4 mouth;            // centre of the lips, metres; opening, metres
uniform vec3 mouth_inward;
uniform vec3 eye_centre;
uniform mat3 eye_from_camera;
uniform float iris_radius_rad;
uniform vec2 alpha_range;      // fragments outside are left to another pass
uniform vec3 gain;
uniform vec3 skin_mean;
uniform vec4 skin_style;       // contrast, freckles, oiliness, seed
uniform vec4 lips;
uniform vec4 eye_shadow;
uniform vec4 beard;
uniform float blush;
uniform float saturation;
uniform vec4 hair;             // colour, share of it
uniform float gloss;
uniform vec4 screen;           // what a lens mirrors: direction x, y, half extent
uniform vec3 screen_colour;

in vec3 position;
in vec3 normal;
in vec2 uv;
in vec4 mask;
in vec4 shade;
in vec4 colour;
in vec3 shadow_position;

out vec4 fragment;

// Cubic and square-root fits of the sRGB curve, within 1/255, where pow is slow.
vec3 linear(vec3 c) { return c * (c * (c * 0.305306 + 0.682171) + 0.012523); }

vec3 display(vec3 light) {
    vec3 x = max(light * exposure, 0.0);
    x = x * inversesqrt(1.0 + x * x);
    vec3 s1 = sqrt(x), s2 = sqrt(s1), s3 = sqrt(s2);
    return clamp(0.662003 * s1 + 0.684122 * s2 - 0.323584 * s3 - 0.022541 * x, 0.0, 1.0);
}

vec3 sky_irradiance(vec3 n) {
    vec3 sum = sky_sh[0] * 0.282095 + 0.488603 * (sky_sh[1] * n.y + sky_sh[2] * n.z + sky_sh[3] * n.x)
        + 1.092548 * (sky_sh[4] * n.x * n.y + sky_sh[5] * n.y * n.z + sky_sh[7] * n.x * n.z)
        + 0.315392 * (3.0 * n.z * n.z - 1.0) * sky_sh[6] + 0.546274 * (n.x * n.x - n.y * n.y) * sky_sh[8];
    return max(sum, 0.0) * sky_gain;
}

vec3 sky_radiance(vec3 direction, float roughness) {
    vec3 d = sky_from_camera * direction;
    vec2 at = vec2(atan(d.x, d.z) / (2.0 * PI) + 0.5, acos(clamp(-d.y, -1.0, 1.0)) / PI);
    return textureLod(sky_map, at, roughness * 7.0).rgb * sky_gain;
}

float lamp_visible() {
    vec3 at = shadow_position * 0.5 + 0.5;
    float lit = 0.0;
    vec2 texel = 1.0 / vec2(textureSize(shadow_map, 0));
    for (int i = 0; i < 4; i++) {
        vec2 shift = vec2(float(i & 1) - 0.5, float(i >> 1) - 0.5) * 1.6 * texel;
        lit += texture(shadow_map, at.xy + shift).r + 0.006 > at.z ? 0.25 : 0.0;
    }
    bool outside = any(greaterThan(abs(shadow_position), vec3(0.98)));
    return outside ? 1.0 : mix(1.0, lit, shadow_strength);
}

// wrap: how far light reaches around the terminator, by channel (a stand-in for scattering)
vec3 lit(vec3 albedo, vec3 n, vec3 wrap, float open, float rough, float shine) {
    vec3 view = normalize(-position);
    float edge = 1.0 - clamp(dot(n, view), 0.0, 1.0);
    float grazing = edge * edge * edge * edge * edge;
    vec3 light = albedo * sky_irradiance(n) * open;
    light += shine * (0.03 + 0.4 * grazing) * open * open * sky_irradiance(reflect(-view, n));
    float power = 2.0 / (rough * rough * rough * rough);
    float shadow = lamp_visible();
    for (int i = 0; i < 2; i++) {
        float seen = i == 0 ? shadow : mix(open, 1.0, 0.4);
        vec3 facing = clamp((dot(n, lamp_direction[i]) + wrap) / (1.0 + wrap), 0.0, 1.0);
        light += albedo * lamp_colour[i] * facing * seen * mix(open, 1.0, 0.5);
        vec3 h = normalize(view + lamp_direction[i]);
        float lobe = pow(max(dot(n, h), 0.0), power) * (power + 2.0) / 8.0;
        float rim = 1.0 - max(dot(h, view), 0.0);
        float fresnel = 0.03 + 0.97 * rim * rim * rim * rim * rim;
        light += shine * lobe * fresnel * lamp_colour[i] * seen * facing.g * open;
    }
    return light;
}

float mouth_open_to_light() {
    float depth = max(dot(position - mouth.xyz, mouth_inward) - 0.004, 0.0);
    return clamp(0.3 + mouth.w / 0.014, 0.0, 1.0) * exp(-depth / (0.007 + 0.8 * mouth.w));
}

vec4 skin() {
    vec4 fine = texture(noise_map, uv * 37.0 + skin_style.w);
    vec4 coarse = texture(noise_map, uv * 5.0 + skin_style.w);
    vec3 base = linear(texture(albedo_map, uv).rgb);
    base = max(skin_mean + (base - skin_mean) * skin_style.x, 0.005) * gain;
    base = max(mix(vec3(dot(base, vec3(0.3, 0.59, 0.11))), base, saturation), 0.003);
    base *= 0.92 + 0.16 * coarse.rgb;
    base *= mix(vec3(1.0), vec3(0.62, 0.45, 0.35), skin_style.y * smoothstep(0.62, 0.75, fine.r) * (1.0 - mask.x));
    base *= mix(vec3(1.0), vec3(1.12, 0.82, 0.8), blush * shade.z);
    float bright = dot(base, vec3(0.3, 0.5, 0.2)) / max(dot(skin_mean * gain, vec3(0.3, 0.5, 0.2)), 0.02);
    base = mix(base, lips.rgb * mix(1.0, bright, 0.8), lips.a * mask.x);
    base = mix(base, eye_shadow.rgb * bright, eye_shadow.a * mask.y);
    base = mix(base, beard.rgb * (0.5 + fine.g), clamp(beard.a * mask.z * (0.55 + 0.9 * fine.b), 0.0, 0.97));
    base = mix(base, hair.rgb * (0.6 + 0.8 * fine.b), 0.85 * hair.a * shade.w);
    float open = mix(shade.x, shade.y, jaw_open);
    open = mix(open, min(open + 0.3, 1.0) * mouth_open_to_light(), mask.w);
    float wet = max(mask.w, mask.x * 0.5 * (1.0 + lips.a));
    vec3 n = normalize(normal + 0.05 * (fine.rgb - 0.5) * (1.0 - wet));
    float rough = mix(0.52, 0.36, max(wet, skin_style.z));
    vec3 bleed = mix(vec3(1.0), vec3(1.06, 0.97, 0.94), 1.0 - open);
    return vec4(lit(base * bleed, n, vec3(0.35, 0.18, 0.13), open, rough, 0.3 + 0.7 * skin_style.z + 0.8 * wet), 1.0);
}

vec4 eye() {
    vec3 outward = normalize(position - eye_centre);
    vec3 at = eye_from_camera * outward;
    float angle = acos(clamp(-at.z, -1.0, 1.0));
    float radius = min(angle / iris_radius_rad * 0.1123, 0.27);
    vec2 side = at.xy / max(length(at.xy), 1e-5);
    vec3 base = linear(texture(albedo_map, vec2(0.2935, 0.7015) + radius * side).rgb) * gain;
    float open = shade.x * smoothstep(-0.6, 0.4, -at.z);
    float cornea = 1.0 - smoothstep(0.75, 1.25, angle / iris_radius_rad);
    vec3 axis = transpose(eye_from_camera) * vec3(0.0, 0.0, -1.0);
    vec3 wet_normal = normalize(mix(outward, outward - 0.45 * axis, cornea));
    vec3 light = lit(base, outward, vec3(0.25, 0.2, 0.2), open, 0.5, 0.0);
    vec3 view = normalize(-position);
    float fresnel = 0.025 + 0.975 * pow(1.0 - clamp(dot(view, wet_normal), 0.0, 1.0), 5.0);
    light += fresnel * open * sky_radiance(reflect(-view, wet_normal), 0.12);
    for (int i = 0; i < 2; i++) {
        vec3 h = normalize(view + lamp_direction[i]);
        light += lamp_colour[i] * open * 3.0 * pow(max(dot(h, wet_normal), 0.0), 900.0);
    }
    return vec4(light, 1.0);
}

vec4 strands(float open) {
    vec4 texel = texture(albedo_map, uv);
    vec3 base = linear(texel.rgb);
    float bright = dot(base, vec3(0.3, 0.5, 0.2)) / max(dot(skin_mean, vec3(0.3, 0.5, 0.2)), 0.01);
    base = mix(base * gain, hair.rgb * clamp(0.35 + 0.65 * bright, 0.2, 2.2), hair.a);
    vec3 n = normalize(normal);
    n = dot(n, position) > 0.0 ? -n : n;
    float shine = MATERIAL == HAIR ? 0.7 * clamp(bright, 0.2, 1.5) : 0.0;
    return vec4(lit(base, n, vec3(0.3), open, 0.45, shine), texel.a);
}

// Glass: its tint, and what it mirrors added over what lies behind.
vec4 lens() {
    vec3 n = normalize(normal);
    n = dot(n, position) > 0.0 ? -n : n;
    vec3 view = normalize(-position);
    vec3 d = reflect(-view, n);
    float edge = 1.0 - clamp(dot(n, view), 0.0, 1.0);
    float share = gloss + (1.0 - gloss) * edge * edge * edge * edge * edge;
    vec2 off = abs(d.xy - screen.xy) - screen.zw;
    float inside = d.z < 0.0 ? smoothstep(0.02, -0.02, max(off.x, off.y)) : 0.0;
    vec3 mirrored = sky_radiance(d, 0.05) + screen_colour * inside;
    for (int i = 0; i < 2; i++) {
        mirrored += lamp_colour[i] * 12.0 * pow(max(dot(d, lamp_direction[i]), 0.0), 400.0);
    }
    vec3 added = share * mirrored;
    float light = clamp(dot(added, vec3(0.3, 0.59, 0.11)) * exposure * 2.5, 0.0, 1.0);
    float alpha = clamp(colour.a + (1.0 - colour.a) * light, 0.01, 0.98);
    return vec4((colour.rgb * colour.a * 0.3 + added) / alpha, alpha);
}

void main() {
#if MATERIAL == SKIN
    vec4 result = skin();
#elif MATERIAL == EYE
    vec4 result = eye();
#elif MATERIAL == TEETH || MATERIAL == TONGUE
    vec3 base = linear(texture(albedo_map, uv).rgb) * gain;
    vec4 result = vec4(lit(base, normalize(normal), vec3(0.3), mouth_open_to_light(), 0.3, 0.8), 1.0);
#elif MATERIAL == HAIR || MATERIAL == FUR
    vec4 result = strands(MATERIAL == HAIR ? mix(0.45, 1.0, shade.x) : 0.8);
    if (result.a < alpha_range.x || result.a > alpha_range.y) {
        discard;
    }
#elif MATERIAL == LENS
    vec4 result = lens();
#else
    vec3 n = normalize(normal);
    n = dot(n, position) > 0.0 ? -n : n;
    vec4 base = colour;
#if MATERIAL == CLOTH
    vec3 weave = 0.7 + 0.6 * texture(noise_map, uv * 3.0 + skin_style.w).rgb;
    base = vec4(mix(gain, colour.rgb * weave, smoothstep(0.48, 0.52, colour.a)), 1.0);
#endif
    vec4 result = vec4(lit(base.rgb, n, vec3(0.2), shade.x, mix(0.7, 0.15, gloss), gloss * 1.5), base.a);
#endif
    fragment = vec4(display(result.rgb), alpha_range.x >= 0.5 ? 1.0 : result.a);
}
