# SPDX-License-Identifier: Apache-2.0
# Sourced by dev and the scripts beside this one: messages, root, cleaning up.
# shellcheck shell=bash

say() { printf '\n== %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Commands in at_exit run when the script ends, the last one first.
run_at_exit() {
    local status=$? i
    trap '' INT TERM HUP
    for ((i = ${#at_exit[@]} - 1; i >= 0; i--)); do eval "${at_exit[i]}" || true; done
    exit "$status"
}
# Once a script, and once a subshell that has things of its own to clean up.
clean_up_at_exit() {
    at_exit=()
    trap run_at_exit EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
clean_up_at_exit

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

can_be_root() { [[ $EUID -eq 0 ]] || command -v sudo >/dev/null; }

# Debian's archive as this machine's apt knows it.
mirror() {
    local uri
    uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -nE -e 's/^deb +(\[[^]]*\] +)?([^ ]+).*/\2/p' -e 's/^URIs: *([^ ]+).*/\1/p' |
        grep -m 1 -E '/debian/?$') || true
    echo "${MIRROR:-${uri:-http://deb.debian.org/debian}}"
}

# debian_source [OPTION] PACKAGE: this system's source package, into the current directory.
debian_source() {
    local codename apt
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    echo "deb-src $(mirror) $codename main" >sources.list
    mkdir -p lists/partial cache/archives/partial
    apt=(apt-get -q -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o Dir::State::Lists="$PWD/lists" -o Dir::Cache="$PWD/cache" -o APT::Sandbox::User=)
    "${apt[@]}" update
    "${apt[@]}" source "$@"
}
