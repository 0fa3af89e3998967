#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# spdx.sh SOURCE-DIR: each source file and each script names its license in its first two lines.
# Left out: data of tests (tests/vectors, seeds of the fuzz targets), examples that documents show whole, built files.
set -euo pipefail

cd "$1"
checked=0
failed=0
while IFS= read -r -d '' file; do
    checked=$((checked + 1))
    if ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2[.]0'; then
        echo "$file: no SPDX line"
        failed=1
    fi
done < <(find CMakeLists.txt dev Dockerfile .ci cmake crypto docs extension fetch jwt packaging sql tests \
    \( -path tests/vectors -o -path tests/tap/fdw -o -path tests/fuzz/corpus -o -name node_modules \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.cc' -o -name '*.mjs' -o -name '*.sql' -o -name '*.out' -o -name '*.p[lmy]' \
    -o -name '*.t' -o -name '*.in' -o -name '*.map' -o -name '*.sh' -o -name '*.cmake' -o -name '*.supp' \
    -o -name '*.[13578]' -o -name '*.control' -o -name CMakeLists.txt -o -path dev -o -path .ci/run \
    -o -path .ci/packages -o -path Dockerfile \) -print0)
echo "$checked files"
((checked > 100)) || failed=1
exit "$failed"
