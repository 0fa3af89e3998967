#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# configure.sh SOURCE-DIRECTORY MESSAGE OPTION...: CMake's configuration with these options
# must fail and print MESSAGE. If MESSAGE is "-", it must succeed.
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
