# SPDX-License-Identifier: Apache-2.0
# Sourced by dev: jobs, and what became of them. A job is a workflow preset of
# CMakePresets.json, or a command.
# shellcheck shell=bash disable=SC2154  # variables of dev

# start_results COMMAND: a file of its own for this run of a command of dev. A
# line is "job|passed|failed|seconds|system|how it ended".
start_results() {
    results=$BUILD_DIR/results/$1
    mkdir -p "${results%/*}" "$logs"
    : >"$results"
}

# What was tested here: "Debian 12, PG 15.20, mbedTLS 2.28.3, libsodium 1.0.18, OpenSSL 3.0.19".
system() {
    (
        # shellcheck source=/dev/null
        . /etc/os-release
        # shellcheck disable=SC2153  # NAME is os-release's
        echo -n "${NAME%% *} ${VERSION_ID:-${VERSION_CODENAME-}}"
    )
    if [[ -n ${PG_CONFIG-} ]]; then echo -n ", PG $("$PG_CONFIG" --version | cut -d ' ' -f 2)"; fi
    echo -n ", mbedTLS $(sed -n 's/^#define MBEDTLS_VERSION_STRING  *"\(.*\)"/\1/p' \
        /usr/include/mbedtls/build_info.h /usr/include/mbedtls/version.h 2>/dev/null | head -n 1)"
    echo ", libsodium $(version_of libsodium), OpenSSL $(version_of libcrypto)"
}

# version_of MODULE: of this machine's library, or else of another processor's.
version_of() { PKG_CONFIG_PATH=$(printf '%s:' /usr/lib/*/pkgconfig) pkg-config --modversion "$1"; }

# job NAME [COMMAND...]: the command, or the workflow preset NAME. Counts the
# tests where ctest left a report, else the job as one.
job() {
    local name=$1 log=$logs/$1.log report=$BUILD_DIR/$1/junit.xml start=$SECONDS
    local status=0 passed=1 failed=0 how=passed counts excluded
    shift
    if (($# == 0)); then set -- cmake --workflow --preset "$name"; fi
    rm -f "$report"
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [[ -e $report ]]; then
        how=$(grep '% tests passed' "$log")
        counts=$(sed -n '/<testsuite/,/>/p' "$report" | grep -Eo '[a-z]+="[0-9]+"')
        passed=$(sed -n 's/^tests="\(.*\)"/\1/p' <<<"$counts")
        # A test that was skipped did not pass.
        failed=0$(sed -n 's/^\(failures\|disabled\|skipped\)="\(.*\)"/+\2/p' <<<"$counts" | tr -d '\n')
        failed=$((failed))
        passed=$((passed - failed))
    elif ((status)); then
        passed=0
    fi
    if ((status)); then
        if ((failed == 0)); then failed=1; fi
        how="FAILED ${how#passed}"
        # Without the lines of what went well.
        grep -Ev '^ *Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test .* Passed |^\[[0-9]+/[0-9]+\]|^-- ' "$log"
    fi
    excluded=$(sed -n 's/^-- EXCLUDED: //p' "$log")
    how+=${excluded:+; excluded: ${excluded//$'\n'/; }}
    echo "$name|$passed|$failed|$((SECONDS - start))|$(system)|$how" >>"$results"
    echo "$name: $how ($((SECONDS - start)) s)"
}

# The table of $results, and the sum. Fails where anything failed, or nothing ran.
summary() {
    local name passed failed seconds where how last='' all_passed=0 all_failed=0
    say "Summary"
    while IFS='|' read -r name passed failed seconds where how; do
        if [[ $where != "$last" ]]; then printf '\n%s\n' "$where"; fi
        last=$where
        printf '  %-34s %4d passed %3d failed %5d s   %s\n' "$name" "$passed" "$failed" "$seconds" "$how"
        all_passed=$((all_passed + passed))
        all_failed=$((all_failed + failed))
    done <"$results"
    printf '\n%d passed, %d failed\n' "$all_passed" "$all_failed"
    ((all_failed == 0 && all_passed > 0))
}

# npm's packages for the tests. ctest fetches them as well, where it needs them.
fetch_modules() {
    local suite
    mkdir -p "$logs"
    for suite in interop issuers; do
        flock "$logs" "tests/$suite/setup.sh" "$BUILD_DIR/$suite" >"$logs/npm.log" 2>&1 </dev/null || {
            tail -n 20 "$logs/npm.log" >&2
            die "npm could not fetch the packages of tests/$suite/package-lock.json"
        }
    done
}
