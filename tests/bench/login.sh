#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# login.sh BUILD [ROUNDS]: how long a login with an ES256 token takes, beside a validator that looks at
# nothing, one bare verification, and a validator that does only that in the session's new process. BUILD is of the preset "bench", with PostgreSQL 18 or later. Each
# way of loading the module has a server of its own. Prints series in the form of bench.h, and for
# each server the medians. ./dev bench login runs it in a chroot.
set -euo pipefail

if [[ ${1-} == measure ]]; then
    # Inside tests/server.sh, on its server.
    data=$(psql -X -A -t -c 'SHOW data_directory')
    psql -X -q -c 'CREATE DATABASE empty' -c 'CREATE DATABASE bare' -c 'CREATE DATABASE ours'
    line='oauth issuer="https://id.example" scope=""'
    cat >"$data/pg_hba.conf" <<END
local empty all $line validator=pg_session_jwt_empty_validator
local bare all $line validator=pg_session_jwt_bare_validator
local ours all $line validator=pg_session_jwt map=bench
local all all trust
END
    echo 'bench 6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007 postgres' >"$data/pg_ident.conf"
    cp "$PGSJ_STAGE/es256.jwk" "$data/bench.jwk"
    if [[ $3 == on ]]; then
        # The server refuses a key that others may read.
        install -m 600 "$PGSJ_STAGE/tls.key" "$data/server.key"
        cp "$PGSJ_STAGE/tls.crt" "$data/server.crt"
        psql -X -q -c "ALTER SYSTEM SET ssl = on"
    fi
    psql -X -q -c 'SELECT pg_reload_conf()' >/dev/null
    exec "$PGSJ_STAGE/bench_login" "$PGSJ_STAGE/es256.jwk" "$2"
fi

build=$1 rounds=${2:-501} stage=$1/stage
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cmake -D BINARY_DIR="$build" -D STAGE="$stage" -P cmake/Stage.cmake >/dev/null
cp "$build/tests/bench/bench_login" "$stage/"
cp "$build/tests/bench/pg_session_jwt_bare_validator.so" "$stage$("${PG_CONFIG:-pg_config}" --pkglibdir)/"
(umask 077 && "$build/jwt/tools/sjwt" keygen --alg ES256 >"$stage/es256.jwk")
chmod 644 "$stage/es256.jwk"
mkdir -p "$build/series"
echo "# $("${PG_CONFIG:-pg_config}" --version)"
(cd "$stage" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
    -keyout tls.key -out tls.crt 2>/dev/null && chmod 644 tls.key)
for server in off: off:pg_session_jwt on:pg_session_jwt; do
    ssl=${server%:*} preload=${server#*:}
    echo "# shared_preload_libraries = '$preload', ssl = $ssl"
    PGSJ_STAGE=$stage SJWT=$build/jwt/tools/sjwt tests/server.sh run \
        -o shared_preload_libraries="$preload" \
        -o oauth_validator_libraries='pg_session_jwt, pg_session_jwt_empty_validator, pg_session_jwt_bare_validator' \
        -o pg_session_jwt.jwks="$("$build/jwt/tools/sjwt" public --key "$stage/es256.jwk")" \
        -o pg_session_jwt.issuer=https://id.example \
        -- bash tests/bench/login.sh measure "$rounds" "$ssl" | tee "$build/series/login"
    # shellcheck disable=SC2016  # perl's own variables
    perl -F'\t' -ne '
        my @values = sort { $a <=> $b } @F[4 .. $#F];
        $median{$F[1]} = $values[$#values / 2];
        printf "%-34s median %8.1f us\n", $F[1], $median{$F[1]};
        END {
            my $sum = $median{"empty validator"} + $median{"bare verification"};
            my $validator = $median{"bare verification in a validator"};
            printf "%-34s %.3f times empty and bare, %.3f times a validator with a bare verification\n",
              $_, $median{$_} / $sum, $median{$_} / $validator
              for grep { /pg_session_jwt/ } sort keys %median;
        }' "$build/series/login"
done
