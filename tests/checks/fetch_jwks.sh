#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch_jwks.sh SOURCE-DIR SJWT: runs the script fetch-jwks of docs/providers.md as it is shown. It
# prints nothing if all is well; else it names provider and file, and keeps the last keys.
set -euo pipefail
export LC_ALL=C

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk '/^```$/ { printing = 0 } /^#!\/bin\/sh$/ { printing = 1 } printing { print }' \
    "$1/docs/providers.md" >"$work/fetch-jwks"
grep -q "^# fetch-jwks NAME URL" "$work/fetch-jwks"
mkdir "$work/bin"
ln -s "$2" "$work/bin/sjwt"
# A provider: the URL is a file's.
cat >"$work/bin/curl" <<'END'
#!/bin/sh
while [ $# -gt 2 ]; do
    [ "$1" = --output ] && out=$2
    shift
done
cat "$2" >"$out"
END
chmod +x "$work/bin/curl" "$work/fetch-jwks"
cd "$work"
export PATH=$work/bin:$PATH

fail() {
    echo "fetch_jwks.sh: $1" >&2
    exit 1
}

alg=$("$2" backends | awk '$1 ~ /^(EdDSA|ES256)$/ && $2 != "-" { print $1; exit }')
"$2" keygen --alg "$alg" --out private
"$2" public --key private >good
printf '<html>' >bad
output=$(./fetch-jwks mine good 2>&1) || fail "the keys of a provider were not taken: $output"
[[ -z $output ]] || fail "it says what is well: $output"
cmp good jwks/mine.json || fail "the file has other keys"
[[ $(stat -c %a jwks/mine.json) == 600 ]] || fail "others can read the file"
for url in bad missing; do
    if output=$(./fetch-jwks mine "$url" 2>&1); then
        fail "$url was taken"
    fi
    [[ $output == *"fetch-jwks: mine: jwks/mine.json stays as it is" ]] || fail "it does not name the file: $output"
    cmp good jwks/mine.json || fail "the last keys are gone"
done
