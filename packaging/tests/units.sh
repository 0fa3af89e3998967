#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# units.sh ROOT: the units of systemd in the chroot ROOT, which has Debian's packages in /debs and
# may be thrown away. systemd itself is started there, in namespaces of its own. It runs the server
# with the extension, and the units of sjwt fetch against a server of keys on this machine.
#
# Runs as root on a system with cgroups of version 2. Needs python3 and util-linux.
set -euo pipefail

root=$(realpath "$1")
work=$(mktemp -d)
checks=0
cgroup=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
cgroup=$cgroup/pg_session_jwt-$$
init=
server=
# shellcheck disable=SC2317  # called at exit
clean_up() {
    if [[ -n $init ]]; then kill -KILL "$init" 2>/dev/null || true; fi
    if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; fi
    wait
    if [[ -d $cgroup ]]; then find "$cgroup" -depth -type d -exec rmdir {} \; ; fi
    rm -rf "$work"
}
trap clean_up EXIT

# expect NAME EXPECTED ACTUAL; expect_match NAME PATTERN ACTUAL
expect() { verdict "$1" "$2" "$3" "$([[ $2 != "$3" ]] || echo ok)"; }
expect_match() { verdict "$1" "$2" "$3" "$([[ ! $3 =~ $2 ]] || echo ok)"; }
verdict() {
    checks=$((checks + 1))
    if [[ $4 != ok ]]; then
        printf 'not ok: %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
        if [[ -n $init ]]; then beside journalctl --no-pager -n 20; fi
        exit 1
    fi
    echo "ok: $1"
}
environment=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
in_root() { chroot "$root" "${environment[@]}" "$@"; }
apt() {
    in_root apt-get -q -q -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >"$work/apt" 2>&1 || {
        cat "$work/apt"
        exit 1
    }
}
# A command beside the systemd that runs.
beside() { nsenter -t "$init" -a -r -w "${environment[@]}" "$@" 2>&1 || true; }
# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}

rm -f "$root/usr/sbin/policy-rc.d"
apt install systemd
mapfile -t debs < <(cd "$root" && printf '/%s\n' debs/*.deb | grep -v -e dbgsym -e libsjwt)
apt install --reinstall "${debs[@]}"
major=$(in_root sh -c 'ls /usr/lib/postgresql')
data=/var/lib/postgresql/$major/main

# ---- the files -----------------------------------------------------------

expect "systemd has nothing to say about the units" "" \
    "$(in_root systemd-analyze verify --man=no sjwt-fetch@example.service sjwt-fetch@example.timer 2>&1)"
# From 0 (closed) to 100 (open).
expect_match "their exposure is at most 1.8" "^status 0" \
    "$(in_root systemd-analyze security --offline=true --threshold=18 sjwt-fetch@example.service 2>&1 >/dev/null &&
        echo status 0)"

# ---- systemd -------------------------------------------------------------

mkdir "$cgroup"
# shellcheck disable=SC2016  # expanded by the inner shells
bash -c 'echo 0 >"$1/cgroup.procs"
    exec unshare --mount --pid --cgroup --ipc --uts --fork bash -euc "
        mount --bind \"\$1\" \"\$1\"
        cd \"\$1\"
        mount -t proc proc proc
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 cgroup sys/fs/cgroup
        for folder in run dev tmp; do mount -t tmpfs -o mode=755 tmpfs \$folder; done
        chmod 1777 tmp
        for device in null zero full random urandom tty; do
            touch dev/\$device
            mount --bind /dev/\$device dev/\$device
        done
        mkdir -m 1777 dev/shm dev/pts
        mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
        ln -s pts/ptmx dev/ptmx
        mount -t tmpfs tmpfs dev/shm
        ln -s /proc/self/fd dev/fd
        pivot_root . .
        umount -l .
        exec chroot . env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
    " bash "$2"' bash "$cgroup" "$root" >"$work/systemd" 2>&1 </dev/null &
started=$!
until_true 20 pgrep -P "$started" || { cat "$work/systemd"; exit 1; }
init=$(pgrep -P "$started")
has_started() { [[ $(beside systemctl is-system-running) =~ ^(running|degraded)$ ]]; }
until_true 60 has_started || { cat "$work/systemd"; beside systemctl list-jobs; exit 1; }

# ---- the server, and a server of keys -------------------------------------

mkdir "$work/keys"
in_root sjwt keygen --alg ES256 --kid one >"$work/private.jwk"
printf '{"keys":[%s]}\n' "$(in_root sjwt public --key - <"$work/private.jwk")" >"$work/keys/jwks.json"
python3 -u -m http.server --bind 127.0.0.1 --directory "$work/keys" 0 >"$work/http" 2>&1 &
server=$!
until_true 20 grep -q 'port [0-9]' "$work/http"
port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$work/http")
mkdir -p "$root/etc/pg_session_jwt/fetch"
# settings NAME URL OUT: the file of an instance.
settings() {
    printf '%s\n' "SOURCE=--url $2" "OUT=$3" "OPTIONS=--allow http,private" >"$root/etc/pg_session_jwt/fetch/$1.conf"
}
settings example "http://127.0.0.1:$port/jwks.json" "$data/jwks.json"

expect "the unit fetches" "" "$(beside systemctl start sjwt-fetch@example.service)"
expect "into a file that the server alone reads" "postgres:postgres 600" \
    "$(beside stat -c '%U:%G %a' "$data/jwks.json")"
expect "which has the keys" "" "$(diff "$work/keys/jwks.json" "$root$data/jwks.json" 2>&1)"

cat >>"$root/etc/postgresql/$major/main/postgresql.conf" <<END
unix_socket_directories = '/var/run/postgresql'
port = 5432
listen_addresses = ''
pg_session_jwt.jwks_file = 'jwks.json'
END
expect "systemd starts the server" "" "$(beside systemctl restart "postgresql@$major-main.service")"
query() { beside runuser -u postgres -- psql -XAtq <<<"$1"; }
token() { in_root sjwt sign --key - --claims "{\"sub\":\"$1\",\"exp\":4000000000}" <"$work/private.jwk"; }
expect "a token that the fetched key verifies" "alice" \
    "$(query "CREATE EXTENSION pg_session_jwt; SET pg_session_jwt.jwt = '$(token alice)'; SELECT auth.user_id()")"

# ---- the timer: the provider changes its key -------------------------------

in_root sjwt keygen --alg ES256 --kid two >"$work/private.jwk"
printf '{"keys":[%s]}\n' "$(in_root sjwt public --key - <"$work/private.jwk")" >"$work/keys/jwks.json"
expect_match "the new key is not there yet" "ERROR:" \
    "$(query "SET pg_session_jwt.jwt = '$(token bob)'; SELECT auth.user_id()")"
# Without the delay that is to spread the machines of the world.
mkdir -p "$root/etc/systemd/system/sjwt-fetch@.timer.d"
printf '[Timer]\nRandomizedDelaySec=0\n' >"$root/etc/systemd/system/sjwt-fetch@.timer.d/test.conf"
expect "systemd reads that" "" "$(beside systemctl daemon-reload)"
expect_match "the timer is enabled" "Created symlink" "$(beside systemctl enable --now sjwt-fetch@example.timer)"
expect "and is active" "active" "$(beside systemctl is-active sjwt-fetch@example.timer)"
same() { cmp "$work/keys/jwks.json" "$root$data/jwks.json"; }
until_true 60 same || { beside systemctl status --no-pager -l "sjwt-fetch@*"; exit 1; }
expect "it fetches, and the server sees the new key" "bob" \
    "$(query "SET pg_session_jwt.jwt = '$(token bob)'; SELECT auth.user_id()")"
next() { [[ $(beside systemctl show -p NextElapseUSecMonotonic --value sjwt-fetch@example.timer) =~ [0-9] ]]; }
expect "and is due again" "yes" "$(until_true 10 next && echo yes)"

# ---- what goes wrong -------------------------------------------------------

# fails NAME PATTERN INSTANCE: the unit fails, and its journal says why.
fails() {
    expect_match "$1: the unit fails" "failed" "$(beside systemctl start "sjwt-fetch@$3.service")"
    beside journalctl --sync >/dev/null
    expect_match "$1: the journal says why" "$2" "$(beside journalctl --no-pager -o cat -u "sjwt-fetch@$3.service")"
}
settings gone "http://127.0.0.1:$port/no-such-file" "$data/jwks.json"
fails "an address without keys" "404" gone
expect "an address without keys: the last keys stay" "" "$(diff "$work/keys/jwks.json" "$root$data/jwks.json" 2>&1)"
settings outside "http://127.0.0.1:$port/jwks.json" /etc/postgresql/jwks.json
fails "a file outside of the data directory" "Read-only file system" outside
fails "no settings" "environment file|No such file" missing

echo "$checks checks passed: systemd $(beside systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"
