#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# release.sh SOURCE-DIR: ./dev release refuses, before it builds anything, a checkout with a file that
# is changed or not committed, another version, and a version without its date.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/copy
mkdir "$copy"
tar -c -C "$1" --exclude=./build --exclude=./.git . | tar -x -C "$copy"
cd "$copy"
commit() {
    git -c user.name=test -c user.email=test@example.org -c commit.gpgsign=false -c core.hooksPath=/dev/null "$@"
}
version=$(sed -n 's/^project(pg_session_jwt VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
# As before a release, also where this is one.
sed -i "s/^## \[$version\] - .*/## [$version] - unreleased/" CHANGELOG.md
sed -i '1s/) [A-Za-z]*;/) UNRELEASED;/' packaging/debian/changelog
git init -q .
git add -A
commit commit -q -m test

# refused NAME VERSION PATTERN: with this message.
refused() {
    if BUILD_DIR=$work/build timeout 60 ./dev release "$2" >"$work/out" 2>&1; then
        echo "not refused: $1"
        exit 1
    fi
    if ! grep -q "$3" "$work/out"; then
        echo "$1: \"$3\" is not in the message:"
        cat "$work/out"
        exit 1
    fi
    [[ ! -e $work/build/package && ! -e $work/build/release ]]
}
refused "no date" "$version" "CHANGELOG.md: $version has no date"
refused "Debian's UNRELEASED" "$version" "changelog: $version is UNRELEASED"
refused "another version" 9.9.9 "CMakeLists.txt: $version, expected 9.9.9"
sed -i "s/^## \[$version\] - .*/## [$version] - 2026-01-01/" CHANGELOG.md
sed -i '1s/) [A-Za-z]*;/) unstable;/' packaging/debian/changelog
refused "a changed file" "$version" "not committed:"
refused "a changed file" "$version" "^ M CHANGELOG.md"
commit commit -q -a -m "Date $version"
touch new-file
refused "a file that is not committed" "$version" "^?? new-file"
rm new-file
git rm -q --cached packaging/check-version.sh
refused "a file that is not of the commit any more" "$version" "^D  packaging/check-version.sh"
