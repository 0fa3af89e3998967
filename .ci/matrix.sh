# SPDX-License-Identifier: Apache-2.0
# Sourced by dev: the places where ./dev matrix tests. A place is a function
# place_NAME. It prepares a system or a server and runs workflow presets there,
# with one of
#   chroot_jobs PRESET...           in the chroot that debian_chroot made
#   server_jobs PG_CONFIG PRESET... on this machine, with another server
# What it prints goes into a log. A command that fails ends it. It exits with 75
# where something that the project does not control cannot be had at the moment:
# the place is then skipped, which the summary says.
# shellcheck shell=bash disable=SC2154  # variables of dev

# In the order in which they run. .ci/README.md says what each is for.
places=(trixie sid pg19 pg16 pg14 cassert)

place_trixie() {
    debian_chroot trixie
    fips_module
    chroot_jobs sodium-mbedtls clang-core-mbedtls openssl-fips
}

place_sid() {
    debian_chroot sid || exit 75
    in_chroot ./dev setup pools login
    fips_module
    chroot_jobs sodium-mbedtls core-openssl core-openssl-fips
}

place_pg19() {
    debian_chroot sid 19 || exit 75
    chroot_jobs clang-server
}

place_pg16() { server_jobs "$(.ci/servers.sh 16)" server; }

place_pg14() { server_jobs "$(.ci/servers.sh 14)" server; }

place_cassert() {
    server_jobs "$(.ci/servers.sh cassert)" server server-valgrind
    job cassert-findings no_findings "$BUILD_DIR/cassert/server/valgrind.log"
}

CHROOTS=${CHROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/pg_session_jwt}

# ---- what places are made of ---------------------------------------------

# debian_chroot SUITE [MAJOR]: a chroot of this place with a copy of the checkout and the
# packages that its tests need. One of an earlier time is brought up to date. With
# MAJOR, PostgreSQL of that major version comes from Debian experimental.
debian_chroot() {
    bare_chroot "$1" || return
    # npm's packages come from here: they are the same everywhere.
    as_root cp -R "$BUILD_DIR/interop" "$BUILD_DIR/issuers" "$root/checkout/build/"
    if [[ -n ${2-} ]]; then experimental_server "$2"; fi
    update_chroot || return
    in_chroot env PG_MAJOR="${2-}" ./dev setup "${everything[@]}" clang
}

# experimental_server MAJOR: apt of the chroot takes this server from Debian experimental.
experimental_server() {
    echo "deb $(mirror) experimental main" | as_root tee "$root/etc/apt/sources.list.d/experimental.list" >/dev/null
    # Nothing else: all of experimental is not meant to be installed together.
    printf '%s\n' "Package: postgresql-*$1 libpq*" "Pin: release a=experimental" "Pin-Priority: 600" |
        as_root tee "$root/etc/apt/preferences.d/experimental" >/dev/null
}

# bare_chroot SUITE: the chroot, with a copy of the checkout, and no package more.
bare_chroot() {
    root=$CHROOTS/$place
    bootstrap "$1" "$root" || return
    enter_chroot
}

# bootstrap SUITE FOLDER: Debian's essential packages, unless they are there.
bootstrap() {
    can_be_root || die "debootstrap and chroot need root, and there is no sudo here"
    if [[ ! -e $2/.complete ]]; then
        as_root rm -rf "$2"
        as_root debootstrap --variant=minbase "$1" "$2" "$(mirror)" || return
        as_root touch "$2/.complete"
    fi
}

# Prepares $root, and copies the checkout into it.
enter_chroot() {
    # Nothing here has to survive a power cut, and a mirror that lags is good
    # enough: its signatures are checked all the same.
    echo force-unsafe-io | as_root tee "$root/etc/dpkg/dpkg.cfg.d/unsafe-io" >/dev/null
    echo 'Acquire::Check-Valid-Until "false";' | as_root tee "$root/etc/apt/apt.conf.d/any-date" >/dev/null
    as_root mount -t proc proc "$root/proc" || return
    at_exit+=("as_root umount -l '$root/proc'")
    as_root cp /etc/resolv.conf "$root/etc/resolv.conf"
    as_root rm -rf "$root/checkout"
    as_root mkdir -p "$root/checkout/build"
    tar -c --exclude=./build --exclude=./.git . | as_root tar -x -C "$root/checkout" --no-same-owner
}

update_chroot() {
    in_chroot apt-get -q -q update || return
    in_chroot apt-get -q -q -y dist-upgrade
}

# OpenSSL's FIPS module, and the configuration that the preset openssl-fips names.
fips_module() {
    in_chroot apt-get -q -y install --no-install-recommends openssl openssl-provider-fips
    # shellcheck disable=SC2016  # expanded in the chroot
    in_chroot sh -c 'openssl fipsinstall -out /tmp/pg_session_jwt-fipsmodule.cnf \
        -module "$(dpkg -L openssl-provider-fips | grep "/fips[.]so$")" && chmod 644 /tmp/pg_session_jwt-fipsmodule.cnf'
}

in_chroot() {
    as_root chroot "$root" env -C /checkout -u LC_ALL -u LANG -u TMPDIR -u XDG_CACHE_HOME -u PG_CONFIG \
        -u BUILD_DIR -u NODE_OPTIONS -u NODE_EXTRA_CA_CERTS HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive JOBS="$JOBS" "$@" </dev/null
}

chroot_jobs() {
    in_chroot ./dev job "$@" || true
    collect "$root/checkout/build/results/job"
}

server_jobs() {
    [[ -n $1 ]] || return
    PG_CONFIG=$1 BUILD_DIR=$BUILD_DIR/$place ./dev job "${@:2}" || true
    collect "$BUILD_DIR/$place/results/job"
}

# The results of ./dev job, as results of the matrix.
collect() { sed "s/^/$place-/" "$1" >>"$results"; }

# ---- the command ---------------------------------------------------------

run_place() {
    local place=$1 log=$logs/place-$1.log start=$SECONDS status=0
    say "$place"
    mkdir -p "$CHROOTS"
    # Not within || or if, where a command that fails would not end it.
    set -m
    (
        clean_up_at_exit
        "place_$place"
    ) >"$log" 2>&1 </dev/null &
    set +m
    at_exit+=("kill -- -$! 2>/dev/null")
    wait $! || status=$?
    unset "at_exit[-1]"
    if ((status == 75)); then
        tail -n 30 "$log"
        skipped+=("SKIPPED: $place cannot be had at the moment; nothing was tested there.")
    elif ((status)) || ! grep -q "^$place-" "$results"; then
        tail -n 60 "$log"
        echo "$place|0|1|$((SECONDS - start))|$(system)|FAILED before its end" >>"$results"
    else
        # Indented: its sum is not the sum of all.
        sed -n '/^Ready/,$s/^/  /p' "$log"
    fi
    echo "$place: ended after $((SECONDS - start)) s"
}

matrix() {
    local place skipped=()
    if (($# == 0)); then set -- "${places[@]}"; fi
    for place in "$@"; do
        declare -F "place_$place" >/dev/null || die "there is no place \"$place\" (there are: ${places[*]})"
    done
    setup "${everything[@]}" clang matrix servers
    fetch_modules
    start_results matrix
    for place in "$@"; do run_place "$place"; done
    if ((${#skipped[@]})); then printf '%s\n' '' "${skipped[@]}"; fi
    summary
}
