#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER prepare|test: ../run.sh calls it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1

prepare() {
    mkdir -p "$folder/source/src"
    cp "$here/Cargo.toml" "$here/Cargo.lock" "$folder/source/"
    "$here/../shown.sh" "$here/../../../docs/drivers/rust.md" rust "All of them" sqlx tokio-postgres \
        >"$folder/source/src/shown.rs"
    cp "$here/main.rs" "$folder/source/src/"
    cd "$folder/source"
    CARGO_TARGET_DIR=$folder/target cargo build --locked --quiet
}

case $2 in
prepare) prepare >&2 ;;
test) "$folder/target/debug/drivers" ;;
esac
