#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# exports.sh MODULE ALLOW-LIST: the module exports exactly the symbols of the allow-list,
# contains no code that signs, and needs no function that only later servers of its version have.
set -euo pipefail
export LC_ALL=C

exported=$(nm -D --defined-only --format=just-symbols "$1" | sed 's/@.*//' | sort)
if ! diff -u --label allowed --label exported "$2" - <<<"$exported"; then
    echo "$1: exports differ from $2" >&2
    exit 1
fi
symbols=$(nm "$1")
if ! grep -q ' sjwt_crypto_.*_backend$' <<<"$symbols"; then
    echo "$1: no symbol table to look for signers in" >&2
    exit 1
fi
if grep -E ' (sjwt_crypto_.*_signer|sjwt_crypto_make_signature|sjwt_crypto_generate_key|sjwt_jws_sign|sjwt_sign|sjwt_private_key_.*)$' <<<"$symbols"; then
    echo "$1: signs" >&2
    exit 1
fi
bound=$(objdump -R "$1" | awk 'NF == 3 { sub(/[@+-].*/, "", $3); print $3 }' | sort -u)
if ! grep -qx palloc <<<"$bound"; then
    echo "$1: no relocations to look into" >&2
    exit 1
fi
# A function of the server that only later minor releases of a version have. Headers call it inline.
if grep -x heap_datum_check <<<"$bound"; then
    echo "$1: does not load into a server of an earlier minor release" >&2
    exit 1
fi
if (($# > 2)); then
    library=$(nm --defined-only --extern-only --format=just-symbols --quiet "${@:3}" | sort -u)
    if [[ -z $library ]]; then
        echo "no symbols in ${*:3}" >&2
        exit 1
    fi
fi
if comm -12 <(printf '%s\n' "$exported" ${library:+"$library"} | sort -u) <(echo "$bound") | grep . ||
    grep ^cJSON_ <<<"$bound"; then
    echo "$1: another module's symbols of these names would be used" >&2
    exit 1
fi
echo "$1: $(wc -l <"$2") symbols, as allowed"
