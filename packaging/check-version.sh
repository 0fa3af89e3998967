#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check-version.sh SOURCE-DIR [VERSION]: everything that names the version of the release names
# the same one. With VERSION it must be that one, and the release must be dated: CHANGELOG.md and
# Debian's changelog do not say that it is not released yet.
set -euo pipefail
cd "$1"
final=${2-}
status=0

wrong() {
    echo "check-version.sh: $*" >&2
    status=1
}
# named WHERE EXPECTED FOUND
named() { [[ $2 == "$3" ]] || wrong "$1: $3, expected $2"; }

version=$(sed -n 's/^project(pg_session_jwt VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[[ $version =~ ^[0-9]+[.][0-9]+[.][0-9]+$ ]] || wrong "CMakeLists.txt: the version is MAJOR.MINOR.PATCH"
if [[ -n $final ]]; then named CMakeLists.txt "$final" "$version"; fi

named sql/pg_session_jwt.control "$version" \
    "$(sed -n "s/^default_version = '\(.*\)'/\1/p" sql/pg_session_jwt.control)"
[[ -e sql/pg_session_jwt--$version.sql ]] || wrong "sql: no pg_session_jwt--$version.sql"
named "META.json, each version but that of its own form" "$version" \
    "$(sed -n '/meta-spec/!s/.*"version": "\([^"]*\)".*/\1/p' META.json | sort -u | xargs)"
named "META.json, file" "sql/pg_session_jwt--$version.sql" "$(sed -n 's/.*"file": "\(.*\)",/\1/p' META.json)"
named packaging/rpm/pg_session_jwt.spec "$version" \
    "$(sed -n 's/^Version: *//p' packaging/rpm/pg_session_jwt.spec)"
named "packaging/rpm/pg_session_jwt.spec, the changelog" "$version" \
    "$(sed -n '/^%changelog/,$s/^\* .* - \([0-9.]*\)-[0-9]*$/\1/p' packaging/rpm/pg_session_jwt.spec | head -n 1)"
named packaging/debian/changelog "$version" \
    "$(sed -n '1s/^pg-session-jwt (\(.*\)-[^-]*).*/\1/p' packaging/debian/changelog)"
named docs/sjwt.1 "$version" "$(sed -n 's/^This page belongs to version \(.*\)[.]$/\1/p' docs/sjwt.1)"
named "CHANGELOG.md, its first version" "$version" \
    "$(sed -n 's/^## \[\([0-9].*\)\] - .*/\1/p' CHANGELOG.md | head -n 1)"
# The ABI of the library is the major version: the names of its packages have it.
named "packaging/debian/control.in, the library's package" "libsjwt${version%%.*}" \
    "$(sed -n 's/^Package: \(libsjwt[0-9]*\)$/\1/p' packaging/debian/control.in)"
[[ -e packaging/debian/libsjwt${version%%.*}.symbols ]] || wrong "packaging/debian: no libsjwt${version%%.*}.symbols"
grep -q "^SJWT_${version%%.*} {" jwt/package/sjwt.map || wrong "jwt/package/sjwt.map: no SJWT_${version%%.*}"

# From each version that ever was there is a way here, over one script or several.
earlier="0.1.0 0.1.1 0.1.2 0.2.0 0.3.0 0.3.1 0.4.0 0.5.0 $(sed -n 's/^## \[\([0-9].*\)\] - .*/\1/p' CHANGELOG.md)"
reached=" $version "
for _ in sql/*--*--*.sql; do
    for script in sql/*--*--*.sql; do
        [[ $script =~ pg_session_jwt--(.*)--(.*)[.]sql ]]
        if [[ $reached == *" ${BASH_REMATCH[2]} "* && $reached != *" ${BASH_REMATCH[1]} "* ]]; then
            reached+="${BASH_REMATCH[1]} "
        fi
    done
done
for from in $earlier; do
    [[ $reached == *" $from "* ]] || wrong "sql: no way from $from to $version"
done

if [[ -n $final ]]; then
    grep -qE "^## \[$version\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md ||
        wrong "CHANGELOG.md: $version has no date"
    [[ $(head -n 1 packaging/debian/changelog) != *UNRELEASED* ]] ||
        wrong "packaging/debian/changelog: $version is UNRELEASED"
fi
if ((status == 0)); then echo "$version everywhere"; fi
exit "$status"
