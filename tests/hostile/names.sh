#!/bin/bash
# names.sh MODULE: prints HOSTILE(name) for each function that the module contains, and for
# each one of cJSON and of the crypto libraries that it takes from a shared library.
set -euo pipefail
export LC_ALL=C

names=$(nm --format=posix "$1" | awk '
    $1 ~ /[.]|^_|^(Pg_magic_func|session_wrapper|(pg_finfo_)?user_id_wrapper)$/ { next }
    $2 ~ /^[Tt]$/ || $1 ~ /^(cJSON|crypto|sodium|psa|mbedtls)_/ { print $1 }' | sort -u)
for name in cJSON_Delete jwt_wrapper sjwt_verify; do
    if ! grep -qx "$name" <<<"$names"; then
        echo "$1: no symbol $name" >&2
        exit 1
    fi
done
sed 's/.*/HOSTILE(&)/' <<<"$names"
