#version 330 core
// The picture is only copied: it stays as encoded, and no light is mixed here.

uniform sampler2D picture;  // sRGB-encoded, alpha multiplied in

in vec2 picture_uv;
out vec4 pixel;

void main()
{
    pixel = texture(picture, picture_uv);
}
