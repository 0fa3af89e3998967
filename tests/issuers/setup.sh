#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the issuers and their packages into a directory outside the source tree:
#   setup.sh DIRECTORY
# Installs the packages again only if the lock file changed. Runs no install script of a
# package and compiles nothing, so the packages are the same on each machine.
set -eu

[ $# -eq 1 ] || {
    echo "usage: setup.sh DIRECTORY" >&2
    exit 2
}
source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
[ "$PWD" != "$source" ] || {
    echo "setup.sh: the directory must not be the source directory" >&2
    exit 2
}
cp "$source"/*.mjs "$source"/package.json "$source"/package-lock.json .

# Without peer dependencies: all are optional frameworks and database drivers.
wanted=$(cksum <package-lock.json)
if [ ! -d node_modules ] || [ "$(cat installed 2>/dev/null)" != "$wanted" ]; then
    rm -f installed
    npm ci --omit=peer --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
    echo "$wanted" >installed
fi
