#version 330
// kind: 0 skin from the portrait, 1 inside of mouth and eye sockets, 2 teeth, 3 tongue, 4 eyeball.
uniform int kind;
uniform sampler2D portrait;
uniform vec3 ambient;  // the portrait's mean skin colour, for parts that it does not show
uniform vec3 light_direction;  // camera space, towards an added light
uniform vec3 light_tint;  // added by that light where it shines straight on
uniform vec3 gain;  // of the whole picture
uniform float lips_z;  // head space: where the dark of the mouth begins
uniform vec3 eye_centre;
uniform vec3 eye_axis;  // head space, where the eye looks
uniform float iris_angle;  // rad, from the axis to the border of the iris
uniform float pupil;  // radius against the iris
uniform vec3 iris_colour;
uniform vec3 sclera_colour;
uniform vec2 lid_y;  // head space heights of the upper and the lower lid's edge
uniform vec3 highlight;  // camera space half vector of the window seen in the eye
uniform float seed;
in vec3 position_head;
in vec3 position_camera;
in vec3 normal_camera;
in vec2 own;
in vec2 twin;
in vec4 mixing;
out vec4 colour;

vec3 lit(vec3 base, vec3 normal) {
    return base * gain * (1.0 + light_tint * dot(normal, light_direction));
}

float clip_facing(vec3 normal) {
    return clamp(dot(normal, normalize(-position_camera)), 0.0, 1.0);
}

vec4 skin(vec3 normal) {
    vec3 base = mix(texture(portrait, twin).rgb, texture(portrait, own).rgb, mixing.x);
    base *= 1.0 - 0.75 * mixing.z;
    return vec4(lit(base, normal), mixing.y * smoothstep(0.02, 0.25, clip_facing(normal)));
}

vec3 inside(vec3 normal) {
    float depth = max(position_head.z - lips_z, 0.0);
    float facing = clip_facing(normal);
    vec3 light = mix(vec3(dot(ambient, vec3(0.3, 0.6, 0.1))), ambient, 0.35) * 1.25;
    if (kind == 2) {
        vec3 tooth = mix(vec3(0.72, 0.40, 0.38), vec3(0.96, 0.92, 0.85), mixing.w);
        float gap = mix(0.72, 1.0, smoothstep(0.0, 0.25, abs(fract(position_head.x / 0.0075) - 0.5)));
        return tooth * light * mix(1.0, gap, mixing.w) * (0.25 + 0.75 * exp(-depth / 0.014)) * (0.45 + 0.55 * facing);
    }
    if (kind == 3) {
        float out_of_mouth = smoothstep(0.0, 0.008, lips_z - position_head.z);
        vec3 flesh = mix(vec3(0.80, 0.42, 0.42), vec3(1.05, 0.62, 0.62), out_of_mouth);
        return lit(flesh * light, normal) * (0.12 + 0.8 * exp(-depth / 0.016)) * (0.45 + 0.55 * facing);
    }
    return vec3(0.62, 0.28, 0.27) * light * (0.06 + 0.75 * exp(-depth / 0.008)) * (0.3 + 0.7 * facing);
}

vec3 eyeball(vec3 normal) {
    vec3 outward = normalize(position_head - eye_centre);
    float radius = acos(clamp(dot(outward, eye_axis), -1.0, 1.0)) / iris_angle;
    vec3 side = normalize(cross(eye_axis, vec3(0.0, 1.0, 0.0)));
    vec3 up = cross(side, eye_axis);
    float angle = atan(dot(outward, up), dot(outward, side));
    float fibre = 0.5 + 0.25 * sin(angle * 23.0 + seed) + 0.25 * sin(angle * 41.0 + 2.0 * seed + 6.0 * radius);
    vec3 iris = iris_colour * mix(0.75, 1.25, fibre) * mix(1.15, 0.8, smoothstep(0.4, 0.95, radius));
    iris *= mix(1.0, 0.45, smoothstep(0.82, 1.0, radius));
    iris = mix(vec3(0.03), iris, smoothstep(pupil - 0.06, pupil + 0.06, radius));
    vec3 white = sclera_colour * mix(vec3(1.0), vec3(0.86, 0.68, 0.64), smoothstep(1.5, 3.2, radius));
    vec3 base = mix(iris, white, smoothstep(0.93, 1.07, radius));
    float gap = lid_y.y - lid_y.x;
    float shadow = mix(0.42, 1.0, smoothstep(0.0, 0.0035, position_head.y - lid_y.x));
    shadow *= mix(0.3, 1.0, smoothstep(0.001, 0.007, gap));
    float round = mix(0.62, 1.0, smoothstep(0.1, 0.85, -outward.z));
    float spot = smoothstep(0.9915, 0.996, dot(normal, highlight));
    return lit(base * shadow * round, normal) + spot * (0.15 + 0.5 * ambient) * shadow;
}

void main() {
    vec3 normal = normalize(normal_camera);
    if (kind == 0) colour = skin(normal);
    else if (kind == 4) colour = vec4(eyeball(normal), 1.0);
    else colour = vec4(inside(normal) * (kind == 3 ? vec3(1.0) : gain), 1.0);
}
