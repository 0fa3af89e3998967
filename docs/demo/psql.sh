# shellcheck shell=bash
# A shell on the private server that tests/server.sh made: the extension, a key
# for the connection, tokens as variables. psql's arguments are passed on.
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
The extension is there, and this connection was given a public key. Try:
    SELECT auth.jwt_session_init(:'alice');
    SELECT auth.user_id(), auth.session();
    SELECT auth.jwt_session_init(:'bob');
\c - app  becomes an ordinary role, \q leaves; nothing is kept.
END
fi
PGOPTIONS="-c pg_session_jwt.jwk=$public_key" psql "$@"
