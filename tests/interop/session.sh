#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sets tokens signed by npm's jose in sessions of a running server: one for each
# algorithm that the build verifies, except those with a shared secret, whose JWK is
# refused. TAP. Environment: that of tests/server.sh and session.mjs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lines=$(node "$here/session.mjs")

# Runs in the server's scratch directory, with the lines on standard input.
in_server() {
    set -uo pipefail
    n=0
    failed=0
    check() { # NAME GOT WANTED
        n=$((n + 1))
        if [[ $2 == "$3" ]]; then
            echo "ok $n - $1"
        else
            echo "not ok $n - $1"
            printf '%s\n' "got:    $2" "wanted: $3" | sed 's/^/# /'
            failed=1
        fi
    }
    run_sql() { # JWK SQL...
        local commands=()
        for sql in "${@:2}"; do commands+=(-c "$sql"); done
        PGOPTIONS="-c pg_session_jwt.jwk=$1" \
            psql -X -q -A -t -v VERBOSITY=sqlstate "${commands[@]}" </dev/null 2>&1
    }
    psql -X -q -c 'CREATE EXTENSION pg_session_jwt' || exit 1
    while IFS=$'\t' read -r alg jwk token; do
        init="SELECT auth.jwt_session_init('$token')"
        signature=${token##*.}
        other=A
        if [[ $signature == A* ]]; then other=B; fi
        forged=${token%.*}.$other${signature:1}
        case $alg in
        HS*)
            check "$alg: a shared secret is no session key" "$(run_sql "$jwk" "$init")" \
                'ERROR:  42804'
            ;;
        *)
            check "$alg: sets the session" \
                "$(run_sql "$jwk" "$init" 'SELECT auth.user_id()' | sed '/^$/d')" "user of $alg"
            check "$alg: a forged one does not" \
                "$(run_sql "$jwk" "SELECT auth.jwt_session_init('$forged')" \
                    'SELECT auth.user_id() IS NULL' | head -n 1)" 'ERROR:  23514'
            ;;
        esac
    done
    echo "1..$n"
    ((n > 0)) && exit "$failed"
}

"$here/../server.sh" run -- bash -c "$(declare -f in_server); in_server" <<<"$lines"
