#!/bin/bash
# configure.sh SOURCE-DIRECTORY MESSAGE OPTION...: configuring with these options
# fails, and says MESSAGE. With "-" for it, configuring works.
set -uo pipefail

source=$1 message=$2
shift 2
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
output=$(cmake -S "$source" -B "$build" "$@" 2>&1)
status=$?
echo "$output"
if [[ $message == - ]]; then exit "$status"; fi
# CMake wraps its messages.
if ((status == 0)) || [[ $(tr -s ' \n' ' ' <<<"$output") != *"$message"* ]]; then
    echo "expected to fail with: $message" >&2
    exit 1
fi
