# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shows the main use step by step, on the private server of tests/server.sh.
# Each step checks its output: if the output is not as expected, the demo fails.
set -euo pipefail

tell() { printf '\n%s\n' "$*"; }
# run ROLE [VARIABLE=VALUE]...: runs the SQL from standard input as ROLE on a
# connection with the public key, prints the SQL and the answer, keeps the answer.
run() {
    local role=$1 sql line variable variables=()
    shift
    for variable in "$@"; do variables+=(-v "$variable"); done
    sql=$(cat)
    while IFS= read -r line; do echo "    > $line"; done <<<"$sql"
    answer=$(PGOPTIONS="-c pg_session_jwt.jwk=$public_key" psql -X -q -U "$role" \
        --pset=footer=off "${variables[@]}" <<<"$sql" 2>&1) || true
    sed -e '/^ *$/d' -e 's/^/    /' <<<"$answer"
}
expect() {
    if ! grep -qE -- "$1" <<<"$answer"; then
        printf '\nThis should have shown: %s\n' "$1" >&2
        exit 1
    fi
}
expect_not() {
    if grep -qE -- "$1" <<<"$answer"; then
        printf '\nThis should not have shown: %s\n' "$1" >&2
        exit 1
    fi
}
# token SUBJECT EXPIRES-IN-SECONDS [KEY]
token_number=0
token() {
    token_number=$((token_number + 1))
    token=$("$SJWT" sign --key "${3:-private.jwk}" --claims \
        "{\"sub\":\"$1\",\"jti\":$token_number,\"exp\":$(($(date +%s) + $2))}")
}

tell "1. The application has a key pair. It keeps the private key. It sends the public key to the database
   when a connection starts (pg_session_jwt.jwk)."
# EdDSA, or what a build without it has.
alg=$("$SJWT" backends | awk '$1 ~ /^(EdDSA|ES256)$/ && $2 != "-" { print $1; exit }')
"$SJWT" keygen --alg "$alg" >private.jwk
public_key=$("$SJWT" public --key private.jwk)
echo "    $public_key"

tell "2. A table has 100,000 notes, each with an owner. By its policy a user sees only the rows whose owner
   is the subject of the session's token. Applications connect as the role app."
run postgres <<'SQL'
CREATE EXTENSION pg_session_jwt;
CREATE TABLE note (owner text NOT NULL DEFAULT auth.user_id(), body text NOT NULL);
INSERT INTO note SELECT 'user' || i % 1000, 'note ' || i FROM generate_series(1, 100000) AS i;
INSERT INTO note VALUES ('alice', 'Buy a cake'), ('alice', 'Call Bob'), ('bob', 'Learn to juggle');
CREATE INDEX ON note (owner);
ANALYZE note;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON note USING (owner = auth.user_id());
CREATE ROLE app LOGIN;
GRANT SELECT, INSERT ON note TO app;
SQL
expect_not "ERROR|FATAL"

tell "3. Without a token there is no identity, and the role sees no row."
run app <<'SQL'
SELECT count(*) FROM note;
SQL
expect "^ +0$"

tell "4. The application signs a token for Alice and sends it to the session. Alice sees her notes and can
   add one."
token alice 300
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
INSERT INTO note (body) VALUES ('Written with a token');
SELECT auth.user_id(), * FROM note;
SQL
expect "^ alice +\| alice +\| Call Bob"
expect "^ alice +\| alice +\| Written with a token"
expect_not "bob"

tell "5. Bob runs the same queries with his token and sees his own notes."
token bob 300
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id(), * FROM note;
SQL
expect "^ bob +\| bob +\| Learn to juggle"
expect_not "alice"

tell "6. The policy needs no scan of the table: the query uses the index on the owner. The session verified
   the token once. For each row it only compares a value."
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
EXPLAIN (COSTS OFF) SELECT * FROM note;
SQL
expect "Index"
expect_not "Seq Scan"

tell "7. Mallory signs a token for Alice with a key of her own. The database refuses it."
"$SJWT" keygen --alg "$alg" >mallory.jwk
token alice 300 mallory.jwk
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
SELECT count(*) FROM note;
SQL
expect "ERROR:  invalid JWT signature"
expect "^ +0$"

tell "8. The database also refuses a token for Alice that expired an hour ago."
token alice -3600
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
SELECT count(*) FROM note;
SQL
expect "ERROR:  Token used after it has expired"
expect "^ +0$"

tell "This is the main use: a verified token decides which rows a session sees. The demo now stops the server
and deletes its files. ./dev psql starts psql on a server like this. README.md has the next steps."
