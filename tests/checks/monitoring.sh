#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# monitoring.sh SOURCE-DIR: runs the queries that docs/operations.md and docs/examples/prometheus.yml
# have for monitoring, as a role with pg_read_all_stats, on a private server (tests/server.sh, whose
# environment it needs) in which one session has an identity and one token was refused.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
queries=$(/usr/bin/python3 "$here/monitoring.py" "$1")

in_server() {
    set -euo pipefail
    # shellcheck source=docs/demo/common.sh
    . demo/common.sh
    new_key provider.jwk
    psql -X -q -v ON_ERROR_STOP=1 -v keys="$("$SJWT" public --key provider.jwk)" <<'END'
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
CREATE ROLE watcher LOGIN IN ROLE pg_read_all_stats;
GRANT CREATE ON SCHEMA public TO watcher;
ALTER DATABASE postgres SET pg_session_jwt.jwks = :'keys';
END
    PGOPTIONS="-c pg_session_jwt.jwt=x.y.z" psql -X -q -c "SELECT auth.user_id()" 2>refused && return 1
    grep "^ERROR" refused | sed 's/^ERROR/refused/'
    (psql -X -q -c "SELECT auth.jwt_session_init('$(sign alice 300)')" -c "SELECT pg_sleep(60)" || true) \
        >session 2>&1 &
    for ((i = 0; i < 200; i++)); do
        if [[ $(psql -XAtc "SELECT count(*) FROM auth.jwt_sessions() WHERE subject = 'alice'") == 1 ]]; then break; fi
        sleep 0.1
    done
    psql -X -U watcher <<<"$1"
    psql -X -q -c "SELECT pg_terminate_backend(pid) FROM auth.jwt_sessions() WHERE subject = 'alice'" >ended
    wait
}
failed=0
# Debian's extension_destdir, before PostgreSQL 18, finds a preloaded library by its full name only.
library=pg_session_jwt
# shellcheck disable=SC2016  # expanded by the server
if [[ $("$PG_CONFIG" --version) =~ ^PostgreSQL\ 1[4-7] ]]; then library='$libdir/pg_session_jwt'; fi
output=$("$here/../server.sh" run -o "shared_preload_libraries=$library" -- \
    bash -c "$(declare -f in_server); in_server \"\$@\"" monitoring "$queries" 2>&1) || failed=1
echo "$output"

expect() {
    local found
    found=$(grep -cE -- "$1" <<<"$output" || true)
    if [[ $found != "$2" ]]; then
        echo "monitoring.sh: \"$1\" $found times, not $2" >&2
        failed=1
    fi
}
expect "ERROR|FATAL" 0
expect "^ pg_session_jwt_[a-z_]+ +\| t$" 3
expect "\| alice +\|" 1
exit "$failed"
