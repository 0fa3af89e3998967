\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'" to load this file. \quit

REVOKE USAGE ON SCHEMA auth FROM PUBLIC;

DROP FUNCTION auth.jwt_session_init(text, boolean);
DROP FUNCTION auth.jwt_algorithms();
DROP FUNCTION auth.claim(text[]);
DROP FUNCTION auth.role();
DROP FUNCTION auth.email();
DROP FUNCTION auth.has_scope(text);
DROP FUNCTION auth.has_role(text);
DROP FUNCTION auth.jwt_status();
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
