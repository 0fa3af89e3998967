#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tutorial.sh PAGE: saves the files that docs/tutorial.md shows and runs its shell blocks
# unchanged, in an environment of tests/server.sh, and checks the results that the page states.
# The section "Tests" runs once for each of the two versions of the service. npm's packages are
# those that the tests of issuers and drivers have: the page must name their versions.
#   PGSJ_ISSUERS, INTEROP_MODULES  where tests/issuers/setup.sh and tests/interop/setup.sh installed
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# In a place that the server's user can read.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The commands of each section: a file is written at its place between the shell blocks.
perl -e '
    my $page = shift;
    open my $in, "<", $page or die "$page: $!\n";
    my ($save, $language, $section, %commands, %n) = ("", "", "");
    while (<$in>) {
        if ($language) {
            if (/^```$/) {
                $commands{$section} .= "END_OF_FILE\n" if $save;
                ($save, $language) = ("", "");
                next;
            }
            $commands{$section} .= $_;
        } elsif (/^##+ (?:(\d)\. |With )(.*)$/) {
            $section = $1 // $2;
        } elsif (/^<!-- save: (\S+) -->$/) {
            $save = $1;
        } elsif (/^```(\w+)$/) {
            $language = $1;
            die "$page:$.: neither a shell block nor a saved file\n" unless $save || $language eq "sh";
            $n{$save ? "files" : "blocks"}++;
            $commands{$section} .= $save ? "cat >$save <<\x27END_OF_FILE\x27\n" : "echo \"block of $section, \$SECONDS s\"\n";
        }
    }
    die "$page: not the blocks that were expected\n" unless $n{files} == 5 && $n{blocks} >= 16;
    for my $section (1 .. 3, "Node.js", 5, "Python", 5 .. 8) {
        print delete $commands{$section} // die "$page: no section $section\n" if $section ne "5";
        print $commands{5} // die "$page: no section 5\n" if $section eq "5";
    }
    delete $commands{5};
    die "$page: a section is not run: ", join(", ", keys %commands), "\n" if %commands;
' "$1" >"$work/commands"
cp -R "$INTEROP_MODULES/node_modules" "$work/node_modules"
chmod -R a+rX "$work"

# The cluster that the page makes must find the staged extension, and npm must not use the network.
in_environment() {
    set -euo pipefail
    real=$("$PG_CONFIG" --bindir)
    mkdir start
    export REAL=$real START=$PWD/start PATH=$PWD/start:${SJWT%/*}:$PATH
    # shellcheck disable=SC2016  # expanded when it runs
    printf '#!/bin/sh\n"%s/initdb" "$@" && cat "$TEMP_CONFIG" >>data/postgresql.conf\n' "$real" >start/initdb
    # Debian's extension_destdir finds a preloaded library by this name only.
    cat >start/pg_ctl <<'END'
#!/bin/sh
if grep -q '^extension_destdir' data/postgresql.conf; then
    sed -i 's|= .pg_session_jwt.$|= '"'\$libdir/pg_session_jwt'|" data/postgresql.conf
fi
exec "$REAL/pg_ctl" "$@"
END
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$PG_CONFIG" >start/pg_config
    export NPM MODULES=$2
    NPM=$(command -v npm)
    cat >start/npm <<'END'
#!/bin/bash
set -euo pipefail
if [[ $1 != install ]]; then exec "$NPM" "$@"; fi
mkdir -p node_modules
for package in "${@:2}"; do
    if [[ $package == -* ]]; then continue; fi
    for folder in "$MODULES" "$PGSJ_ISSUERS/node_modules"; do
        found=$folder/${package%@*}
        if grep -qF "\"version\": \"${package#*@}\"" "$found/package.json" 2>/dev/null; then
            ln -sf "$found" node_modules/
        fi
    done
    [[ -e node_modules/${package%@*} ]] || { echo "the tests have no $package" >&2; exit 1; }
done
END
    chmod +x start/*
    # The page puts the directory that pg_config names before everything else.
    # shellcheck disable=SC2016
    sed 's|^export PATH=.*|&; export PATH="$START:$PATH"|' "$1" >commands
    read -r ISSUER_PORT API_PORT < <(python3 -c '
import socket
both = [socket.socket() for _ in range(2)]
for one in both: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in both))')
    export ISSUER_PORT API_PORT
    finish() {
        local status=$?
        if ((status)); then tail -n 20 notes/*.log; fi
        for file in notes/*.pid; do if [[ -e $file ]]; then kill "$(<"$file")" 2>/dev/null || true; fi; done
        pg_ctl -D notes/data -m immediate stop >/dev/null 2>&1 || true
    }
    trap finish EXIT
    timeout 180 bash -euo pipefail commands
}
failed=0
output=$("$here/../server.sh" exec -- bash -c "$(declare -f in_environment); in_environment \"\$@\"" tutorial \
    "$work/commands" "$work/node_modules" 2>&1) || failed=1
echo "$output"

expect() {
    local found
    found=$(grep -cE -- "$1" <<<"$output" || true)
    if [[ $found != "$2" ]]; then
        echo "tutorial.sh: \"$1\" $found times, not $2" >&2
        failed=1
    fi
}
expect "ERROR|FATAL|WARNING" 0
expect "^ acme \| Welcome to Acme$" 1
# Carol has no note before the tests have run once.
expect '^\[\{"id": ?"?[0-9]+"?, ?"org": ?"acme"' 2
expect '"Welcome to Acme"\}\]\[\]' 1
# The sign before it depends on the version of Node.js.
expect "^[^ ]+ pass 5$" 2
expect "^200 before$" 1
expect "^401 after$" 1
exit "$failed"
