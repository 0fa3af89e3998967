#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER prepare|test: ../run.sh calls it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1

# Go from 1.21 on fetches the version that go.mod names, as a module. Debian 12's Go is older: the same by hand.
go=go
find_go() {
    local version=go1.25.0 sum='h1:wVC9wx2XOcP5gHiN8ZzfyTfjlrDLSS7Hu1wjI01n68U=' found
    [[ $(go env GOVERSION) =~ ^go1\.([0-9]+) ]]
    if ((BASH_REMATCH[1] >= 21)); then return; fi
    found=$(cd "$folder" && go mod download -json "golang.org/toolchain@v0.0.1-$version.linux-amd64")
    [[ $found == *"\"Sum\": \"$sum\""* ]] || {
        echo "go: the module of $version does not have the sum $sum" >&2
        exit 1
    }
    found=$(sed -n 's/.*"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$found")
    # The cache of modules keeps no file executable.
    chmod -R +x "$found/bin" "$found/pkg/tool"
    go=$found/bin/go
}

prepare() {
    mkdir -p "$folder"
    find_go
    rm -rf "$folder/source"
    mkdir -p "$folder/source"
    cp "$here/go.mod" "$here/go.sum" "$here/main_test.go" "$folder/source/"
    {
        cat "$here/imports"
        "$here/../shown.sh" "$here/../../../docs/drivers/go.md" go "All of them" pgx database/sql
    } >"$folder/source/shown.go"
    cd "$folder/source"
    "$go" vet .
    "$go" test -c -o "$folder/test" .
}

case $2 in
prepare) prepare >&2 ;;
test) "$folder/test" -test.v -test.count=1 ;;
esac
