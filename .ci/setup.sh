#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh GROUP...: installs what is missing of these groups of .ci/packages.
# dev sources it, and calls setup. What it installs it says first. It creates no
# database cluster and starts no service.
#
# Sets PG_CONFIG where the groups have a server; NODE_EXTRA_CA_CERTS where
# setup kept a bundle of certificates.

ci=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD_DIR=${BUILD_DIR:-${ci%/*}/build}
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    # shellcheck source=.ci/common.sh
    . "$ci/common.sh"
fi

# The newest server of which both the programs and the headers are installed.
find_pg_config() {
    local found
    for found in $(find /usr/lib/postgresql -path '*/bin/pg_config' 2>/dev/null | sort -Vr) \
        "$(command -v pg_config)"; do
        if [[ -n $found && -x $("$found" --bindir)/postgres &&
            -f $("$found" --includedir-server)/postgres.h ]]; then
            echo "$found"
            return
        fi
    done
}

# installed PACKAGE[:PROGRAM]
installed() {
    if [[ $1 == postgresql ]]; then
        [[ -n ${PG_CONFIG:-$(find_pg_config)} ]]
        return
    fi
    if [[ $1 == *:* ]] && command -v "${1#*:}" >/dev/null; then return; fi
    # A package may be there for several processors.
    [[ $(dpkg-query -W -f '${db:Status-Status}' "${1%%:*}" 2>/dev/null) == installed* ]]
}

# setup GROUP...
setup() {
    local group entry entries missing=()
    # PostgreSQL's packages do not configure without /proc; valgrind and the
    # sanitizers do not run without.
    if [[ $EUID -eq 0 && ! -e /proc/self/status ]]; then
        echo "Mounting /proc, which is missing here; it is unmounted at the end."
        mount -t proc proc /proc
        at_exit+=("umount -l /proc")
    fi
    for group in "$@"; do
        entries=$(sed -n "s/^$group  *//p" "$ci/packages")
        [[ -n $entries ]] || die "there is no group of packages called \"$group\" in .ci/packages"
        for entry in $entries; do
            # Some are in several groups.
            if [[ " ${missing[*]} " == *" ${entry%%:*} "* ]]; then continue; fi
            installed "$entry" || missing+=("${entry%%:*}")
        done
    done
    if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
    if [[ -e $BUILD_DIR/ca.crt ]]; then export NODE_EXTRA_CA_CERTS=$BUILD_DIR/ca.crt; fi
    if [[ " $* " == *" server "* ]]; then
        PG_CONFIG=${PG_CONFIG:-$(find_pg_config)}
        PG_CONFIG=$(command -v "$PG_CONFIG") || die "no PostgreSQL server with its headers was found"
        export PG_CONFIG
    fi
}

install_packages() {
    local names=() name version log
    local apt=(env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
        apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600)

    command -v apt-get >/dev/null || die "please install (as Debian names them): $*"
    if ! can_be_root; then
        echo "Missing packages. There is no sudo here; please run as root:" >&2
        printf '\n    %s \\\n        %s\n\n' "apt-get update && apt-get install --no-install-recommends" \
            "${*/%postgresql/postgresql postgresql-server-dev-all}" >&2
        exit 1
    fi
    if ! apt-cache show "$@" >/dev/null 2>&1; then
        echo "Fetching the lists of packages (apt-get update)"
        as_root "${apt[@]}" update >/dev/null
    fi
    for name in "$@"; do
        if [[ $name == postgresql ]]; then
            # PG_MAJOR, or Debian's default: what the package "postgresql" depends on.
            version=${PG_MAJOR:-$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')}
            names+=("postgresql-$version" "postgresql-server-dev-$version")
        else
            names+=("$name")
        fi
    done
    keep_certificates
    refuse_services "$@"
    echo "Installing, as root: ${names[*]}"
    log=$(mktemp)
    at_exit+=("rm -f $log")
    # Lists that are too old name versions that are gone: then once more.
    as_root "${apt[@]}" install --no-install-recommends "${names[@]}" >"$log" 2>&1 </dev/null || {
        as_root "${apt[@]}" update >"$log" 2>&1 </dev/null || true
        as_root "${apt[@]}" install --no-install-recommends "${names[@]}" >>"$log" 2>&1 </dev/null
    } || {
        tail -n 30 "$log" >&2
        die "apt-get install failed"
    }
}

# ca-certificates may come with what is installed and overwrite a bundle that
# somebody put into its place: npm goes on trusting that one.
keep_certificates() {
    local bundle=/etc/ssl/certs/ca-certificates.crt
    if [[ -e $bundle ]] && ! installed ca-certificates; then
        mkdir -p "$BUILD_DIR"
        cp "$bundle" "$BUILD_DIR/ca.crt"
    fi
}

# refuse_services PACKAGE...: until the script ends, the server's package creates
# no cluster, and no package starts a service.
refuse_services() {
    local no_cluster=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
    local policy=/usr/sbin/policy-rc.d
    if [[ " $* " == *" postgresql "* && ! -e $no_cluster ]]; then
        as_root mkdir -p "${no_cluster%/*}"
        echo "create_main_cluster = false" | as_root tee "$no_cluster" >/dev/null
        at_exit+=("as_root rm -f $no_cluster")
    fi
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
        at_exit+=("as_root rm -f $policy")
    fi
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then setup "$@"; fi
