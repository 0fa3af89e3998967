#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER prepare|test: ../run.sh calls it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
docs=$here/../../../docs

prepare() {
    local name
    if ! cmp -s "$here/requirements.txt" "$folder/installed"; then
        rm -rf "$folder/installed" "$folder/venv"
        # Debian's Python, for which the lock file has the packages.
        /usr/bin/python3 -m venv "$folder/venv"
        "$folder/venv/bin/pip" install -q --no-deps --require-hashes --only-binary :all: -r "$here/requirements.txt"
        cp "$here/requirements.txt" "$folder/installed"
    fi
    mkdir -p "$folder/shown"
    for name in asyncpg SQLAlchemy Django; do
        "$here/../shown.sh" "$docs/drivers/python.md" python "All of them" "$name" >"$folder/shown/shown_${name,,}.py"
    done
    "$here/../shown.sh" "$docs/drivers.md" python psycopg >"$folder/shown/shown_psycopg.py"
    cp "$here/test.py" "$folder/shown/"
}

case $2 in
prepare) prepare >&2 ;;
test) "$folder/venv/bin/python" "$folder/shown/test.py" ;;
esac
