#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# drivers.sh SOURCE-DIR pg|psycopg: runs the functions of docs/drivers.md unchanged, with
# the named driver, on a private server (tests/server.sh, whose environment it needs). TAP.
#   INTEROP_MODULES  (pg) the folder that tests/interop/setup.sh installed into
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/token_log.sh
. "$here/../token_log.sh"

# In a place that the server's user can read.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
case $2 in
pg)
    heading=node-postgres language=js test=$here/drivers.mjs program=(node)
    cp -R "$INTEROP_MODULES/node_modules" "$work/"
    ;;
psycopg)
    # Debian's Python, which finds Debian's packages.
    heading=psycopg language=python test=$here/drivers.py program=(/usr/bin/python3)
    ;;
*)
    echo "usage: drivers.sh SOURCE-DIR pg|psycopg" >&2
    exit 2
    ;;
esac

# The blocks of the driver's section and of "Fewer round trips", then the test.
awk -v own="## $heading" -v start="\`\`\`$language" '
    /^## / { below = $0 == own || $0 == "## Fewer round trips"; section = $0 }
    /^```$/ { printing = 0 }
    printing { print }
    below && $0 == start { printing = 1; blocks++; if (seen[section]++) blocks = -9; print "" }
    END { exit blocks != 2 }
' "$1/docs/drivers.md" >"$work/shown" || {
    echo "drivers.sh: docs/drivers.md does not have one $language block in each of its two places" >&2
    exit 1
}
cat "$work/shown" "$test" >"$work/test.${test##*.}"
chmod -R a+rX "$work"

# Runs in the server's scratch directory.
in_server() {
    set -euo pipefail
    alg=$("$SJWT" backends | awk '$1 ~ /^(EdDSA|ES256)$/ && $2 != "-" { print $1; exit }')
    for name in issuer mallory; do "$SJWT" keygen --alg "$alg" >"$name.jwk"; done
    token() { # SUBJECT EXPIRES-IN-SECONDS KEY
        "$SJWT" sign --key "$3.jwk" --claims "{\"sub\":\"$1\",\"exp\":$(($(date +%s) + $2))}"
    }
    ALICE=$(token alice 900 issuer)
    BOB=$(token bob 900 issuer)
    FORGED=$(token alice 900 mallory)
    EXPIRED=$(token alice -900 issuer)
    POLISH=$(token Łucja 900 issuer)
    export ALICE BOB FORGED EXPIRED POLISH
    psql -X -q -v ON_ERROR_STOP=1 -v keys="$("$SJWT" public --key issuer.jwk)" <<'END'
CREATE ROLE app LOGIN;
CREATE DATABASE app;
CREATE DATABASE keyless;
CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0;
ALTER DATABASE app SET pg_session_jwt.jwks = :'keys';
ALTER DATABASE keyless SET pg_session_jwt.jwks_file = 'none.json';
ALTER DATABASE latin SET pg_session_jwt.jwks = :'keys';
\connect keyless
CREATE EXTENSION pg_session_jwt;
\connect latin
CREATE EXTENSION pg_session_jwt;
\connect app
CREATE EXTENSION pg_session_jwt;
CREATE TABLE note (owner text NOT NULL DEFAULT auth.user_id(), body text NOT NULL CHECK (body <> ''));
INSERT INTO note VALUES ('alice', 'of alice'), ('bob', 'of bob');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.user_id());
GRANT SELECT, INSERT ON note TO app;
END
    status=0
    PGUSER=app PGDATABASE=app "$@" || status=1

    # shellcheck disable=SC2016  # the statement's own $1
    check_log 'SELECT auth.jwt_authenticate($1)' ALICE BOB FORGED EXPIRED POLISH || status=1
    return "$status"
}
"$here/../server.sh" run -o log_statement=all -o log_parameter_max_length=0 -- \
    bash -c "$(declare -f in_server check_log); in_server \"\$@\"" drivers "${program[@]}" "$work/test.${test##*.}"
