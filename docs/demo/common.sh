# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For demo.sh and psql.sh: an identity provider in two functions, and a database that trusts it.

issuer=https://login.example.com
audience=notes

# EdDSA, or what a build without it has.
algorithm=$("$SJWT" backends | awk '$1 ~ /^(EdDSA|ES256)$/ && $2 != "-" { print $1; exit }')

# new_key FILE: makes a private key.
new_key() { "$SJWT" keygen --alg "$algorithm" --kid one --out "$1"; }

# sign SUBJECT EXPIRES-IN-SECONDS [KEY]: prints a token of the provider.
sign() {
    local now
    now=$(date +%s)
    "$SJWT" sign --key "${3:-provider.jwk}" --claims \
        "{\"iss\":\"$issuer\",\"aud\":\"$audience\",\"sub\":\"$1\",\"iat\":$now,\"exp\":$((now + $2))}"
}
