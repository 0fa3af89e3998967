#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dockerfile.sh SOURCE-DIR: the Dockerfile, which nothing builds, has Debian's
# packages from .ci/packages: each group but those of matrix, servers, cross, package,
# release, login, pools and drivers,
# installed by .ci/setup.sh from files that it copies and .dockerignore lets through.
set -euo pipefail
cd "$1"

status=0
expect() {
    if [[ $2 != "$3" ]]; then
        printf 'dockerfile.sh: %s:\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3" >&2
        status=1
    fi
}

# One instruction a line, without comments.
text=$(sed -e '/^ *#/d' -e ':a;/\\$/{N;s/\\\n */ /;ba}' Dockerfile)
groups=$(awk '!/^#/ { print $1 }' .ci/packages | sort -u | grep -vxE 'matrix|servers|cross|package|release|login|pools|drivers.*' | xargs)
installed=$(sed -n 's/.* \/opt\/ci\/\.ci\/setup\.sh \([a-z ]*\).*/\1/p' <<<"$text" | xargs -n 1 | sort | xargs)
expect "the groups of packages" "$groups" "$installed"
expect "where the packages come from" "COPY .ci /opt/ci/.ci" "$(grep '^COPY' <<<"$text")"
expect "what goes into the image" "* !.ci" "$(grep -v '^#' .dockerignore | tr '\n' ' ' | sed 's/ $//')"
expect "instructions that Docker does not know" "" \
    "$(grep -vE '^(FROM|COPY|RUN|USER|WORKDIR|CMD) |^$' <<<"$text" || true)"
# What RUN calls is sh.
sed -n 's/^RUN //p' <<<"$text" | sh -n || status=1
exit "$status"
