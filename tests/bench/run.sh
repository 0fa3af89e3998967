#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD MBEDTLS-BUILD [quick]: runs all benchmarks with the programs that the presets
# "bench" and "bench-mbedtls" built there. Writes docs/benchmarks.md; quick: BUILD/report/benchmarks.md. ./dev bench calls it.
set -euo pipefail

build=$1 mbedtls=$2
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
output=docs series=$build/series stage=$build/stage
if [[ ${1-} == quick ]]; then output=$build/report; fi

cmake -D BINARY_DIR="$build" -D STAGE="$stage" -P cmake/Stage.cmake >/dev/null
cp "$build/tests/bench/bench_client" "$stage/"
mkdir -p "$series" "$output"
printf '\n== The core\n'
"$build/tests/bench/bench_core" "$@" | tee "$series/core"
"$mbedtls/tests/bench/bench_core" "$@" RS256 PS256 ES256 | tee "$series/core-mbedtls"
# What ./dev bench peers measured, if it did.
peers=$series/core-peers
if [[ ! -e $peers ]]; then echo "# not measured: libjwt 3 (./dev bench peers)" >"$peers"; fi
printf '\n== The server\n'
# shellcheck disable=SC2016  # server.sh says where the stage is copied to
PGSJ_STAGE=$stage SJWT=$build/jwt/tools/sjwt tests/server.sh run \
    -o shared_buffers=1536MB -o jit=off -o autovacuum=off -o max_connections=100 \
    -o max_parallel_workers_per_gather=0 -o min_parallel_table_scan_size=0 -- \
    bash -c 'BENCH_CLIENT=$PGSJ_STAGE/bench_client exec tests/bench/measure.sh "$@"' bench "$@" |
    tee "$series/server"
tests/bench/report.pl "$build" "$output" "./dev bench${1:+ $1}" \
    "$series/core" "$series/core-mbedtls" "$peers" "$series/server"
echo "Written: $output/benchmarks.md"
