#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Counts instructions with callgrind and compares them with budget.txt: this test finds a
# regression without a clock.
#
#   cost.sh COMPILER core PROGRAM ALG BACKEND
#                                       one sjwt_verify() and sjwt_token_free(), without
#                                       the crypto library; PROGRAM is cost
#   cost.sh COMPILER server             one call of a function for one row, and one
#                                       auth.jwt_session_init() with a new token,
#                                       without the crypto library; run by
#                                       tests/server.sh exec
#
# COMPILER is the compiler's name in budget.txt, for example gcc-12.
set -euo pipefail

compiler=$1 what=$2
budget=$(dirname "${BASH_SOURCE[0]}")/budget.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# count OPTION... COMMAND...: writes the output to $work/out and the counts to
# $work/counts. Binds at once, because lazy binding would be counted for the first call.
count() {
    LD_BIND_NOW=1 valgrind --quiet --tool=callgrind --collect-atstart=no \
        --callgrind-out-file="$work/counts" "$@" >"$work/out" 2>&1 || {
        cat "$work/out"
        echo "cost.sh: what is counted failed"
        exit 1
    }
}

# strip_debug FILE: writes to $stripped. Symbols are enough, and valgrind fails on debugging
# information that is newer than itself.
strip_debug() {
    stripped=$work/${1##*/}
    strip --strip-debug -o "$stripped" "$1"
}

# judge NAME COUNT: compares with the line of this compiler and machine, else of "any".
judge() {
    local machine budgeted tolerance limit
    machine=$(uname -m)
    read -r budgeted tolerance < <(awk -v n="$1" -v c="$compiler" -v m="$machine" '
        $1 == n && ($2 == c && $3 == m || $2 == "any") && !found { print $4, $5; found = 1 }' "$budget") || {
        echo "$1: $2 instructions, and budget.txt has no line ($compiler, $machine)"
        status=1
        return
    }
    limit=$((budgeted + budgeted * ${tolerance%\%} / 100))
    if (($2 > 0 && $2 <= limit)); then
        echo "$1: $2 instructions, budget $budgeted + $tolerance ($compiler, $machine)"
    else
        echo "$1: $2 INSTRUCTIONS, budget $budgeted + $tolerance = $limit ($compiler, $machine)"
        status=1
    fi
}

# The count excludes these functions: those of libsodium that its backend calls. The others
# call many functions of their library, also one within another; so the count excludes the
# backend's, and with it the few instructions between the library's functions.
declare -A without_crypto=(
    [sodium]=crypto_sign_verify_detached
    [mbedtls]="sjwt_crypto_prepare sjwt_crypto_verify"
    [openssl]="sjwt_crypto_prepare sjwt_crypto_verify")
fewer=5 more=25

core() {
    local options=(--toggle-collect=verify_token) counts=() times function
    for function in ${without_crypto[$3]}; do
        options+=("--toggle-collect=$function")
    done
    strip_debug "$1"
    # The work before the first verification is the same in both runs.
    for times in $fewer $more; do
        count "${options[@]}" "$stripped" "$2" "$times"
        counts+=("$(sed -n 's/^totals: //p' "$work/counts")")
    done
    judge "verify-$2-$3" $(((counts[1] - counts[0]) / (more - fewer)))
}

server() {
    local rows=10000 alg=EdDSA name key token single options counts=() times jti
    # The SQL of a call that a policy makes for each row => the function in the library.
    local -A functions=(
        ["auth.user_id()"]=user_id_wrapper ["auth.uid()"]=uid_wrapper
        ["auth.organization_id()"]=organization_id_wrapper ["auth.session()"]=session_wrapper
        ["auth.role()"]=role_wrapper ["auth.email()"]=email_wrapper
        ["auth.claim('email')"]=claim_wrapper ["auth.has_role('r')"]=has_role_wrapper)

    if ! "$SJWT" keygen --alg $alg >"$work/key.jwk" 2>/dev/null; then
        alg=ES256
        "$SJWT" keygen --alg $alg >"$work/key.jwk"
    fi
    key=$("$SJWT" public --key "$work/key.jwk")
    token=$("$SJWT" sign --key "$work/key.jwk" --claims '{"sub":"6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007",
        "role":"r","email":"e","o":{"id":"6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007"},"jti":1,"exp":4102444800}')
    initdb -D "$work/data" -U postgres -A trust -E UTF8 --no-locale -N >"$work/out" 2>&1 || {
        cat "$work/out"
        exit 1
    }
    strip_debug "$PGSJ_MODULES/pg_session_jwt.so"
    cp "$stripped" "$PGSJ_MODULES/"
    cat "$TEMP_CONFIG" >>"$work/data/postgresql.conf"
    single=(postgres --single -j -D "$work/data" -c jit=off -c "pg_session_jwt.jwk=$key")
    "${single[@]}" postgres <<<'CREATE EXTENSION pg_session_jwt;' >"$work/out" 2>&1

    # Not counted: the work done once for a statement, and the work of the executor.
    options=(--toggle-collect=pgsj_session_resolve)
    printf "SET pg_session_jwt.jwt = '%s';\n\n" "$token" >"$work/queries"
    for name in "${!functions[@]}"; do
        options+=("--toggle-collect=${functions[$name]}")
        printf 'SELECT count(%s) FROM generate_series(1, %s);\n\n' "$name" "$rows"
    done >>"$work/queries"
    count "${options[@]}" "$(command -v postgres)" "${single[@]:1}" postgres <"$work/queries"
    if (($(grep -c "count = \"$rows\"" "$work/out") != ${#functions[@]})); then
        cat "$work/out"
        status=1
    fi
    callgrind_annotate --auto=no --inclusive=yes --threshold=100 "$work/counts" >"$work/annotated"

    for name in "${!functions[@]}"; do
        judge "$name" $(($(sed -nE "s/^ *([0-9,]+) .*[: ]${functions[$name]}( .*)?\$/\1/p" "$work/annotated" |
            head -n 1 | tr -d ,) / rows))
    done

    for ((jti = 2; jti < 2 + more; jti++)); do
        printf "SELECT auth.jwt_session_init('%s');\n\n" "$("$SJWT" sign --key "$work/key.jwk" --claims \
            '{"iss":"https://issuer.example","sub":"6f0c1d6e-8c1a-4a5e-9b1e-3d2f00000007","role":"r",
            "email":"e","aud":["a","b"],"o":{"id":"x","rol":"admin"},"iat":1700000000,"exp":4102444800,"jti":'$jti'}')"
    done >"$work/tokens"
    # Whatever backend serves the key: its own few instructions are left out as well.
    options=(--toggle-collect=jwt_session_init_wrapper
        --toggle-collect=sjwt_crypto_prepare --toggle-collect=sjwt_crypto_verify)
    for times in $fewer $more; do
        head -n $((2 * times)) "$work/tokens" >"$work/queries"
        count "${options[@]}" "$(command -v postgres)" "${single[@]:1}" postgres <"$work/queries"
        if (($(grep -c 'jwt_session_init = ""' "$work/out") != times)); then
            cat "$work/out"
            status=1
        fi
        counts+=("$(sed -n 's/^totals: //p' "$work/counts")")
    done
    judge "auth.jwt_session_init()" $(((counts[1] - counts[0]) / (more - fewer)))
}

shift 2
case $what in
core) core "$@" ;;
server) server ;;
*)
    echo "cost.sh: there is no $what"
    status=2
    ;;
esac
exit "$status"
