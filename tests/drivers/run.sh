#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh FOLDER LANGUAGE: runs the code of docs/drivers.md and docs/drivers/LANGUAGE.md as it is written there, with
# the drivers that LANGUAGE/ names, on a private server behind PgBouncer in transaction mode with one server
# connection. TAP. FOLDER keeps what is downloaded and built between two runs.
#
# Reads from the environment what ../server.sh reads, and PGBOUNCER, the program (default: the one in PATH).
# LANGUAGE/run.sh FOLDER does the rest. It gets what is below, and shown (shown.sh: the code of a section).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/token_log.sh
. "$here/../token_log.sh"
mkdir -p "$1"
folder=$(realpath "$1")
language=$2
PGBOUNCER=$(PATH=$PATH:/usr/sbin command -v "${PGBOUNCER:-pgbouncer}")
export PGBOUNCER

# In the server's scratch directory, as its user: prepares everything, prints the environment of the tests, waits for
# the end of its input and then reads the server's log.
serve() {
    set -euo pipefail
    alg=$("$SJWT" backends | awk '$1 ~ /^(EdDSA|ES256)$/ && $2 != "-" { print $1; exit }')
    for name in issuer mallory session; do (umask 077 && "$SJWT" keygen --alg "$alg" >"$name.jwk"); done
    token() { # SUBJECT EXPIRES-IN-SECONDS KEY
        "$SJWT" sign --key "$3.jwk" --claims "{\"sub\":\"$1\",\"exp\":$(($(date +%s) + $2))}"
    }
    ALICE=$(token alice 900 issuer)
    BOB=$(token bob 900 issuer)
    FORGED=$(token alice 900 mallory)
    EXPIRED=$(token alice -900 issuer)
    SESSION_JWK=$("$SJWT" public --key session.jwk)
    export ALICE BOB FORGED EXPIRED SESSION_JWK PGPORT=$1 POOL_PORT=$2
    psql -X -q -v ON_ERROR_STOP=1 -v keys="$("$SJWT" public --key issuer.jwk)" <<'END'
CREATE ROLE app LOGIN;
CREATE DATABASE app;
CREATE DATABASE keyless;
CREATE DATABASE session_key;
ALTER DATABASE app SET pg_session_jwt.jwks = :'keys';
ALTER DATABASE keyless SET pg_session_jwt.jwks_file = 'none.json';
\connect session_key
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
\connect keyless
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
\connect app
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
CREATE TABLE note (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL DEFAULT auth.user_id(),
    body text NOT NULL CHECK (body <> '')
);
INSERT INTO note (owner, body) VALUES ('alice', 'of alice'), ('bob', 'of bob');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.user_id());
GRANT SELECT, INSERT ON note TO app;
END
    echo '"app" ""' >users
    cat >pgbouncer.ini <<END
[databases]
* = host=$PGHOST port=$PGPORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $POOL_PORT
unix_socket_dir =
auth_type = trust
auth_file = users
pool_mode = transaction
default_pool_size = 1
logfile = pgbouncer.log
pidfile = pgbouncer.pid
ignore_startup_parameters = extra_float_digits
END
    "$PGBOUNCER" -q -d pgbouncer.ini
    trap 'kill "$(cat pgbouncer.pid)" || true' EXIT
    while ! (: <>"/dev/tcp/127.0.0.1/$POOL_PORT") 2>/dev/null; do sleep 0.1; done
    for name in ALICE BOB FORGED EXPIRED SESSION_JWK PGPORT POOL_PORT; do
        printf 'export %s=%q\n' "$name" "${!name}"
    done
    echo ready
    cat >/dev/null

    # shellcheck disable=SC2016  # the statement's own $1
    check_log 'auth.jwt_authenticate($1' ALICE BOB FORGED EXPIRED
}

# Downloads and builds before the server starts, so that no token expires meanwhile.
"$here/$language/run.sh" "$folder" prepare

read -r server_port pool_port < <(/usr/bin/python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/stop"
"$here/../server.sh" run -o log_statement=all -o log_parameter_max_length=0 -o listen_addresses=127.0.0.1 \
    -o "port=$server_port" -- bash -c "$(declare -f serve check_log); serve \"\$@\"" serve "$server_port" "$pool_port" \
    <"$work/stop" >"$work/output" &
server=$!
exec 3>"$work/stop"
until grep -qx ready "$work/output"; do
    kill -0 "$server" 2>/dev/null || exit 1
    sleep 0.1
done
# shellcheck source=/dev/null
. <(sed '/^ready$/,$d' "$work/output")
status=0
timeout 300 "$here/$language/run.sh" "$folder" test 3>&- || status=1
exec 3>&-
wait "$server" || status=1
sed '1,/^ready$/d' "$work/output"
exit "$status"
