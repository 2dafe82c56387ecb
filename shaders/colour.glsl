// sRGB <-> linear light (IEC 61966-2-1). Blending and shading happen in linear light.

vec3 linear_from_srgb(vec3 encoded)
{
    vec3 low = encoded / 12.92;
    vec3 high = pow((encoded + 0.055) / 1.055, vec3(2.4));
    return mix(high, low, vec3(lessThanEqual(encoded, vec3(0.04045))));
}

vec3 srgb_from_linear(vec3 light)
{
    vec3 clamped = clamp(light, 0.0, 1.0);
    vec3 low = clamped * 12.92;
    vec3 high = 1.055 * pow(clamped, vec3(1.0 / 2.4)) - 0.055;
    return mix(high, low, vec3(lessThanEqual(clamped, vec3(0.0031308))));
}
