#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A private PostgreSQL server for tests, demonstrations and shells.
#
#   tests/server.sh run [-o NAME=VALUE]... [--] COMMAND [ARGUMENT...]
#       Makes a cluster in a temporary directory, starts it, runs COMMAND, stops
#       the server and deletes everything. -o adds a line to postgresql.conf.
#       The server listens on a Unix socket in that directory and nowhere else.
#   tests/server.sh exec [--] COMMAND [ARGUMENT...]
#       The same without a server: for tests that start servers of their own
#       (PostgreSQL::Test::Cluster, pg_regress --temp-instance).
#
# Exits with COMMAND's status. As root, the server and COMMAND run as an
# unprivileged user (postgres where there is one, else nobody), because initdb
# and postgres refuse root; what they need to read is copied to where they can.
#
# How the server finds the extension: from 18 on by extension_control_path; below, Debian's
# servers by extension_destdir. Any other server is copied, and the extension installed
# into the copy. PostgreSQL's programs find each other wherever their tree is.
#
# Reads from the environment
#   PG_CONFIG     pg_config of the server to use (default: the first in PATH)
#   PGSJ_STAGE    the DESTDIR that the extension was installed into
#   SJWT          path of the tool sjwt, where there is one
#   PGSJ_VALGRIND a file to write valgrind's findings to: run the server under it
#   PGSJ_ISSUERS  where tests/issuers/setup.sh installed, for tests that run issuers
#
# Gives COMMAND
#   PG_CONFIG PGSJ_STAGE SJWT  as above (readable copies; PG_CONFIG where it was copied)
#   PGSJ_MODULES  the directory of the extension's module
#   PGSJ_EXTENSIONS  the directory of its control file and scripts
#   PGSJ_ISSUERS  as above (where it is not readable: a copy)
#   PGSJ_WORK     a scratch directory, its working directory; deleted afterwards
#   PGSJ_TESTS    $PGSJ_WORK/tests, a readable copy of tests/ (of vectors: providers);
#                 docs/demo and docs/login.md are demo/ and login.md beside it, docs/migrating in it
#   PGSJ_LOG      (run) the server's log file
#   TEMP_CONFIG   lines for postgresql.conf that let any cluster find the staged
#                 extension; PostgreSQL::Test::Cluster reads it by itself
#   PG_REGRESS    path of pg_regress
#   PERL5LIB      has PostgreSQL::Test: the server's own, or else that of Debian's newest
#                 postgresql-server-dev
#   PGHOST PGPORT PGUSER PGDATABASE  (run) a superuser's connection
#   PATH          begins with the server's programs;  LC_ALL=C, HOME=$PGSJ_WORK
set -euo pipefail

fail() {
    echo "server.sh: $*" >&2
    exit 2
}

mode=${1-}
[[ $mode == run || $mode == exec ]] || fail "usage: server.sh run|exec [-o NAME=VALUE]... COMMAND..."
shift
settings=()
while [[ ${1-} == -* ]]; do
    case $1 in
    -o)
        [[ $mode == run && ${2-} == *=* ]] || fail "-o NAME=VALUE goes with run"
        # In postgresql.conf a quote and a backslash are doubled.
        value=${2#*=}
        value=${value//\\/\\\\}
        settings+=("${2%%=*} = '${value//\'/\'\'}'")
        shift 2
        ;;
    --)
        shift
        break
        ;;
    *) fail "unknown option $1" ;;
    esac
done
[[ $# -gt 0 ]] || fail "no command"

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${PGSJ_STAGE:?is the DESTDIR that the extension was installed into}"
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}") || fail "no pg_config: set PG_CONFIG"
version=$("$PG_CONFIG" --version)
version=${version#PostgreSQL }
major=${version%%[!0-9]*}

as_user=()
user=
if [[ $EUID -eq 0 ]]; then
    for user in postgres nobody; do
        if id -u "$user" >/dev/null 2>&1; then break; fi
    done
    as_user=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups --)
fi

# Not below the build directory: a socket's path may have 107 bytes.
umask 022
work=$(mktemp -d "${TMPDIR:-/tmp}/pgsj.XXXXXX")
server=
cleanup() {
    trap '' INT TERM HUP
    if [[ -n $server ]]; then
        "${as_user[@]}" "$bindir/pg_ctl" -s -D "$work/data" -m "$stop_mode" -w stop >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
}
stop_mode=immediate
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

mkdir "$work/tests"
cp "$tests"/*.sh "$tests"/*.supp "$work/tests/"
for part in fetch regress tap fake fixtures bench; do
    if [[ -d $tests/$part ]]; then cp -R "$tests/$part" "$work/tests/"; fi
done
mkdir "$work/tests/vectors"
cp -R "$tests/vectors/providers" "$work/tests/vectors/"
cp -R "$tests/../docs/demo" "$work/demo"
cp -R "$tests/../docs/migrating" "$work/tests/migrating"
cp "$tests/../docs/login.md" "$work/"
cp "$tests/../docs/troubleshooting.md" "$work/tests/"
cp -R "$PGSJ_STAGE" "$work/stage"
if [[ -n ${SJWT-} ]]; then
    mkdir "$work/bin"
    cp "$SJWT" "$work/bin/sjwt"
    export SJWT=$work/bin/sjwt
fi
# Ten thousand files: copied only where need be.
if [[ -n ${PGSJ_ISSUERS-} ]] && ! "${as_user[@]}" test -r "$PGSJ_ISSUERS/package.json"; then
    cp -R "$PGSJ_ISSUERS" "$work/issuers"
    export PGSJ_ISSUERS=$work/issuers
fi

export PGSJ_STAGE=$work/stage PGSJ_WORK=$work PGSJ_TESTS=$work/tests TEMP_CONFIG=$work/staged.conf
bindir=$("$PG_CONFIG" --bindir)
pkglibdir=$("$PG_CONFIG" --pkglibdir)
sharedir=$("$PG_CONFIG" --sharedir)
export PGSJ_MODULES=$PGSJ_STAGE$pkglibdir PGSJ_EXTENSIONS=$PGSJ_STAGE$sharedir/extension
if ((major >= 18)); then
    cat >"$TEMP_CONFIG" <<END
extension_control_path = '$PGSJ_STAGE$sharedir:\$system'
dynamic_library_path = '$PGSJ_MODULES:\$libdir'
END
elif [[ $("$bindir/postgres" --describe-config) == *$'\n'extension_destdir* ]]; then
    echo "extension_destdir = '$PGSJ_STAGE'" >"$TEMP_CONFIG"
else
    prefix=${bindir%/*}
    [[ $prefix != /usr && $prefix != /usr/local && $pkglibdir == "$prefix"/* && $sharedir == "$prefix"/* ]] ||
        fail "this server knows no extension_destdir, and cannot be copied: it has no directory of its own"
    cp -a "$prefix" "$work/server"
    cp -R "$PGSJ_STAGE$prefix"/. "$work/server/"
    PG_CONFIG=$work/server/bin/pg_config
    bindir=$work/server/bin
    PGSJ_MODULES=$work/server${pkglibdir#"$prefix"}
    PGSJ_EXTENSIONS=$work/server${sharedir#"$prefix"}/extension
    : >"$TEMP_CONFIG"
fi

pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
perl=$pgxs/src/test/perl
if [[ ! -e $perl/PostgreSQL/Test/Cluster.pm ]]; then
    perl=$(find /usr/lib/postgresql/*/lib/pgxs/src/test/perl -maxdepth 0 2>/dev/null | sort -V | tail -n 1)
fi
export PG_CONFIG PG_REGRESS=$pgxs/src/test/regress/pg_regress PERL5LIB=$perl${PERL5LIB:+:$PERL5LIB}
export PATH=$bindir:$PATH LC_ALL=C HOME=$work
unset PGSERVICE PGSSLMODE PGOPTIONS PGPASSWORD PGDATABASE PGUSER PGHOST PGPORT

if [[ -n $user ]]; then chown -R "$user" "$work"; fi
cd "$work"

if [[ $mode == run ]]; then
    export PGHOST=$work PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PGSJ_LOG=$work/server.log
    "${as_user[@]}" "$bindir/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --no-locale -N \
        >"$work/initdb.log" 2>&1 || {
        cat "$work/initdb.log" >&2
        fail "initdb failed"
    }
    {
        cat "$TEMP_CONFIG"
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$work'"
        echo "fsync = off"
        echo "max_connections = 40"
        if ((${#settings[@]})); then printf '%s\n' "${settings[@]}"; fi
    } >>"$work/data/postgresql.conf"
    start=(-s -D "$work/data" -l "$PGSJ_LOG" -w -t 120)
    if [[ -n ${PGSJ_VALGRIND-} ]]; then
        # pg_ctl starts what -p names as a server; leaks are the server's habit, not a finding.
        cat >"$work/postgres" <<END
#!/bin/sh
exec valgrind --quiet --leak-check=no --error-markers=VALGRIND-BEGIN,VALGRIND-END \\
    --trace-children=yes --suppressions="$work/tests/server.supp" \\
    --log-file="$work/valgrind.%p.log" "$bindir/postgres" "\$@"
END
        chmod 755 "$work/postgres"
        start+=(-p "$work/postgres")
    fi
    server=starting
    "${as_user[@]}" "$bindir/pg_ctl" "${start[@]}" start >/dev/null || {
        cat "$PGSJ_LOG" >&2
        fail "the server did not start"
    }
fi

status=0
"${as_user[@]}" "$@" || status=$?
if [[ -n $server && -n ${PGSJ_VALGRIND-} ]]; then
    "${as_user[@]}" "$bindir/pg_ctl" -s -D "$work/data" -m fast -w -t 120 stop
    server=
    cat "$work"/valgrind.*.log >"$PGSJ_VALGRIND"
fi
exit "$status"
