#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# arrows.sh OBJECT...: no cycle among the source files of these objects. A file
# that uses what another defines has an arrow to it. Prints each arrow.
set -euo pipefail
export LC_ALL=C

arrows=$(nm --extern-only --format=posix --print-file-name "$@" | awk '
    {
        sub(/:$/, "", $1)
        sub(/.*\//, "", $1)
        sub(/\.o$/, "", $1)
    }
    $3 == "U" { uses[$1, $2]; next }
    $3 !~ /^[vw]$/ { definer[$2] = $1 }
    END {
        for (use in uses) {
            split(use, part, SUBSEP)
            if (part[2] in definer) print part[1], definer[part[2]]
        }
    }' | sort -u)
if [[ -z $arrows ]]; then
    echo "no file uses another one: these are not the objects of one part" >&2
    exit 1
fi
awk '{ print $1 " -> " $2 }' <<<"$arrows"
if ! loop=$(tsort <<<"$arrows" 2>&1 >/dev/null); then
    echo "there is a cycle:" >&2
    # tsort reports the first cycle by its members, a line each.
    awk '/contains a loop/ { if (n++) exit; next } { print "  " $2 }' <<<"$loop" >&2
    exit 1
fi
