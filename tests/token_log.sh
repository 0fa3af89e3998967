# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests that hand tokens to a private server which logs statements (tests/server.sh).

# check_log STATEMENT NAME...: TAP. The server's log has STATEMENT and the refusal of a forged token,
# and no payload and no signature of the tokens in the variables NAME. Returns 1 if it is not so.
check_log() {
    local statement=$1 name part n=0 status=0
    result() { # NAME COMMAND...
        n=$((n + 1))
        if "${@:2}"; then
            echo "ok log $n - $1"
        else
            echo "not ok log $n - $1"
            status=1
        fi
    }
    logged() { grep -qF -- "$1" "$PGSJ_LOG"; }
    not_logged() { ! logged "$1"; }
    result "the server logs statements" logged "$statement"
    result "the server logs refusals" logged 'invalid JWT signature'
    for name in "${@:2}"; do
        for part in 2 3; do
            result "no part $part of $name's token is in the log" not_logged "$(cut -d . -f "$part" <<<"${!name}")"
        done
    done
    return "$status"
}
