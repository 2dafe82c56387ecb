#version 330
// A varied head whose skin takes its pixels from the portrait that it was fitted to.
uniform mat4 clip_from_camera;
uniform mat4 camera_from_head;
in vec3 in_position;  // head space, metres
in vec3 in_normal;
in vec2 in_own;  // where this vertex lies in the portrait, [0, 1]
in vec2 in_twin;  // where its mirror image lies
in vec4 in_mix;  // share of own against twin, opacity, darkness of lashes, openness to light
out vec3 position_head;
out vec3 position_camera;
out vec3 normal_camera;
out vec2 own;
out vec2 twin;
out vec4 mixing;

void main() {
    vec4 camera = camera_from_head * vec4(in_position, 1.0);
    position_head = in_position;
    position_camera = camera.xyz;
    normal_camera = mat3(camera_from_head) * in_normal;
    own = in_own;
    twin = in_twin;
    mixing = in_mix;
    gl_Position = clip_from_camera * camera;
}
