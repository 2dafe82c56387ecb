#!/usr/bin/env bash
# Collect the window's words for translation, or compile what was translated with Qt Linguist.
#   packaging/translations.sh resources/translations/flowface_de.ts            writes or renews it
#   packaging/translations.sh resources/translations/flowface_de.ts --compile  makes flowface_de.qm
#                                                            beside it, which the program loads
set -eu
file=$(realpath -m "${1:?name a file, for example resources/translations/flowface_de.ts}")
tools=$(realpath "$(dirname "$0")/../.venv/bin")
mkdir -p "$(dirname "$file")"
cd "$(dirname "$0")/.."
if [ "${2-}" = "--compile" ]; then
    "$tools/pyside6-lrelease" "$file" -qm "${file%.ts}.qm"
else
    # Python is none of lupdate's own languages, and these are our short names.
    "$tools/pyside6-lupdate" -extensions py \
        -tr-function-alias translate+=_tr,QT_TRANSLATE_NOOP+=_mark app -ts "$file"
fi
