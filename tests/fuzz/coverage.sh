#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh BUILD_DIR: lines and branches of crypto/, jwt/ and of fetch/'s parsers that the fuzz
# targets reach by their seeds alone. BUILD_DIR is a build of the preset fuzz-coverage. Fails where it is less
# than 95 % of the lines of the half that verifies: all but private keys, signing and reading of PEM and DER.
set -euo pipefail

least=95
build=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
profiles=$build/profiles
objects=()
rm -rf "$profiles"
mkdir -p "$profiles"

for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    seeds=("tests/fuzz/corpus/${name#fuzz_}")
    if [[ $name == fuzz_signature ]]; then seeds+=(tests/vectors/crypto); fi
    if [[ $name == fuzz_issuers ]]; then seeds+=(tests/vectors/issuers); fi
    LLVM_PROFILE_FILE=$profiles/$name.profraw "$build/tests/fuzz/$name" -runs=0 -max_len=4096 \
        "${seeds[@]}" >"$profiles/$name.log" 2>&1 || {
        tail -n 30 "$profiles/$name.log" >&2
        echo "$name failed with its seeds" >&2
        exit 1
    }
    objects+=(-object "$build/tests/fuzz/$name")
done
llvm-profdata merge -o "$profiles/all.profdata" "$profiles"/*.profraw

# Columns of the report: 1 the file, 8 and 9 lines and those missed, 11 and 12 likewise branches.
llvm-cov report "${objects[@]:1}" -instr-profile="$profiles/all.profdata" crypto/*.c jwt/*.c \
    fetch/discovery.c fetch/headers.c fetch/schedule.c "$build"/../cjson/source/cJSON.c |
    awk -v least="$least" '
        function percent(all, missed) { return all ? 100 * (all - missed) / all : 100 }
        function row(name, lines, missed, branches, missed_branches) {
            printf "%-24s %6d %6d %6.1f %%   %6d %6d %6.1f %%\n", name, lines, missed,
                percent(lines, missed), branches, missed_branches, percent(branches, missed_branches)
        }
        function is_signing(name) {
            return name ~ /_sign\.c$|sign_registry|\/sign\.c$|jwk_private|jwk_document|_documents|writer/
        }
        BEGIN { printf "%-24s %6s %6s %8s   %6s %6s\n", "", "lines", "missed", "", "branches", "missed" }
        # It prints as well, which nothing here calls.
        /cJSON\.c / { cjson = $0; next }
        /\.c / {
            half = is_signing($1)
            lines[half] += $8; missed[half] += $9; branches[half] += $11; missed_branches[half] += $12
            row($1, $8, $9, $11, $12)
        }
        END {
            row("the half that verifies", lines[0], missed[0], branches[0], missed_branches[0])
            row("the rest, for the tool", lines[1], missed[1], branches[1], missed_branches[1])
            $0 = cjson
            row("cJSON, not counted above", $8, $9, $11, $12)
            if (percent(lines[0], missed[0]) < least) {
                printf "less than %d %% of the lines of the half that verifies\n", least
                exit 1
            }
        }'
