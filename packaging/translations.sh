#!/usr/bin/env bash
# Collect the window's words for translation, or compile what was translated with Qt Linguist.
#   packaging/translations.sh de            writes or renews resources/translations/flowface_de.ts
#   packaging/translations.sh de --compile  makes flowface_de.qm of it, which the program loads
set -eu
cd "$(dirname "$0")/.."
file="resources/translations/flowface_${1:?name a language, for example de}"
mkdir -p resources/translations
if [ "${2-}" = "--compile" ]; then
    .venv/bin/pyside6-lrelease "$file.ts" -qm "$file.qm"
else
    find app -name '*.py' -print0 | xargs -0 .venv/bin/pyside6-lupdate -ts "$file.ts"
fi
