# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Starts psql on the private server of tests/server.sh. The database has the
# extension, the connection has a key, and psql variables contain two tokens.
# All arguments go to psql.
set -euo pipefail

"$SJWT" keygen --alg EdDSA >private.jwk
public_key=$("$SJWT" public --key private.jwk)
expires=$(($(date +%s) + 86400))
psql -X -q <<'SQL'
CREATE EXTENSION pg_session_jwt;
CREATE ROLE app LOGIN;
GRANT CREATE ON SCHEMA public TO app;
SQL
cat >.psqlrc <<END
\\set QUIET 1
\\set alice '$("$SJWT" sign --key private.jwk --claims "{\"sub\":\"alice\",\"jti\":1,\"exp\":$expires}")'
\\set bob '$("$SJWT" sign --key private.jwk --claims "{\"sub\":\"bob\",\"jti\":2,\"exp\":$expires}")'
\\unset QUIET
END
if [[ -t 0 ]]; then
    cat <<'END'
The database has the extension, and this connection has a public key. Try:
    SELECT auth.jwt_session_init(:'alice');
    SELECT auth.user_id(), auth.session();
    SELECT auth.jwt_session_init(:'bob');
\c - app  connects as an ordinary role. \q quits and deletes the server.
END
fi
PGOPTIONS="-c pg_session_jwt.jwk=$public_key" psql "$@"
