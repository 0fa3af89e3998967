#!/bin/bash
# names.sh MODULE: prints HOSTILE(name) for each function that the module contains, and for
# each one of cJSON and of the crypto libraries that it takes from a shared library.
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
awk '{ print "HOSTILE(" $1 ")" }' <<<"$names"
