#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# names.sh MODULE: prints a C file with a function for each one that the module contains, and
# for each one of cJSON and of the crypto libraries that it takes from a shared library. The
# functions return 0, which means success where a crypto library returns it.
set -euo pipefail
export LC_ALL=C

library='^(cJSON|crypto|sodium|psa|mbedtls|EVP|OSSL|OPENSSL|BN|ECDSA|EC|RSA|d2i|i2d|CRYPTO|ERR)_'
names=$(nm --format=posix "$1" | awk '
    { sub(/@.*/, "", $1) }
    $1 ~ /[.]|^_|^(Pg_magic_func|session_wrapper|(pg_finfo_)?user_id_wrapper)$/ { next }
    $2 ~ /^[Tt]$/ || $1 ~ library { print $1 }' library="$library" | sort -u)
for name in cJSON_Delete jwt_wrapper sjwt_verify; do
    if ! grep -qx "$name" <<<"$names"; then
        echo "$1: no symbol $name" >&2
        exit 1
    fi
done
awk '{
    print "__attribute__((visibility(\"default\"))) long " $1 "(void);"
    print "long " $1 "(void) { return 0; }"
}' <<<"$names"
