#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures what tokens cost where many users share connections. ./dev bench pools runs it through
# tests/server.sh, which starts the server. Prints series in the form of bench.h.
#
#   pools.sh [quick]
#
# Reads BENCH_POOLS and BENCH_POOLS_MBEDTLS, the paths of bench_pools with OpenSSL and mbedTLS.
set -euo pipefail

: "${BENCH_POOLS:?is the path of bench_pools}" "${BENCH_POOLS_MBEDTLS:?is the one with mbedTLS}"
cores=$(nproc)
seconds=2 rounds=7 all_users=(1 4 5 20 200 400 2000) pool_users=(1 5 20 200 2000) all_connections=(1 8 50)
elsewhere=2000 transactions=100 memory=100000 hostile=1000000 tokens=60000
if [[ ${1-} == quick ]]; then
    seconds=1 rounds=1 all_users=(1 5 200 400 2000) pool_users=(1 200) all_connections=(1 8)
    elsewhere=500 transactions=20 memory=2000 hostile=10000 tokens=5000
fi

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@" >/dev/null; }
note_load() { echo "# load: $(cut -d ' ' -f 1 /proc/loadavg)"; }
# pin KEY: the server has this key from now on. A file that is young is read again and again.
pin() {
    "$SJWT" public --key "$1" >jwks.json
    touch -d '1 hour ago' jwks.json
    sleep 3
}

for alg in EdDSA RS256 ES256; do "$SJWT" keygen --alg $alg >$alg.jwk; done
pin EdDSA.jwk
sql <<SQL
CREATE EXTENSION pg_session_jwt;
ALTER DATABASE $PGDATABASE SET pg_session_jwt.jwks_file = '$PWD/jwks.json';
ALTER DATABASE $PGDATABASE SET pg_session_jwt.required_claims = 'exp';
SQL

# ---- one connection --------------------------------------------------------

note_load
for alg in EdDSA RS256 ES256; do
    pin $alg.jwk
    for users in "${all_users[@]}"; do "$BENCH_POOLS" users $alg.jwk "$users"; done
    "$BENCH_POOLS" elsewhere $alg.jwk "$elsewhere"
    # The signature of RS256 alone has 342 octets.
    if [[ $alg != RS256 ]]; then "$BENCH_POOLS" transaction $alg.jwk "$transactions"; fi
done
# The same server and tokens; the bare verification is mbedTLS's.
"$BENCH_POOLS_MBEDTLS" elsewhere ES256.jwk "$elsewhere" | sed 's/^cluster: ES256/&, mbedTLS/'
pin EdDSA.jwk
"$BENCH_POOLS" memory EdDSA.jwk "$memory"
"$BENCH_POOLS" hostile EdDSA.jwk "$hostile"

# ---- many connections ------------------------------------------------------

note_load
"$BENCH_CLIENT" copy EdDSA.jwk "$tokens" >tokens.tsv
sql <<SQL
CREATE TABLE token (jti bigint PRIMARY KEY, token text NOT NULL, claims text NOT NULL);
\\copy token FROM 'tokens.tsv'
CREATE TABLE note (id bigint PRIMARY KEY, owner text NOT NULL, body text NOT NULL);
INSERT INTO note SELECT i, CASE i % 100 WHEN 0 THEN '6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007' ELSE 'other' END,
    repeat('x', 100) FROM generate_series(1, 10000) AS i;
CREATE INDEX ON note (owner);
CREATE FUNCTION helper() RETURNS text STABLE LANGUAGE sql
    AS \$\$SELECT current_setting('request.jwt.claims', true)::json ->> 'sub'\$\$;
CREATE ROLE ours LOGIN;
CREATE ROLE peer LOGIN;
CREATE ROLE anonymous LOGIN;
GRANT SELECT ON token, note TO ours, peer, anonymous;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY ours ON note TO ours USING (owner = auth.user_id());
CREATE POLICY peer ON note TO peer USING (owner = helper());
CREATE POLICY anonymous ON note TO anonymous USING (owner = '6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007');
SQL
sql -c 'VACUUM ANALYZE'
export PGOPTIONS=

# throughput ROLE SCRIPT CLIENTS OPTION...: prints transactions per second.
throughput() {
    local out
    out=$(pgbench -n -U "$1" -f "$2" -c "$3" -j "$(($3 < cores ? $3 : cores))" -T "$seconds" "${@:4}" \
        2>pgbench.err) || {
        cat pgbench.err >&2
        return 1
    }
    sed -n 's/^tps = \([0-9.]*\) .*/\1/p' <<<"$out"
}
# print GROUP NAME X UNIT VALUE...
print() { (IFS=$'\t' && echo "$*"); }

# PgBouncer in transaction mode: a pool of so many connections, which twice as many clients share.
PATH=$PATH:/usr/sbin:/sbin
server_host=$PGHOST server_port=$PGPORT server_database=$PGDATABASE
printf '"%s" ""\n' ours peer anonymous >users
start_bouncer() {
    cat >pgbouncer.ini <<INI
[databases]
pool = host=$server_host port=$server_port dbname=$server_database pool_size=$1
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $PWD
auth_type = trust
auth_file = $PWD/users
pool_mode = transaction
max_client_conn = 500
INI
    pgbouncer pgbouncer.ini >pgbouncer.log 2>&1 &
    bouncer=$!
    for ((i = 0; i < 100; i++)); do
        if [[ -S .s.PGSQL.6432 ]]; then return; fi
        sleep 0.1
    done
    cat pgbouncer.log >&2
    return 1
}
stop_bouncer() {
    kill "$bouncer" 2>/dev/null || true
    wait "$bouncer" 2>/dev/null || true
}
bouncer=
trap '[[ -z $bouncer ]] || stop_bouncer' EXIT

cat >pool.ours <<'SQL'
\set jti random(1, :users)
BEGIN;
SELECT set_config('pg_session_jwt.jwt', token, true) FROM token WHERE jti = :jti;
SELECT id FROM note LIMIT 10;
COMMIT;
SQL
sed "s/'pg_session_jwt.jwt', token/'request.jwt.claims', claims/" pool.ours >pool.peer
for connections in "${all_connections[@]}"; do
    start_bouncer "$connections"
    for users in "${pool_users[@]}"; do
        ours=() theirs=()
        options=(-D "users=$users" -h "$PWD" -p 6432 pool)
        # The first run is not counted: afterwards each connection knows the tokens.
        for ((round = 0; round <= rounds; round++)); do
            theirs[round]=$(throughput peer pool.peer $((2 * connections)) "${options[@]}")
            ours[round]=$(throughput ours pool.ours $((2 * connections)) "${options[@]}")
        done
        group="pool: $connections connection$( ((connections == 1)) || echo s) behind PgBouncer, users"
        print "$group" "request.jwt.claims, unverified" "$users" tps "${theirs[@]:1}"
        print "$group" "pg_session_jwt.jwt" "$users" tps "${ours[@]:1}"
    done
    stop_bouncer
done
bouncer=

# ---- the cluster's table ---------------------------------------------------

# A session that remembers nothing finds each token in the cluster's table.
echo "SELECT count(auth.jwt_session_init(token)) FROM (SELECT token FROM token LIMIT 500) AS t" >hits
echo "SELECT count(sha256(token::bytea)) FROM (SELECT token FROM token LIMIT 500) AS t, generate_series(1, 20)" >hashes
sql -c "ALTER ROLE ours IN DATABASE $PGDATABASE SET pg_session_jwt.cache_size = 0"
many=32
one=() all=() one_control=() all_control=()
for ((round = 0; round <= rounds; round++)); do
    one[round]=$(throughput ours hits 1 "$PGDATABASE")
    all[round]=$(throughput ours hits $many "$PGDATABASE")
    one_control[round]=$(throughput ours hashes 1 "$PGDATABASE")
    all_control[round]=$(throughput ours hashes $many "$PGDATABASE")
done
per_core() { awk -v c="$cores" '{ for (i = 1; i <= NF; i++) printf "%s%.3f", (i > 1 ? "\t" : ""), $i * c }' <<<"$*"; }
group="cluster: 500 tokens found in its table by a statement"
print "$group" "1 client × $cores cores" - tps "$(per_core "${one[@]:1}")"
print "$group" "$many clients" - tps "${all[@]:1}"
group="cluster: a statement that computes hashes, for comparison"
print "$group" "1 client × $cores cores" - tps "$(per_core "${one_control[@]:1}")"
print "$group" "$many clients" - tps "${all_control[@]:1}"
sql -c "ALTER ROLE ours IN DATABASE $PGDATABASE RESET pg_session_jwt.cache_size"

# ---- requests --------------------------------------------------------------

# The statements of a request of PostgREST 12, with prepared statements.
# request FILE SETTING...: further settings of the transaction.
request() {
    local file=$1
    shift
    cat >"$file" <<SQL
\\set jti random(1, :users)
BEGIN;
SELECT set_config('search_path', 'public', true), set_config('request.method', 'GET', true),
    set_config('request.path', '/note', true), set_config('request.headers', '{"accept":"*/*"}', true),
    set_config('request.cookies', '{}', true)$(printf ', %s' "$@") FROM token WHERE jti = :jti;
WITH source AS (SELECT id, body FROM note LIMIT 10)
    SELECT null::bigint AS total, count(t) AS page, coalesce(json_agg(t), '[]') AS body FROM (SELECT * FROM source) AS t;
COMMIT;
SQL
}
no_claims="set_config('request.jwt.claims', '{\"role\":\"anonymous\"}', true)"
request request.none "$no_claims"
request request.unverified "set_config('request.jwt.claims', claims, true)"
request request.ours "$no_claims" "set_config('pg_session_jwt.jwt', token, true)"
group="requests: 10 connections"
kinds=("no token" "request.jwt.claims, unverified" "pg_session_jwt.jwt, 200 users" "pg_session_jwt.jwt, $tokens users")
roles=(anonymous peer ours ours) files=(none unverified ours ours) users=(200 200 200 "$tokens")
declare -A values=()
for ((round = 0; round <= rounds; round++)); do
    for kind in "${!kinds[@]}"; do
        tps=$(throughput "${roles[kind]}" "request.${files[kind]}" 10 -M prepared -D "users=${users[kind]}" "$PGDATABASE")
        if ((round > 0)); then values[$kind]+=$'\t'$tps; fi
    done
done
for kind in "${!kinds[@]}"; do
    printf '%s\t%s\t-\ttps%s\n' "$group" "${kinds[kind]}" "${values[$kind]}"
done
