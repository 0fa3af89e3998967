# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shows the main use step by step, on the private server of tests/server.sh.
# Each step checks its output: if the output is not as expected, the demo fails.
set -euo pipefail
# shellcheck source=docs/demo/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

tell() { printf '\n%s\n' "$*"; }
# run ROLE [VARIABLE=VALUE]...: runs the SQL from standard input as ROLE, prints the SQL and the
# answer, and keeps the answer.
run() {
    local role=$1 sql line variable variables=()
    shift
    for variable in "$@"; do variables+=(-v "$variable"); done
    sql=$(cat)
    while IFS= read -r line; do echo "    > $line"; done <<<"$sql"
    answer=$(psql -X -q -U "$role" --pset=footer=off "${variables[@]}" <<<"$sql" 2>&1) || true
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

tell "1. A provider signs tokens with its private key, and publishes the public key. The administrator
   pins this key, the issuer and the audience for the database. No client can change them."
new_key provider.jwk
run postgres keys="$("$SJWT" public --key provider.jwk)" issuer="$issuer" audience="$audience" <<'SQL'
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
ALTER DATABASE postgres SET pg_session_jwt.jwks = :'keys';
ALTER DATABASE postgres SET pg_session_jwt.issuer = :'issuer';
ALTER DATABASE postgres SET pg_session_jwt.audience = :'audience';
SQL
expect_not "ERROR|FATAL"

tell "2. A table has 100,000 notes, each with an owner. By its policy a user sees only the rows whose owner
   is the subject of the session's token. Applications connect as the role app."
run postgres <<'SQL'
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

tell "4. Alice signs in at the provider and gets a token. The application hands it over at the beginning of
   a transaction. Alice sees her notes and can add one. After the transaction the identity is gone."
run app token="$(sign alice 300)" <<'SQL'
BEGIN;
SELECT auth.jwt_authenticate(:'token');
INSERT INTO note (body) VALUES ('Written with a token');
SELECT auth.user_id(), * FROM note;
COMMIT;
SELECT count(*) AS rows_without_identity FROM note;
SQL
expect "^ alice +\| alice +\| Call Bob"
expect "^ alice +\| alice +\| Written with a token"
expect "^ +0$"
expect_not "bob"

tell "5. Bob runs the same queries with his token and sees his own notes."
bob=$(sign bob 300)
run app token="$bob" <<'SQL'
BEGIN;
SELECT auth.jwt_authenticate(:'token');
SELECT auth.user_id(), * FROM note;
COMMIT;
SQL
expect "^ bob +\| bob +\| Learn to juggle"
expect_not "alice"

tell "6. The policy needs no scan of the table: the query uses the index on the owner. The session verified
   the token once. For each row it only compares a value."
run app token="$bob" <<'SQL'
BEGIN;
SELECT auth.jwt_authenticate(:'token');
EXPLAIN (COSTS OFF) SELECT * FROM note;
COMMIT;
SQL
expect "Index"
expect_not "Seq Scan"

tell "7. Mallory signs a token for Alice with a key of her own. The database refuses it."
new_key mallory.jwk
run app token="$(sign alice 300 mallory.jwk)" <<'SQL'
BEGIN;
SELECT auth.jwt_authenticate(:'token');
ROLLBACK;
SELECT count(*) FROM note;
SQL
expect "ERROR:  invalid JWT signature"
expect "^ +0$"

tell "8. The database also refuses a token for Alice that expired an hour ago."
run app token="$(sign alice -3600)" <<'SQL'
BEGIN;
SELECT auth.jwt_authenticate(:'token');
ROLLBACK;
SELECT count(*) FROM note;
SQL
expect "ERROR:  Token used after it has expired"
expect "^ +0$"

tell "9. A client that brings a key of its own changes nothing: the pinned keys decide."
PGOPTIONS="-c pg_session_jwt.jwk=$("$SJWT" public --key mallory.jwk)" run app token="$(sign alice 300 mallory.jwk)" <<'SQL'
BEGIN;
SELECT auth.jwt_authenticate(:'token');
SQL
expect "ERROR:  pg_session_jwt.jwk is not accepted"
expect_not "^ alice"

tell "This is the main use: a verified token decides which rows a session sees. The demo now stops the server
and deletes its files. ./dev psql starts psql on a server like this. README.md has the next steps."
