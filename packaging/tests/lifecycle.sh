#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lifecycle.sh DEBS FIXTURES: installs the packages of the folder DEBS with apt, uses them,
# upgrades from the Rust package's files, removes and purges them. FIXTURES is tests/fixtures.
#
# Runs as root in a chroot that has no server yet and that may be thrown away. The package of
# the Rust extension is a stand-in made here: its SQL scripts, and a copy of our module under
# its version number, because the catalog's functions must find their symbols. As in the Rust
# library, one function of ours is not in it.
set -euo pipefail

debs=$1
fixtures=$2
deb=$(echo "$debs"/postgresql-[0-9][0-9]-pg-session-jwt_*.deb)
package=$(dpkg-deb -f "$deb" Package)
major=${package//[!0-9]/}
version=$(dpkg-deb -f "$deb" Version)
modules=/usr/lib/postgresql/$major/lib
scripts=/usr/share/postgresql/$major/extension
work=$(mktemp -d)
chmod 755 "$work"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
checks=0

# expect NAME EXPECTED ACTUAL; expect_match NAME PATTERN ACTUAL
expect() {
    checks=$((checks + 1))
    if [[ $2 != "$3" ]]; then
        printf 'not ok: %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
        exit 1
    fi
    echo "ok: $1"
}
expect_match() {
    checks=$((checks + 1))
    if [[ ! $3 =~ $2 ]]; then
        printf 'not ok: %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
        exit 1
    fi
    echo "ok: $1"
}

apt() {
    local status=0
    apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends --allow-downgrades "$@" \
        >"$work/apt.log" 2>&1 </dev/null || status=$?
    return "$status"
}
# Whatever nothing depends on, though something suggests it.
autoremove() {
    must apt autoremove --purge -o APT::AutoRemove::RecommendsImportant=false \
        -o APT::AutoRemove::SuggestsImportant=false
}
must() { "$@" || {
    cat "$work/apt.log"
    echo "not ok: $*"
    exit 1
}; }

# sql DATABASE SQL: as the superuser. app DATABASE SQL: as the role app; alice: with her token.
# A script comes from standard input, so that a failed statement does not hide the others.
sql() { runuser -u postgres -- psql -XAtq "$1" <<<"$2" 2>&1 || true; }
app() { sql "$1" "SET ROLE app; $2"; }
alice() {
    PGOPTIONS="-c pg_session_jwt.jwk=$(cat "$work/public.jwk")" \
        sql "$1" "SET ROLE app; SET pg_session_jwt.jwt = '$token'; $2"
}

# Everything on the disk that an installation could leave, but not what apt, dpkg and the
# server write for themselves.
snapshot() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path "$debs" \
        -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path /var/lib/dpkg \
        -o -path /var/lib/postgresql -o -path /var/lib/systemd -o -path /etc/ld.so.cache \
        -o -path /var/tmp \) -prune -o -printf '%y %m %u:%g %p %l\n' | sort
    dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sort
}

protected_row="CREATE TABLE note (owner text NOT NULL, body text NOT NULL);
    INSERT INTO note VALUES ('alice', 'hers'), ('bob', 'his');
    ALTER TABLE note ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own_notes ON note USING (owner = auth.user_id());
    GRANT SELECT ON note TO app"

# fixture NAME VERSION: a package that has the files of the Rust extension, as $fixture.
fixture() {
    local root=$work/$1-$2
    fixture=$root.deb
    mkdir -p "$root/DEBIAN" "$root$modules" "$root$scripts"
    cat >"$root/DEBIAN/control" <<END
Package: $1
Version: $2-1
Architecture: $(dpkg --print-architecture)
Maintainer: nobody <nobody@example.org>
Depends: postgresql-$major
Description: stand-in for the package of the Rust extension
END
    dpkg-deb --fsys-tarfile "$deb" | tar -x -O ".$modules/pg_session_jwt.so" >"$root$modules/pg_session_jwt.so"
    sed -i 's/jwt_algorithms_wrapper/jwt_algorithms_missing/g' "$root$modules/pg_session_jwt.so"
    echo "stand-in for $2" >>"$root$modules/pg_session_jwt.so"
    cp "$fixtures/pg_session_jwt--$2.sql" "$root$scripts/"
    cat >"$root$scripts/pg_session_jwt.control" <<END
comment = 'pg_session_jwt: manage authentication sessions using JWTs'
default_version = '$2'
module_pathname = '\$libdir/pg_session_jwt'
relocatable = false
superuser = true
trusted = true
END
    dpkg-deb --root-owner-group -b "$root" "$fixture" >/dev/null
}

# ---- a fresh installation ------------------------------------------------

must apt install "postgresql-$major"
must pg_ctlcluster "$major" main start
autoremove
snapshot >"$work/before"
must apt install "$deb" "$debs/$package-fetch"_*.deb "$debs"/pg-session-jwt-tools_*.deb "$debs"/libsjwt1_*.deb "$debs"/libsjwt-dev_*.deb
expect "the packages are installed" "install ok installed" \
    "$(dpkg-query -W -f '${Status}\n' "$package" "$package-fetch" pg-session-jwt-tools libsjwt1 libsjwt-dev |
        sort -u)"
expect "the worker's module loads" "" "$(sql postgres "LOAD 'pg_session_jwt_fetch'")"
expect_match "the tool runs" "^sjwt ${version%%-*}" "$(sjwt --version)"
sjwt keygen --alg EdDSA >"$work/private.jwk"
sjwt public --key "$work/private.jwk" >"$work/public.jwk"
token=$(sjwt sign --key "$work/private.jwk" --claims '{"sub":"alice","jti":1,"exp":4000000000}')
sql postgres "CREATE ROLE app LOGIN; CREATE DATABASE app"
expect "CREATE EXTENSION and a protected table" "" "$(sql app "CREATE EXTENSION pg_session_jwt; $protected_row")"
expect "with a token, its user's row" "hers" "$(alice app 'SELECT body FROM note')"
expect "without a token, no row" "" "$(app app 'SELECT body FROM note')"
forged=${token%??????????}AAAAAAAAAA
expect_match "a forged token raises an error" "ERROR:  invalid JWT signature" \
    "$(token=$forged alice app 'SELECT body FROM note')"

# ---- removal while policies depend ---------------------------------------

expect_match "DROP EXTENSION is refused while a policy depends on it" \
    "ERROR:  cannot drop extension pg_session_jwt because other objects depend on it" \
    "$(sql app 'DROP EXTENSION pg_session_jwt')"
must apt remove "$package" "$package-fetch"
expect_match "after apt remove, a protected table raises an error and shows no row" \
    '^ERROR:  could not access file "([$]libdir/)?pg_session_jwt": No such file or directory$' \
    "$(app app 'SELECT body FROM note')"
must apt install "$deb"
expect "after a new installation the row is there" "hers" "$(alice app 'SELECT body FROM note')"
must apt remove "$package"
expect_match "DROP EXTENSION CASCADE works without the library" "drop cascades to .* own_notes on table note" \
    "$(sql app 'DROP EXTENSION pg_session_jwt CASCADE')"
expect "then no row is shown: the table has no policy left" "0" "$(app app 'SELECT count(*) FROM note')"
sql postgres "DROP DATABASE app"

must apt install "$deb"
must apt purge "$package" pg-session-jwt-tools libsjwt1 libsjwt-dev
autoremove
snapshot >"$work/after"
expect "remove and purge leave nothing" "" "$(diff "$work/before" "$work/after")"

# ---- over the files of the Rust package ----------------------------------

must apt install "$debs"/pg-session-jwt-tools_*.deb
for old in 0.1.2 0.5.0; do
    fixture "$package" "$old"
    must apt install "$fixture"
    sql postgres "CREATE DATABASE \"old_$old\""
    expect "$old: the catalog of the Rust package" "$old" "$(sql "old_$old" "CREATE EXTENSION pg_session_jwt;
        $protected_row; SELECT extversion FROM pg_extension WHERE extname = 'pg_session_jwt'")"

    # A session that has the old library loaded when the package is upgraded.
    coproc running { PGOPTIONS="-c pg_session_jwt.jwk=$(cat "$work/public.jwk")" \
        runuser -u postgres -- psql -XAtq "old_$old" 2>&1; }
    ask() {
        local answer
        echo "$1" >&"${running[1]}"
        read -r -t 60 answer <&"${running[0]}"
        echo "$answer"
    }
    expect "$old: a session before the upgrade" "hers" \
        "$(ask "SET ROLE app; SET pg_session_jwt.jwt = '$token'; SELECT body FROM note;")"
    must apt install "$deb"
    expect "$old: the package is upgraded in place" "install ok installed $version" \
        "$(dpkg-query -W -f '${Status} ${Version}' "$package")"
    expect "$old: all files are those of the package" "" "$(dpkg -V "$package")"
    expect "$old: the files of the Rust package are gone" "" \
        "$(find "$scripts" -name "pg_session_jwt--$old.sql"; grep -l "stand-in for" "$modules/pg_session_jwt.so")"
    expect "$old: that session goes on with the library that it has" "hers" "$(ask 'SELECT body FROM note;')"

    expect "$old: a new session reads the old catalog" "hers" "$(alice "old_$old" 'SELECT body FROM note')"
    expect "$old: and sees no row without a token" "" "$(app "old_$old" 'SELECT body FROM note')"
    expect "$old: ALTER EXTENSION UPDATE" "${version%%-*}" "$(sql "old_$old" "ALTER EXTENSION pg_session_jwt UPDATE;
        SELECT extversion FROM pg_extension WHERE extname = 'pg_session_jwt'")"
    expect "$old: after it, the same row and the new functions" "hers|t" \
        "$(alice "old_$old" 'SELECT body, (SELECT count(*) > 0 FROM auth.jwt_algorithms()) FROM note')"
    expect "$old: the session from before goes on with the new catalog" "hers" "$(ask 'SELECT body FROM note;')"
    expect_match "$old: but a function that its library lacks raises an error" \
        'ERROR:  could not find function "jwt_algorithms_wrapper" in file ".*pg_session_jwt.so"' \
        "$(ask 'SELECT count(*) FROM auth.jwt_algorithms();')"
    expect "$old: and after that it goes on" "hers" "$(ask 'SELECT body FROM note;')"
    echo '\q' >&"${running[1]}"
    wait $! || true
    sql postgres "DROP DATABASE \"old_$old\""
done

# A server that has loaded the old library at its start.
must apt purge "$package"
fixture "$package" 0.5.0
must apt install "$fixture"
sql postgres "ALTER SYSTEM SET shared_preload_libraries = 'pg_session_jwt'; CREATE DATABASE preloaded"
pg_ctlcluster "$major" main restart
expect "preloaded: a database of the old version" "" "$(sql preloaded "CREATE EXTENSION pg_session_jwt; $protected_row")"
must apt install "$deb"
update="ALTER EXTENSION pg_session_jwt UPDATE; SELECT extversion FROM pg_extension WHERE extname = 'pg_session_jwt'"
expect "preloaded: until a restart, a new session has the old library" "hers" \
    "$(alice preloaded 'SELECT body FROM note')"
expect_match "preloaded: ALTER EXTENSION UPDATE is refused, and changes nothing" \
    'ERROR:  could not find function "jwt_algorithms_wrapper" in file "[^"]*pg_session_jwt.so".*0.5.0$' \
    "$(sql preloaded "$update" | xargs -d '\n')"
pg_ctlcluster "$major" main restart
expect "preloaded: after the restart, it is done" "${version%%-*}" "$(sql preloaded "$update")"
expect "preloaded: and the row is there" "hers" "$(alice preloaded 'SELECT body FROM note')"
sql postgres "ALTER SYSTEM RESET shared_preload_libraries; DROP DATABASE preloaded"
pg_ctlcluster "$major" main restart

# ---- what is in the way --------------------------------------------------

# The same files in a package of another name.
must apt purge "$package"
fixture pg-session-jwt-rust 0.5.0
must apt install "$fixture"
if apt install "$deb"; then expect "another package has the files" "refused" "installed"; fi
expect_match "another package has the files: apt names it" \
    "trying to overwrite '[^']*pg_session_jwt[^']*', which is also in package pg-session-jwt-rust" "$(cat "$work/apt.log")"
expect "its files are as they were" "" "$(dpkg -V pg-session-jwt-rust)"
expect "and ours is not half installed" "not-installed" \
    "$(dpkg --audit; dpkg-query -W -f '${db:Status-Status}' "$package")"
must apt install "$deb" pg-session-jwt-rust-
expect "installed in exchange for the other" "" "$(dpkg -V "$package")"
must apt purge "$package"

# Files that belong to no package: cargo pgrx install, make install.
echo unowned >"$modules/pg_session_jwt.so"
must apt install "$deb"
expect "files that no package owns are replaced" "" "$(dpkg -V "$package")"

# The package of a server that this system does not have.
root=$work/wrong
dpkg-deb -R "$deb" "$root"
sed -i -e "s/^Package: .*/Package: postgresql-98-pg-session-jwt/; /^Depends:/s/postgresql-$major/postgresql-98/" \
    "$root/DEBIAN/control"
dpkg-deb -b "$root" "$work/wrong.deb" >/dev/null
if apt install "$work/wrong.deb"; then expect "the package of another server" "refused" "installed"; fi
expect_match "the package of another server: apt names the server" \
    "Depends: postgresql-98 but it is not installable|postgresql-98-pg-session-jwt.* Depends postgresql-98" \
    "$(tr -s ' \n' ' ' <"$work/apt.log")"

# The module of another server's version, copied by hand: OTHER_MODULE names one.
if [[ -n ${OTHER_MODULE-} ]]; then
    cp --remove-destination "$OTHER_MODULE" "$modules/pg_session_jwt.so"
    expect_match "the module of another server raises an error" \
        'ERROR:  (incompatible library ".*pg_session_jwt.so": version mismatch|could not load library .*undefined symbol)' \
        "$(sql postgres 'CREATE EXTENSION pg_session_jwt')"
fi

pg_ctlcluster "$major" main stop
echo "$checks checks passed: $package $version"
