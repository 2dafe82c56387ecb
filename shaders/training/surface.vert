#version 330
// Head space to camera space to clip space. Camera axes are OpenCV's: x right, y down, z forward.
uniform mat4 camera_from_head;
uniform mat4 clip_from_camera;
uniform mat4 shadow_from_camera;

in vec3 in_position;
in vec3 in_normal;
in vec2 in_uv;
in vec4 in_mask;   // lips, upper lid, beard, inside of the mouth
in vec4 in_shade;  // openness to the sky with jaw closed, with jaw open; cheek; scalp
in vec4 in_colour; // linear RGB and opacity of untextured meshes

out vec3 position;
out vec3 normal;
out vec2 uv;
out vec4 mask;
out vec4 shade;
out vec4 colour;
out vec3 shadow_position;

void main() {
    vec4 camera = camera_from_head * vec4(in_position, 1.0);
    position = camera.xyz;
    normal = mat3(camera_from_head) * in_normal;
    uv = in_uv;
    mask = in_mask;
    shade = in_shade;
    colour = in_colour;
    // moved off the surface, so that it does not shade itself where light grazes it
    shadow_position = (shadow_from_camera * vec4(position + 0.0035 * normalize(normal), 1.0)).xyz;
    gl_Position = clip_from_camera * camera;
}
