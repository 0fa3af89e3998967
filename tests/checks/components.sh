#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# components.sh BUILD-DIR: what a plain installation installs is what its components "extension",
# "fetch" and "tool" install, from which packages are made: a file without a component would be in
# no package.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
DESTDIR=$work/plain cmake --install "$1" >"$work/log"
for component in extension fetch tool; do
    DESTDIR=$work/components cmake --install "$1" --component "$component" >"$work/log"
done
files() { (cd "$1" && find . -type f | sort); }
diff <(files "$work/plain") <(files "$work/components")
[[ -n $(files "$work/plain") ]]
