#!/bin/bash
# exports.sh MODULE ALLOW-LIST: the module shows the allow-list, no more and no
# less, and nothing that signs is in it.
set -euo pipefail
export LC_ALL=C

if ! diff -u --label allowed --label exported \
    "$2" <(nm -D --defined-only --format=just-symbols "$1" | sed 's/@.*//' | sort); then
    echo "$1: exports differ from $2" >&2
    exit 1
fi
if ! nm "$1" | grep -q ' crypto_.*_backend$'; then
    echo "$1: no symbol table to look for signers in" >&2
    exit 1
fi
if nm "$1" | grep -E ' (crypto_.*_signer|crypto_sign_message|jws_sign|jwt_private_key_parse)$'; then
    echo "$1: signs" >&2
    exit 1
fi
echo "$1: $(wc -l <"$2") symbols, as allowed"
