#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh SOURCE-DIR: runs the commands of the README's section "From your provider's
# token to the first protected row" unchanged, on a private server (tests/server.sh, whose
# environment it needs), with a token of the form of a real provider.
set -euo pipefail

heading="## From your provider's token to the first protected row"
providers=$1/tests/vectors/providers

# The shell blocks below the heading: the first one has the values of the reader.
blocks=$(awk -v heading="$heading" '
    /^## / { below = $0 == heading }
    /^```$/ { printing = 0 }
    printing { print }
    below && /^```sh$/ { printing = 1; if (n++) print "#" n }
' "$1/README.md")
commands=$(sed '1,/^#2$/d' <<<"$blocks")
values=$(sed -n '1,/^#2$/s/^\([A-Z_]*\)=.*/\1/p' <<<"$blocks" | sort | tr '\n' ' ')
if [[ $values != "AUDIENCE ISSUER JWKS_URL TOKEN " || -z $commands ]]; then
    echo "quickstart.sh: not the blocks that were expected below \"$heading\"" >&2
    exit 1
fi

if "$SJWT" backends | grep -q '^EdDSA *[a-z]'; then provider=better-auth; else provider=auth0; fi
setting() { sed -n "s/^ALTER DATABASE app SET pg_session_jwt\.$1 = '\(.*\)';$/\1/p" "$providers/$provider/settings.sql"; }
subject=$(sed -n 's/^ *"auth.user_id()": "\(.*\)",$/\1/p' "$providers/$provider/expected.json")
token=$("$providers/sign.sh" "$provider")
issuer=$(setting issuer)
audience=$(setting audience)

failed=0
# shellcheck disable=SC2016  # expanded by the inner shell
output=$("$1/tests/server.sh" run -- bash -c '
    export PATH=${SJWT%/*}:$PATH
    JWKS_URL=file://$PGSJ_TESTS/vectors/providers/$2/jwks.json TOKEN=$3 ISSUER=$4 AUDIENCE=$5 bash -euo pipefail -c "$1"
' quickstart "$commands" "$provider" "$token" "$issuer" "$audience" 2>&1) || failed=1
echo "$output"

expect() {
    local found
    found=$(grep -cE -- "$1" <<<"$output" || true)
    if [[ $found != "$2" ]]; then
        echo "quickstart.sh: \"$1\" $found times, not $2" >&2
        failed=1
    fi
}
expect "ERROR|FATAL|WARNING" 0
expect "^ ${subject//|/\\|} \| hello$" 1
expect "^ +0$" 1
exit "$failed"
