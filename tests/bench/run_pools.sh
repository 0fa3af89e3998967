#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run_pools.sh BUILD MBEDTLS-BUILD [quick]: measures what tokens cost in pools, with the programs that the presets "bench"
# and "bench-mbedtls" built there. Writes docs/benchmarks-pools.md; quick: BUILD/report/benchmarks-pools.md. ./dev bench
# pools calls it.
set -euo pipefail

build=$1 mbedtls=$2
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
output=docs series=$build/series stage=$build/stage
if [[ ${1-} == quick ]]; then output=$build/report; fi

cmake -D BINARY_DIR="$build" -D STAGE="$stage" -P cmake/Stage.cmake >/dev/null
cp "$build/tests/bench/bench_client" "$build/tests/bench/bench_pools" "$stage/"
cp "$mbedtls/tests/bench/bench_pools" "$stage/bench_pools_mbedtls"
mkdir -p "$series" "$output"
# shellcheck disable=SC2016  # server.sh says where the stage is copied to; the server knows $libdir
PGSJ_STAGE=$stage SJWT=$build/jwt/tools/sjwt tests/server.sh run \
    -o shared_buffers=256MB -o jit=off -o autovacuum=off -o max_connections=200 \
    -o 'shared_preload_libraries=$libdir/pg_session_jwt' -- \
    bash -c 'export BENCH_CLIENT=$PGSJ_STAGE/bench_client BENCH_POOLS=$PGSJ_STAGE/bench_pools
        export BENCH_POOLS_MBEDTLS=$PGSJ_STAGE/bench_pools_mbedtls
        exec tests/bench/pools.sh "$@"' bench "$@" |
    tee "$series/pools"
tests/bench/report_pools.pl "$build" "$output" "./dev bench pools${1:+ $1}" "$series/pools"
echo "Written: $output/benchmarks-pools.md"
