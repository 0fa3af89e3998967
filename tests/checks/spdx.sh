#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# spdx.sh SOURCE-DIR: each source file and each script names its license in its first two lines.
# Left out: data of tests (tests/vectors, seeds of the fuzz targets), examples that documents show whole, built files.
set -euo pipefail

cd "$1"
named='([.]([ch]|cc|mjs|sql|out|p[lmy]|t|in|map|sh|cmake|supp|[13578]|control)|CMakeLists[.]txt|Makefile|Dockerfile|packages)$'
# In two parts: tools that read such lines would take this one for its own.
line='SPDX-License'-Identifier': Apache-2[.]0'
checked=0
failed=0
while IFS= read -r -d '' file; do
    if [[ ! $file =~ $named ]] && ! head -c 2 "$file" | grep -q '^#!'; then continue; fi
    checked=$((checked + 1))
    if ! head -n 2 "$file" | grep -q "$line"; then
        echo "$file: no SPDX line"
        failed=1
    fi
done < <(find . \( -path './build*' -o -path ./.git -o -path ./tests/vectors -o -path ./tests/tap/fdw \
    -o -path ./tests/fuzz/corpus -o -name node_modules \) -prune -o -type f -print0)
echo "$checked files"
((checked > 100)) || failed=1
exit "$failed"
