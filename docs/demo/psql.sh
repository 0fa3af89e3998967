# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Starts psql on the private server of tests/server.sh. The database has the extension and the
# keys of a provider, and the psql variables "alice" and "bob" contain a token each.
# All arguments go to psql.
set -euo pipefail
# shellcheck source=docs/demo/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"

new_key provider.jwk
psql -X -q -v ON_ERROR_STOP=1 -v keys="$("$SJWT" public --key provider.jwk)" -v issuer="$issuer" \
    -v audience="$audience" <<'SQL'
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;
ALTER DATABASE postgres SET pg_session_jwt.jwks = :'keys';
ALTER DATABASE postgres SET pg_session_jwt.issuer = :'issuer';
ALTER DATABASE postgres SET pg_session_jwt.audience = :'audience';
SQL
cat >.psqlrc <<END
\\set QUIET 1
\\set alice '$(sign alice 86400)'
\\set bob '$(sign bob 86400)'
\\unset QUIET
END
if [[ -t 0 ]]; then
    cat <<'END'
The database trusts the keys of one provider. Two of its tokens are in :alice and :bob. Try:
    BEGIN;
    SELECT auth.jwt_authenticate(:'alice');
    SELECT auth.user_id(), auth.session();
    COMMIT;
What README.md shows next can be pasted here. \q quits and deletes the server.
END
fi
# Before 15, psql looks for the file in the home directory of the operating system's user.
PSQLRC=$PWD/.psqlrc psql "$@"
