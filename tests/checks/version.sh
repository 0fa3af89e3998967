#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# version.sh SOURCE-DIR: packaging/check-version.sh accepts this checkout, and refuses a copy in
# which any one of the places has another version.
set -euo pipefail

source=$(realpath "$1")
check=$source/packaging/check-version.sh
"$check" "$source"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^project(pg_session_jwt VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
files=(CMakeLists.txt sql META.json packaging docs/sjwt.1 CHANGELOG.md jwt/package/sjwt.map)
failed=0

# refused WHAT COMMAND...: in the copy
refused() {
    rm -rf "$work/copy"
    mkdir "$work/copy"
    (cd "$source" && cp -R --parents "${files[@]}" "$work/copy")
    (cd "$work/copy" && "${@:2}")
    if "$check" "$work/copy" >"$work/out" 2>&1; then
        echo "not refused: $1"
        failed=1
    fi
}
other() { sed -i "s/${version//./[.]}/9.9.9/" "$1"; }
refused "another version in CMakeLists.txt" other CMakeLists.txt
refused "another version in the control file" other sql/pg_session_jwt.control
refused "another version in META.json" other META.json
refused "another version in the spec" other packaging/rpm/pg_session_jwt.spec
# shellcheck disable=SC2016  # sed's
refused "another version in the spec's changelog" sed -i '/^%changelog/,$s/[0-9.]*-1$/9.9.9-1/' packaging/rpm/pg_session_jwt.spec
refused "another version in Debian's changelog" other packaging/debian/changelog
refused "another version in the manual page" other docs/sjwt.1
refused "another version in CHANGELOG.md" other CHANGELOG.md
refused "another name of the library's package" sed -i 's/^Package: libsjwt[0-9]*$/Package: libsjwt9/' packaging/debian/control.in
refused "no script of this version" rm "sql/pg_session_jwt--$version.sql"
refused "no way from 0.1.2" rm sql/pg_session_jwt--0.1.2--0.2.0.sql
# shellcheck disable=SC2016
refused "no way from a version of CHANGELOG.md" sed -i '$a ## [0.9.9] - 2026-01-01' CHANGELOG.md
# A release: this version, and dated.
released() {
    sed -i "s/^## \[$version\] - .*/## [$version] - 2026-01-01/" CHANGELOG.md
    sed -i '1s/) [A-Za-z]*;/) unstable;/' packaging/debian/changelog
}
accepted() {
    rm -rf "$work/copy"
    mkdir "$work/copy"
    (cd "$source" && cp -R --parents "${files[@]}" "$work/copy")
    (cd "$work/copy" && released && "${@:2}")
    "$check" "$work/copy" "$1" >"$work/out" 2>&1
}
accepted "$version" true || {
    cat "$work/out"
    failed=1
}
if accepted 9.9.9 true; then failed=1; fi
if accepted "$version" sed -i "s/^## \[$version\] - .*/## [$version] - unreleased/" CHANGELOG.md; then failed=1; fi
if accepted "$version" sed -i '1s/unstable/UNRELEASED/' packaging/debian/changelog; then failed=1; fi
exit "$failed"
