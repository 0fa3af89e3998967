#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# curve.sh SOURCE-DIRECTORY OPTION...: these headers are those of an mbedTLS built without
# secp256k1. The table must not have ES256K, and the build must agree with the table.
set -euo pipefail

source=$1
shift
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mkdir -p "$build/include/psa"
printf '#include_next <psa/crypto.h>\n#undef PSA_WANT_ECC_SECP_K1_256\n' >"$build/include/psa/crypto.h"
table=$(cmake -S "$source" -B "$build" "$@" -DCRYPTO_BACKENDS=mbedtls -DCMAKE_C_FLAGS="-I$build/include" \
    -DBUILD_EXTENSION=OFF -DBUILD_TOOL=OFF)
echo "$table"
grep -qE '^--   ES256 +mbedtls$' <<<"$table"
grep -qE '^--   ES256K +-$' <<<"$table"
cmake --build "$build" --target test_expectation
"$build/tests/checks/test_expectation"
