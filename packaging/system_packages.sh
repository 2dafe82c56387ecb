#!/usr/bin/env bash
# Debian's shared libraries that the Python wheels expect but do not carry: OpenGL and EGL, the X
# client libraries of Qt, PortAudio. Installs them where this may be done without asking (root on a
# Debian system); elsewhere it says what is missing and goes on, for the program names it again
# where it matters.
set -u
[ "$(uname -s)" = Linux ] || exit 0

declare -A package_of=(
    [libEGL.so.1]=libegl1
    [libGL.so.1]=libgl1
    [libGLX_mesa.so.0]=libglx-mesa0
    [libEGL_mesa.so.0]=libegl-mesa0
    [libportaudio.so.2]=libportaudio2
    [libxkbcommon-x11.so.0]=libxkbcommon-x11-0
    [libxcb-cursor.so.0]=libxcb-cursor0
    [libxcb-icccm.so.4]=libxcb-icccm4
    [libxcb-keysyms.so.1]=libxcb-keysyms1
    [libxcb-image.so.0]=libxcb-image0
    [libxcb-render-util.so.0]=libxcb-render-util0
    [libxcb-shape.so.0]=libxcb-shape0
    [libdbus-1.so.3]=libdbus-1-3
    [libfontconfig.so.1]=libfontconfig1
)
loaded=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)
missing=()
for library in "${!package_of[@]}"; do
    grep -q "$library " <<<"$loaded" || missing+=("${package_of[$library]}")
done
# A real window is tested on a virtual screen.
command -v Xvfb >/dev/null || missing+=(xvfb)
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"
else
    echo "flowface: missing system packages: ${missing[*]}" >&2
    echo "flowface: on Debian and Ubuntu: sudo apt-get install ${missing[*]}" >&2
fi
exit 0
