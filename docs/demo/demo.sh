# shellcheck shell=bash
# The main job, step by step, on the private server that tests/server.sh made.
# It checks what it shows: where a step does not end as told, it says so and fails.
set -euo pipefail

tell() { printf '\n%s\n' "$*"; }
# run ROLE [VARIABLE=VALUE]...: runs the SQL from standard input as ROLE on a
# connection that was given the public key, shows both, keeps the answer.
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

tell "1. The application has a key pair. It keeps the private key; the database learns the public one
   when a connection starts (pg_session_jwt.jwk)."
# EdDSA, or what a build without it has.
alg=$("$SJWT" backends | awk '$1 ~ /^(EdDSA|ES256)$/ && $2 != "-" { print $1; exit }')
"$SJWT" keygen --alg "$alg" >private.jwk
public_key=$("$SJWT" public --key private.jwk)
echo "    $public_key"

tell "2. A table of notes, 100,000 of them, each with an owner. The policy: a user sees only the rows
   whose owner is the subject of the session's token. The role app is what applications log in as."
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

tell "3. Without a token nobody is logged in, and there is nothing to see."
run app <<'SQL'
SELECT count(*) FROM note;
SQL
expect "^ +0$"

tell "4. The application signs a token for Alice and hands it over. She sees her notes and can add one."
token alice 300
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
INSERT INTO note (body) VALUES ('Written with a token');
SELECT auth.user_id(), * FROM note;
SQL
expect "^ alice +\| alice +\| Call Bob"
expect "^ alice +\| alice +\| Written with a token"
expect_not "bob"

tell "5. Bob, with his token and the same queries, sees his."
token bob 300
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id(), * FROM note;
SQL
expect "^ bob +\| bob +\| Learn to juggle"
expect_not "alice"

tell "6. The policy costs no scan of the table: the owner is looked up in the index. The token was
   verified once; for each row there is only a value to compare with."
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

tell "8. A token of Alice's that expired an hour ago is refused as well."
token alice -3600
run app token="$token" <<'SQL'
SELECT auth.jwt_session_init(:'token');
SELECT count(*) FROM note;
SQL
expect "ERROR:  Token used after it has expired"
expect "^ +0$"

tell "That was the main job: a verified token decides what a session can see. The server is stopped now
and its files are deleted. ./dev psql opens a shell on a server like this; README.md goes on from here."
