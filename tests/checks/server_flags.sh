#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# server_flags.sh COMPILE-COMMANDS PG_CONFIG TYPE-OF-BUILD: each file that sees the
# server's headers is compiled with the flags of the server that change what code
# means or that harden it.
set -euo pipefail

commands=$1 pg_config=$2 type=$3
headers=$("$pg_config" --includedir-server)
wanted=(-fno-strict-aliasing -fwrapv)
for flag in $("$pg_config" --cflags --cppflags); do
    case $flag in
    -fstack-protector-strong | -fstack-clash-protection | -fcf-protection | -mbranch-protection=*) ;;
    -D_FORTIFY_SOURCE=*) [[ $type != Debug ]] || continue ;;
    *) continue ;;
    esac
    wanted+=("$flag")
done

files=0 failed=0
while IFS= read -r command; do
    files=$((files + 1))
    for flag in "${wanted[@]}"; do
        if [[ " $command " != *" $flag "* ]]; then
            echo "without $flag: ${command##* -c }"
            failed=1
        fi
    done
done < <(grep '"command":' "$commands" | grep -F " $headers ")
echo "$files files with ${wanted[*]}"
# The extension, the same over a crypto backend of the tests, and the tests' worker.
if ((files < 20)); then
    echo "that is too few: are these the commands of the extension?"
    failed=1
fi
exit "$failed"
