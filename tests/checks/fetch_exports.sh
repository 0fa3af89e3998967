#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch_exports.sh WORKER-MODULE MODULE: the worker's module exports its entry point and nothing
# else. It alone needs libcurl.
set -euo pipefail
export LC_ALL=C

exported=$(nm -D --defined-only --format=just-symbols "$1" | sed 's/@.*//' | sort | tr '\n' ' ')
if [[ $exported != "Pg_magic_func pgsj_fetch_main " ]]; then
    echo "$1 exports: $exported" >&2
    exit 1
fi
needed() { objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'; }
if ! needed "$1" | grep -q '^libcurl'; then
    echo "$1 does not need libcurl" >&2
    exit 1
fi
if needed "$2" | grep '^libcurl'; then
    echo "$2 needs libcurl" >&2
    exit 1
fi
