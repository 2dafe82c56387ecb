#version 330 core
// A picture on a rectangle of the target: the camera image, or the legend.

uniform vec4 ndc_from_picture;  // scale x, y, shift x, y; the picture is [0, 1]^2, y down

out vec2 picture_uv;

void main()
{
    picture_uv = vec2(gl_VertexID & 1, gl_VertexID >> 1);  // a strip of two triangles
    gl_Position = vec4(picture_uv * ndc_from_picture.xy + ndc_from_picture.zw, 0.0, 1.0);
}
