#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fips.sh SJWT CONFIGURATION: with the FIPS module's configuration sjwt names the module
# and verifies. Without module or configuration, with broken ones, and with the MAC of another
# module, every token is refused, and the reason names the file. Nothing else verifies instead.
set -euo pipefail

sjwt=$1 configuration=$2
work=$(mktemp -d)
cp "$configuration" "$work/saved"
trap 'cp "$work/saved" "$configuration"; rm -rf "$work"' EXIT

fail() {
    echo "fips.sh: $*" >&2
    exit 1
}

"$sjwt" keygen --alg ES256 >"$work/private.jwk"
"$sjwt" public --key "$work/private.jwk" >"$work/public.jwk"
token=$("$sjwt" sign --key "$work/private.jwk" --claims '{"sub":"alice"}')

# refused WHAT REASON: the token is, and why; the table says it as well.
refused() {
    if "$sjwt" verify --keys "$work/public.jwk" "$token" >"$work/out" 2>&1; then
        cat "$work/out"
        fail "$1: the token is accepted"
    fi
    grep -q "$2" "$work/out" || {
        cat "$work/out"
        fail "$1: the reason is not \"$2\""
    }
    if "$sjwt" backends >"$work/out" 2>&1; then fail "$1: sjwt backends says that all is well"; fi
    grep -q "^openssl-fips: .*$2" "$work/out" || fail "$1: sjwt backends does not say why"
    echo "$1: refused"
}

"$sjwt" verify --keys "$work/public.jwk" "$token" >/dev/null || fail "a good token is refused"
"$sjwt" backends | grep -E '^openssl-fips: OpenSSL .* [0-9.]+$' || fail "sjwt backends does not name the module"
"$sjwt" backends | grep -E '^ES256K +- +-$' || fail "ES256K, which no FIPS module has, is offered"

# Where the library looks for the module.
export OPENSSL_MODULES=$work
refused "no module" "missing or fails its self-test"
cp "$configuration" "$work/fips.so"
refused "a module that is none" "missing or fails its self-test"
unset OPENSSL_MODULES

rm "$configuration"
refused "no configuration" "cannot read"
echo "not a configuration" >"$configuration"
refused "a broken configuration" "$configuration"
: >"$configuration"
refused "an empty configuration" "fails its self-test"
sed 's/^\(module-mac = \)../\1FE/; s/^\(module-mac = \)FE:FE/\100:FE/' "$work/saved" >"$configuration"
if cmp -s "$work/saved" "$configuration"; then fail "the MAC was not changed"; fi
refused "another module's MAC" "fails its self-test"
head -c 40 "$work/saved" >"$configuration"
refused "half a configuration" "cannot read"
