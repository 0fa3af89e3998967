#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh README: runs the SQL and shell blocks of the README unchanged, on a private
# server (tests/server.sh, whose environment it needs), and checks the results that their
# comments state.
set -euo pipefail

# block HEADING LANGUAGE N: the N-th block in that language below the heading.
block() {
    awk -v heading="## $1" -v start="\`\`\`$2" -v wanted="$3" '
        /^## / { below = $0 == heading }
        printing && /^```$/ { exit }
        printing { print; lines++ }
        below && $0 == start && ++n == wanted { printing = 1 }
        END { exit lines == 0 }
    ' "$readme" || {
        echo "readme.sh: no block $2 $3 below \"$1\"" >&2
        exit 1
    }
}

readme=$1
ways="Three ways to hand over a token"
policy=$(block "A first policy" sql 1)
connect=$(block "$ways" sh 1)
session=$(block "$ways" sql 1)
transaction=$(block "$ways" sql 2)
claims=$(block "$ways" sql 3)

# The shell block ends in psql, which reads the SQL from standard input.
failed=0
# shellcheck disable=SC2016  # expanded by the inner shell
output=$("$(dirname "${BASH_SOURCE[0]}")/../server.sh" run -- bash -c '
    set -euo pipefail
    export PATH=${SJWT%/*}:$PATH
    psql --no-psqlrc -v ON_ERROR_STOP=1 <<<"$1"
    for sql in "$3" "$4"; do bash -euc "$2" <<<"$sql"; done
    afterwards=$(printf "\nSELECT auth.user_id() IS NULL AS gone;")
    bash -euc "$2" <<<"$4$afterwards"
    psql --no-psqlrc -U app <<<"$5$afterwards"
' readme "$policy" "$connect" "$session" "$transaction" "$claims" 2>&1) || failed=1
echo "$output"

expect() {
    local found
    found=$(grep -cE -- "$1" <<<"$output" || true)
    if [[ $found != "$2" ]]; then
        echo "readme.sh: \"$1\" $found times, not $2" >&2
        failed=1
    fi
}
expect "ERROR|FATAL|WARNING" 0
# The block of the transaction runs twice.
expect "^ alice$" "$(($(grep -c -- "-- alice" "$readme") + 1))"
expect "\| alice \| hello" 3
expect "^ t$" 2
exit "$failed"
