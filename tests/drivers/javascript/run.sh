#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER prepare|test: ../run.sh calls it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
docs=$here/../../../docs

prepare() {
    local name
    mkdir -p "$folder/shown"
    if ! cmp -s "$here/package-lock.json" "$folder/installed"; then
        rm -f "$folder/installed"
        cp "$here/package.json" "$here/package-lock.json" "$folder/"
        (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts)
        cp "$here/package-lock.json" "$folder/installed"
    fi
    # Prisma downloads engines, which the adapter does not need, unless these variables name files.
    cp "$here/schema.prisma" "$folder/"
    (cd "$folder" && PRISMA_SCHEMA_ENGINE_BINARY=/bin/true PRISMA_QUERY_ENGINE_LIBRARY=/bin/true \
        CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 DATABASE_URL=unused \
        node_modules/.bin/prisma generate --no-hints --schema schema.prisma >generate.log) || {
        cat "$folder/generate.log" >&2
        exit 1
    }
    for name in postgres.js Prisma Drizzle Kysely TypeORM; do
        "$here/../shown.sh" "$docs/drivers/javascript.md" js "All of them" "$name" >"$folder/shown/$name.mjs"
    done
    "$here/../shown.sh" "$docs/drivers.md" js node-postgres >"$folder/shown/node-postgres.mjs"
    for name in "$folder"/shown/*.mjs; do echo 'export { asUser, TokenRefused };' >>"$name"; done
    cp "$here/test.mjs" "$folder/"
}

case $2 in
prepare) prepare >&2 ;;
test) cd "$folder" && node test.mjs ;;
esac
