#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build-deb.sh ARCHIVE FOLDER: Debian's packages from the archive of ./dev dist (.tar.gz), for
# each server that this system has headers for, and lintian's verdict. They are put into
# FOLDER, which must be empty. Their version says which system they are for: +deb12, +sid.
set -euo pipefail

archive=$(realpath "$1")
mkdir -p "$2"
cd "$2"
# shellcheck source=/dev/null
. /etc/os-release
system=+deb${VERSION_ID:-}
if [[ -z ${VERSION_ID:-} ]] || grep -q sid /etc/debian_version; then system=+sid; fi

tar -xf "$archive"
source=$(echo pg_session_jwt-*/)
version=${source#pg_session_jwt-}
version=${version%/}
cp "$archive" "pg-session-jwt_$version.orig.tar.gz"
cp -R "$source/packaging/debian" "$source/debian"
cd "$source"
sed -i "1s/)/$system)/" debian/changelog
pg_buildext updatecontrol
dpkg-buildpackage --unsigned-source --unsigned-changes --jobs="${JOBS:-2}"
cd ..
lintian --tag-display-limit 0 --display-info --pedantic --fail-on error,warning ./*.changes
