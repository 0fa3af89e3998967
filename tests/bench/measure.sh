#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures the server. ./dev bench runs it through tests/server.sh, which starts the server.
# Prints series in the form of bench.h.
#
#   measure.sh [quick]
#
# Reads BENCH_CLIENT, the path of bench_client.
set -euo pipefail

: "${BENCH_CLIENT:?is the path of bench_client}"
user=6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007
cores=$(nproc)
rows=1000000 rounds=61 slow_rounds=5 tokens=200 memory=100000 connections=101
all_rows=(1000 10000 100000 1000000 10000000) all_clients=(1 2 4 8 16 32 64) pairs=7
if [[ ${1-} == quick ]]; then
    rows=100000 rounds=31 slow_rounds=5 tokens=50 memory=2000 connections=21
    all_rows=(1000 10000 100000) all_clients=(1 "$cores") pairs=1
fi

ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }
sql() { ask "$@" >/dev/null; }
echo "# rows: $rows"
# The load shows whether other programs used the machine.
note_load() { echo "# load: $(cut -d ' ' -f 1 /proc/loadavg)"; }
note_load
not_measured() { echo "# not measured: $*"; }
exists() { [[ -n $(ask -c "SELECT to_regprocedure('$1')") ]]; }

"$SJWT" keygen --alg EdDSA >key.jwk
key=$("$SJWT" public --key key.jwk)
"$BENCH_CLIENT" copy key.jwk 60000 >tokens.tsv
read -r _ token claims <tokens.tsv

sql <<SQL
CREATE EXTENSION pg_session_jwt;
-- Helpers as users of a gateway that sets claims write them.
CREATE SCHEMA helper;
CREATE FUNCTION helper.user_id() RETURNS text STABLE LANGUAGE sql
    AS \$\$SELECT current_setting('request.jwt.claims', true)::json ->> 'sub'\$\$;
CREATE FUNCTION helper.uid() RETURNS uuid STABLE LANGUAGE sql
    AS \$\$SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid\$\$;
GRANT USAGE ON SCHEMA helper TO PUBLIC;
CREATE FUNCTION fill(name text, rows bigint) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
    EXECUTE format('CREATE TABLE %I (id bigint, owner text, owner_uuid uuid)', name);
    EXECUTE format('INSERT INTO %I SELECT i, u, u::uuid FROM (SELECT i,
        ''6f0c1d6e-8c1a-4a5e-9b1e-3d2f'' || lpad(to_hex(i %% 1000), 8, ''0'') AS u
        FROM generate_series(1, %s) AS i) AS made', name, rows);
    EXECUTE format('GRANT SELECT ON %I TO PUBLIC', name);
END \$\$;
SELECT fill('note', $rows);
CREATE TABLE tokens (jti bigint PRIMARY KEY, token text NOT NULL, claims text NOT NULL);
GRANT SELECT ON tokens TO PUBLIC;
\\copy tokens FROM 'tokens.tsv'
SQL
sql -c 'VACUUM ANALYZE'

# From here on each session has the key, and the sessions of psql and scan have the token.
connect_options="-c pg_session_jwt.jwk=${key// /\\ }"
with_token="$connect_options -c pg_session_jwt.jwt=$token"
[[ $claims != *[[:space:]\\]* ]]
with_claims="-c request.jwt.claims=$claims"

# scan GROUP ROUNDS X: reads the statements from standard input.
scan() { PGOPTIONS="$with_token $with_claims" "$BENCH_CLIENT" scan "$@"; }
# where NAME CONDITION [BEFORE]
where() { printf '%s\t%s\tSELECT count(*) FROM %s WHERE %s\n' "$1" "${3-}" "${table:-note}" "$2"; }

# ---- one row ---------------------------------------------------------------

{
    where "literal" "owner = '$user'"
    where "auth.user_id()" "owner = auth.user_id()"
    where "(select auth.user_id())" "owner = (select auth.user_id())"
} | scan "server: owner as text" "$rounds" -
{
    where "literal" "owner_uuid = '$user'"
    where "auth.uid()" "owner_uuid = auth.uid()"
    where "(select auth.uid())" "owner_uuid = (select auth.uid())"
} | scan "server: owner as uuid" "$rounds" -

{
    where "literal" "owner_uuid = '$user'"
    where "auth.organization_id()" "owner_uuid = auth.organization_id()"
} | scan "server: organization" "$rounds" -
for call in "auth.role()" "auth.email()" "auth.claim('email')"; do
    if ! exists "${call/\'email\'/text}" && ! exists "${call/\'email\'/text[]}"; then
        not_measured "$call, which this version does not have"
        continue
    fi
    {
        where "literal" "owner = '$user'"
        where "$call" "owner = $call"
    } | scan "server: $call" "$rounds" -
done

# With a jsonb literal, the planner would look up the member only once.
{
    where "a jsonb literal, as a parameter" "(SELECT '$claims'::jsonb) ->> 'sub' = owner"
    where "auth.session()" "auth.session() ->> 'sub' = owner"
    where "auth.jwt()" "auth.jwt() ->> 'sub' = owner"
    where "a jsonb literal, member looked up by the planner" "'$claims'::jsonb ->> 'sub' = owner"
} | scan "server: ->> on the claims" "$rounds" -

sql <<SQL
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE ROLE by_literal;
CREATE ROLE by_call;
CREATE ROLE by_select;
CREATE ROLE by_uuid_literal;
CREATE ROLE by_uuid;
CREATE ROLE by_helper;
CREATE ROLE by_helper_select;
CREATE POLICY p1 ON note TO by_literal USING (owner = '$user');
CREATE POLICY p2 ON note TO by_call USING (owner = auth.user_id());
CREATE POLICY p3 ON note TO by_select USING (owner = (SELECT auth.user_id()));
CREATE POLICY p4 ON note TO by_uuid_literal USING (owner_uuid = '$user');
CREATE POLICY p5 ON note TO by_uuid USING (owner_uuid = auth.uid());
CREATE POLICY p6 ON note TO by_helper USING (owner = helper.user_id());
CREATE POLICY p7 ON note TO by_helper_select USING (owner = (SELECT helper.user_id()));
SQL
all="SELECT count(*) FROM note"
{
    printf '%s\tSET ROLE %s\t%s\n' "policy with a literal" by_literal "$all"
    printf '%s\tSET ROLE %s\t%s\n' "policy with auth.user_id()" by_call "$all"
    printf '%s\tSET ROLE %s\t%s\n' "policy with (select auth.user_id())" by_select "$all"
} | scan "server: policy" "$rounds" -
{
    printf '%s\tSET ROLE %s\t%s\n' "policy with a uuid literal" by_uuid_literal "$all"
    printf '%s\tSET ROLE %s\t%s\n' "policy with auth.uid()" by_uuid "$all"
} | scan "server: policy, uuid" "$rounds" -
{
    printf '%s\tSET ROLE %s\t%s\n' "policy with a literal" by_literal "$all"
    printf '%s\tSET ROLE %s\t%s\n' "policy with (select helper.user_id())" by_helper_select "$all"
    printf '%s\tSET ROLE %s\t%s\n' "policy with auth.user_id()" by_call "$all"
    printf '%s\tSET ROLE %s\t%s\n' "policy with helper.user_id()" by_helper "$all"
} | scan "server: policy, peers" "$slow_rounds" -
sql -c 'ALTER TABLE note DISABLE ROW LEVEL SECURITY'
{
    where "literal" "owner_uuid = '$user'"
    where "auth.uid()" "owner_uuid = auth.uid()"
    where "current_setting(…)::json ->> 'sub'" \
        "owner_uuid = (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid"
    where "helper.uid()" "owner_uuid = helper.uid()"
} | scan "server: peers" "$slow_rounds" -

note_load

# ---- growth ----------------------------------------------------------------

for count in "${all_rows[@]}"; do
    table=note_$count
    if ((count >= 10000000)) && (($(df --output=avail -k . | tail -n 1) < 6000000)); then
        not_measured "$count rows: too little room on the disk"
        continue
    fi
    sql -c "SELECT fill('$table', $count)"
    sql -c "VACUUM ANALYZE $table"
    {
        where "literal" "owner = '$user'"
        where "auth.user_id()" "owner = auth.user_id()"
        if ((count <= 100000)); then where "helper.user_id()" "owner = helper.user_id()"; fi
    } | scan "server: by rows" "$slow_rounds" "$count"
    sql -c "DROP TABLE $table"
done
table=note

sql -c 'ALTER TABLE note SET (parallel_workers = 4)'
for workers in 0 1 2 3 4; do
    settings="SET parallel_setup_cost = 0; SET max_parallel_workers_per_gather = $workers"
    {
        where "literal" "owner = '$user'" "$settings"
        where "auth.user_id()" "owner = auth.user_id()" "$settings"
    } | scan "server: by parallel workers" 9 "$workers"
done
sql -c 'ALTER TABLE note RESET (parallel_workers)'

# ---- tokens and memory -----------------------------------------------------

note_load
"$BENCH_CLIENT" tokens key.jwk "$tokens"
"$BENCH_CLIENT" cold key.jwk "$connections"
"$SJWT" keygen --alg ES256 >es256.jwk
"$BENCH_CLIENT" tokens es256.jwk "$tokens"
echo "$key" >jwks.json
sql -c "ALTER DATABASE $PGDATABASE SET pg_session_jwt.jwks_file = '$PWD/jwks.json'"
"$BENCH_CLIENT" pinned key.jwk "$tokens"
for users in 1 4 5 20 200 2000; do "$BENCH_CLIENT" users key.jwk "$users"; done
"$SJWT" public --key es256.jwk >jwks.json
for users in 1 4 5 20 200 2000; do "$BENCH_CLIENT" users es256.jwk "$users"; done
sql -c "ALTER DATABASE $PGDATABASE RESET pg_session_jwt.jwks_file"
"$BENCH_CLIENT" memory key.jwk "$memory"
note_load

# ---- transactions ----------------------------------------------------------

sql <<SQL
CREATE INDEX ON note (owner);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE ROLE app LOGIN;
CREATE ROLE peer LOGIN;
CREATE POLICY p8 ON note TO app USING (owner = auth.user_id());
CREATE POLICY p9 ON note TO peer USING (owner = helper.user_id());
VACUUM ANALYZE note;
SQL
read_rows='SELECT id FROM note LIMIT 10;'
# script FILE QUERIES STATEMENT: STATEMENT sets the identity for the transaction.
script() {
    printf 'BEGIN;\n%s\n' "$3"
    for ((i = 0; i < $2; i++)); do echo "$read_rows"; done
    echo 'COMMIT;'
} >"$1"
for queries in 1 2 5; do
    what="$queries quer$([[ $queries == 1 ]] && echo y || echo ies)"
    script "same token, $what.jwt" "$queries" "SET LOCAL pg_session_jwt.jwt = '$token';"
    script "same token, $what.claims" "$queries" "SET LOCAL request.jwt.claims = '$claims';"
    script "new token, $what.jwt" "$queries" "\\set jti :jti + 1
SELECT set_config('pg_session_jwt.jwt', token, true) FROM tokens WHERE jti = :jti;"
    script "new token, $what.claims" "$queries" "\\set jti :jti + 1
SELECT set_config('request.jwt.claims', claims, true) FROM tokens WHERE jti = :jti;"
done

# throughput ROLE SCRIPT CLIENTS: prints transactions per second.
throughput() {
    local out
    out=$(PGOPTIONS="$connect_options" pgbench -n -U "$1" -f "$2" -c "$3" \
        -j "$(($3 < cores ? $3 : cores))" -T 1 -D jti=0 postgres 2>pgbench.err) || {
        cat pgbench.err >&2
        return 1
    }
    sed -n 's/^tps = \([0-9.]*\) .*/\1/p' <<<"$out"
}
# transactions GROUP X CLIENTS ROUNDS KIND...: same and new tokens, 1 to 5 queries,
# all of them taking turns.
transactions() {
    local group=$1 x=$2 clients=$3 rounds=$4 round kind
    local -A ours=() theirs=()
    shift 4
    for ((round = 0; round < rounds; round++)); do
        for kind in "$@"; do
            theirs[$kind]+=$'\t'$(throughput peer "$kind.claims" "$clients")
            ours[$kind]+=$'\t'$(throughput app "$kind.jwt" "$clients")
        done
    done
    for kind in "$@"; do
        printf '%s\trequest.jwt.claims, unverified\t%s\ttps%s\n' "$group, $kind" "$x" "${theirs[$kind]}"
        printf '%s\tpg_session_jwt.jwt\t%s\ttps%s\n' "$group, $kind" "$x" "${ours[$kind]}"
    done
}
for clients in "$cores" $((8 * cores)); do
    transactions "server: transactions, $clients clients" - "$clients" "$pairs" \
        "same token, 1 query" "same token, 2 queries" "same token, 5 queries" \
        "new token, 1 query" "new token, 2 queries" "new token, 5 queries"
done
for clients in "${all_clients[@]}"; do
    transactions "server: by clients" "$clients" "$clients" "$(((pairs + 1) / 2))" "same token, 2 queries"
done
