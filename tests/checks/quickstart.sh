#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh SOURCE-DIR: runs the commands of the README's section "From your provider's
# token to the first protected row" unchanged, on a private server (tests/server.sh, whose
# environment it needs), with a provider of the test's own behind https.
set -euo pipefail

heading="## From your provider's token to the first protected row"

# The shell blocks below the heading: the first one has the values of the reader, the second
# one the settings. The server is restarted after it.
blocks=$(awk -v heading="$heading" '
    /^## / { below = $0 == heading }
    /^```$/ { printing = 0 }
    printing { print }
    below && /^```sh$/ { printing = 1; if (n++) print "#" n }
' "$1/README.md")
values=$(sed -n '1,/^#2$/s/^\([A-Z_]*\)=.*/\1/p' <<<"$blocks" | sort | tr '\n' ' ')
settings=$(sed -n '/^#2$/,/^#3$/p' <<<"$blocks")
commands=$(sed '1,/^#3$/d' <<<"$blocks")
if [[ $values != "AUDIENCE ISSUER TOKEN " || -z $settings || -z $commands ]]; then
    echo "quickstart.sh: not the blocks that were expected below \"$heading\"" >&2
    exit 1
fi

provider=$(mktemp -d)
chmod 0755 "$provider"
trap 'exec 9>&-; rm -rf "$provider"' EXIT
"$1/tests/fetch/certificates.sh" "$provider"
mkfifo "$provider/end"
python3 "$1/tests/fetch/hostile.py" "$provider" <"$provider/end" >"$provider/ports" &
exec 9>"$provider/end"
until [[ -s $provider/ports ]]; do sleep 0.1; done
issuer=https://localhost:$(sed 's/.*"good": \([0-9]*\).*/\1/' "$provider/ports")/live

if "$SJWT" backends | grep -q '^EdDSA *[a-z]'; then algorithm=EdDSA; else algorithm=ES256; fi
audience=https://api.example.com
"$SJWT" keygen --alg "$algorithm" --kid one >"$provider/private.jwk"
printf '{"keys":[%s]}' "$("$SJWT" public --key "$provider/private.jwk")" >"$provider/live.json"
token=$("$SJWT" sign --key "$provider/private.jwk" --claims \
    "{\"iss\":\"$issuer\",\"aud\":\"$audience\",\"sub\":\"user_1\",\"exp\":$(($(date +%s) + 600))}")

failed=0
# Debian's extension_destdir finds the staged library by this name only.
# shellcheck disable=SC2016  # expanded by the inner shell and the server
output=$("$1/tests/server.sh" run -o "pg_session_jwt.fetch_ca_file=$provider/ca.pem" -o pg_session_jwt.fetch_allow=private -- bash -c '
    export PATH=${SJWT%/*}:$PATH TOKEN=$3 ISSUER=$4 AUDIENCE=$5
    data=$(psql -XAtc "SHOW data_directory" postgres) version=$(psql -XAtc "SHOW server_version_num" postgres)
    bash -euo pipefail -c "$1"
    if ((version < 180000)); then sed -i "s|= .pg_session_jwt.$|= '"'\\\$libdir/pg_session_jwt'"'|" "$data/postgresql.conf"; fi
    "$("$PG_CONFIG" --bindir)/pg_ctl" restart -D "$data" -w -l "$PGSJ_LOG" >/dev/null
    for ((i = 0; i < 100; i++)); do if compgen -G "$data/pg_session_jwt/*.jwks" >/dev/null; then break; fi; sleep 0.1; done
    bash -euo pipefail -c "$2"
' quickstart "$settings" "$commands" "$token" "$issuer" "$audience" 2>&1) || failed=1
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
expect "^ $issuer \| +1 \| $" 1
expect "^ user_1 \| hello$" 1
expect "^ +0$" 1
exit "$failed"
