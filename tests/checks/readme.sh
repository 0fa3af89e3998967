#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# readme.sh README MODES: runs the SQL block of the README's section "Try it" as ./dev psql would,
# and the SQL and shell blocks of docs/modes.md, unchanged, on private servers (tests/server.sh,
# whose environment it needs), and checks the results that their comments state.
set -euo pipefail

# block PAGE HEADING LANGUAGE N: the N-th block in that language below the heading.
block() {
    awk -v heading="$2" -v start="\`\`\`$3" -v wanted="$4" '
        /^#+ / { below = $0 == heading }
        printing && /^```$/ { exit }
        printing { print; lines++ }
        below && $0 == start && ++n == wanted { printing = 1 }
        END { exit lines == 0 }
    ' "$1" || {
        echo "readme.sh: no block $3 $4 below \"$2\"" >&2
        exit 1
    }
}

server=$(dirname "${BASH_SOURCE[0]}")/../server.sh
paste=$(block "$1" "## Try it" sql 1)
policy=$(block "$2" "# Session key mode and claims mode" sql 1)
connect=$(block "$2" "## Session key mode" sh 1)
session=$(block "$2" "## Session key mode" sql 1)
transaction=$(block "$2" "## Session key mode" sql 2)
claims=$(block "$2" "## Claims mode" sql 1)

# The shell block ends in psql, which reads the SQL from standard input.
failed=0
# shellcheck disable=SC2016  # expanded by the inner shell
pasted=$("$server" run -- bash demo/psql.sh <<<"$paste" 2>&1) || failed=1
echo "$pasted"
# shellcheck disable=SC2016
output=$("$server" run -- bash -c '
    set -euo pipefail
    export PATH=${SJWT%/*}:$PATH
    psql --no-psqlrc -v ON_ERROR_STOP=1 <<<"$1"
    for sql in "$3" "$4"; do rm -f private.jwk; bash -euc "$2" <<<"$sql"; done
    afterwards=$(printf "\nSELECT auth.user_id() IS NULL AS gone;")
    rm private.jwk; bash -euc "$2" <<<"$4$afterwards"
    psql --no-psqlrc -U app <<<"$5$afterwards"
' readme "$policy" "$connect" "$session" "$transaction" "$claims" 2>&1) || failed=1
echo "$output"

expect() {
    local found
    found=$(grep -cE -- "$1" <<<"${3-$output}" || true)
    if [[ $found != "$2" ]]; then
        echo "readme.sh: \"$1\" $found times, not $2" >&2
        failed=1
    fi
}
expect "ERROR|FATAL|WARNING" 0 "$pasted"
expect "^ alice \| hello$" 1 "$pasted"
expect "^ (alice|bob)$" 2 "$pasted"
expect "^\(0 rows\)$" 2 "$pasted"
expect "ERROR|FATAL|WARNING" 0
# The block of the transaction runs twice.
expect "^ alice$" "$(($(grep -c -- "-- alice" "$2") + 1))"
expect " alice \| hello" 3
expect "^ t$" 2
exit "$failed"
