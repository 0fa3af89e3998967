#!/bin/sh
# sign.sh PROVIDER [NOW]: a token of that provider's shape, signed with the test
# key beside it. In claims.json "now+N" and "now-N" stand for times, N seconds
# from NOW (seconds since the epoch; default: the clock's).
#   SJWT  path of the tool sjwt (default: the one in PATH)
set -eu

[ $# -eq 1 ] || [ $# -eq 2 ] || {
    echo "usage: sign.sh PROVIDER [NOW]" >&2
    exit 2
}
provider=$(dirname "$0")/$1
now=${2:-$(date +%s)}
claims=$(awk -v now="$now" '{
    while (match($0, /"now[+-][0-9]+"/)) {
        time = sprintf("%.0f", now + substr($0, RSTART + 4, RLENGTH - 5))
        $0 = substr($0, 1, RSTART - 1) time substr($0, RSTART + RLENGTH)
    }
    print
}' "$provider/claims.json")
exec "${SJWT:-sjwt}" sign --key "$provider/key.jwk" --header "$(cat "$provider/header.json")" \
    --claims "$claims"
