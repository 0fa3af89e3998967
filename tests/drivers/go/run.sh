#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER prepare|test: ../run.sh calls it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1

prepare() {
    rm -rf "$folder/source"
    mkdir -p "$folder/source"
    cp "$here/go.mod" "$here/go.sum" "$here/main_test.go" "$folder/source/"
    {
        cat "$here/imports"
        "$here/../shown.sh" "$here/../../../docs/drivers/go.md" go "All of them" pgx database/sql
    } >"$folder/source/shown.go"
    cd "$folder/source"
    go vet .
    go test -c -o "$folder/test" .
}

case $2 in
prepare) prepare >&2 ;;
test) "$folder/test" -test.v -test.count=1 ;;
esac
