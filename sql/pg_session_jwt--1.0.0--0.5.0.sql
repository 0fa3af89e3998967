-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'" to load this file. \quit

-- As in a new 0.5.0, not every role may use the schema. The initial privileges
-- are set as in the update to 1.0.0, whose script says why.
REVOKE USAGE ON SCHEMA auth FROM PUBLIC;

CREATE FUNCTION auth.set_initial_privileges(acl aclitem[]) RETURNS void LANGUAGE sql AS $$
    UPDATE pg_catalog.pg_namespace SET nspacl = NULL WHERE nspname OPERATOR(pg_catalog.=) 'auth';
    REVOKE USAGE ON SCHEMA auth FROM PUBLIC;
    UPDATE pg_catalog.pg_namespace SET nspacl = acl WHERE nspname OPERATOR(pg_catalog.=) 'auth';
$$;
SELECT auth.set_initial_privileges(nspacl) FROM pg_catalog.pg_namespace
WHERE nspname OPERATOR(pg_catalog.=) 'auth';
DROP FUNCTION auth.set_initial_privileges(aclitem[]);

DROP FUNCTION auth.jwt_authenticate(text);
DROP FUNCTION auth.jwt_session_refresh(text);
-- The list of tables whose rows are dumped would keep the table.
ALTER EXTENSION pg_session_jwt DROP TABLE auth.revocation;
DROP TABLE auth.revocation;
DROP FUNCTION auth.revocation_fingerprint(text, text, text, text);
DROP FUNCTION auth.revocation_changed();
DROP FUNCTION auth.revoke(text);
DROP FUNCTION auth.jwt_token();
DROP FUNCTION auth.jwt_seal(text);
DROP FUNCTION auth.jwt_unseal(text);
DROP FUNCTION auth.jwt_algorithms();
DROP FUNCTION auth.claim(text[]);
DROP FUNCTION auth.role();
DROP FUNCTION auth.email();
DROP FUNCTION auth.issuer();
DROP FUNCTION auth.has_scope(text);
DROP FUNCTION auth.has_role(text);
DROP FUNCTION auth.jwt_status();
DROP FUNCTION auth.jwt_stats();
DROP FUNCTION auth.jwt_stats_reset();
DROP FUNCTION auth.jwt_sessions();
DROP FUNCTION auth.jwt_key_sources();
DROP FUNCTION auth.jwt_verify(text, jsonb);

COMMENT ON SCHEMA auth IS NULL;
COMMENT ON FUNCTION auth.init() IS NULL;
COMMENT ON FUNCTION auth.jwt_session_init(text) IS NULL;
COMMENT ON FUNCTION auth.session() IS NULL;
COMMENT ON FUNCTION auth.jwt() IS NULL;
COMMENT ON FUNCTION auth.user_id() IS NULL;
COMMENT ON FUNCTION auth.uid() IS NULL;
COMMENT ON FUNCTION auth.organization() IS NULL;
COMMENT ON FUNCTION auth.organization_id() IS NULL;
