#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh FOLDER: installs npm's packages for these tests into FOLDER, once per
# version of the lock file.
set -eu
here=$(dirname "$0")
folder=$1
mkdir -p "$folder"
if [ -e "$folder/installed" ] && cmp -s "$here/package-lock.json" "$folder/installed"; then
    exit 0
fi
rm -f "$folder/installed"
cp "$here/package.json" "$here/package-lock.json" "$folder/"
(cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts)
cp "$here/package-lock.json" "$folder/installed"
