#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compares the size of the code, the heap and the stack of a verification with budget.txt.
#
#   footprint.sh KEY text SIZE MAP       the text of the objects that MAP, a linker's map, names:
#                                        text-core for jwt/ and the choice of a backend,
#                                        text-NAME for the backend of that name. SIZE is the
#                                        program size of the target's binutils. Runs where
#                                        the linker ran.
#   footprint.sh KEY run COMMAND...      what COMMAND prints: footprint, with its launcher
#
# KEY is the compiler, the machine and mbedTLS's version in budget.txt: "gcc-12 x86_64 2.28".
# Every figure needs a line. A figure fails above its budget plus a tenth; one below its budget
# less a tenth fails too: the smaller number then belongs into budget.txt.
set -euo pipefail

key=$1 what=$2
budget=$(dirname "${BASH_SOURCE[0]}")/budget.txt
shift 2

# "NAME OCTETS" of each object's text. The map names members as "ARCHIVE(MEMBER)".
text() {
    local size=$1 archive
    sed -nE 's/^([^ ()]*\/libsjwt(_crypto)?\.a)\(([^()]+)\).*/\1 \3/p' "$2" | sort -u >"$work/members"
    cut -d ' ' -f 1 "$work/members" | sort -u | while read -r archive; do
        "$size" "$archive" | awk -v archive="$archive" 'NR > 1 { print archive, $6, $1 }'
    done >"$work/sizes"
    awk 'NR == FNR { linked[$1, $2]; next }
        ($1, $2) in linked {
            name = $2
            sub(/\.c\.o.*/, "", name)
            sub(/_[a-z]*$/, "", name)
            if ($1 !~ /crypto/ || name == "algorithm" || name == "registry") name = "core"
            octets[name] += $3
        }
        END { for (name in octets) print "text-" name, octets[name] }' "$work/members" "$work/sizes"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $what in
text) text "$@" >"$work/figures" ;;
run) "$@" >"$work/figures" ;;
*)
    echo "footprint.sh: there is no $what" >&2
    exit 2
    ;;
esac
sort "$work/figures" | awk -v key="$key" '
    NR == FNR { if ($2 " " $3 " " $4 == key) budget[$1] = $5; next }
    {
        figures++
        if (!($1 in budget)) verdict = "has no line in budget.txt"
        else if ($2 > budget[$1] * 1.1) verdict = "IS MORE THAN A TENTH ABOVE " budget[$1]
        else if ($2 < budget[$1] * 0.9) verdict = "IS MORE THAN A TENTH BELOW " budget[$1]
        else verdict = "budget " budget[$1]
        if (verdict !~ /^budget/) failed = 1
        printf "%-16s %s %7d  %s\n", $1, key, $2, verdict
    }
    END { exit (failed || !figures) }' "$budget" -
