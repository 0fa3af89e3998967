\echo Use "CREATE EXTENSION pg_session_jwt" to load this file. \quit

CREATE SCHEMA auth;

-- A role made by SQL cannot be granted this otherwise: where the extension was
-- installed by an ordinary role, the schema belongs to another.
GRANT USAGE ON SCHEMA auth TO PUBLIC;

CREATE FUNCTION auth.init() RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'init_wrapper';

CREATE FUNCTION auth.jwt_session_init(jwt text) RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_session_init_wrapper';

CREATE FUNCTION auth.session() RETURNS jsonb
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'session_wrapper';

CREATE FUNCTION auth.jwt() RETURNS jsonb
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_wrapper';

CREATE FUNCTION auth.user_id() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'user_id_wrapper';

CREATE FUNCTION auth.uid() RETURNS uuid
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uid_wrapper';

CREATE FUNCTION auth.organization() RETURNS jsonb
    STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'organization_wrapper';

CREATE FUNCTION auth.organization_id() RETURNS uuid
    STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'organization_id_wrapper';

CREATE FUNCTION auth.jwt_session_init(jwt text, is_local boolean) RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_session_init_local_wrapper';

CREATE FUNCTION auth.jwt_algorithms(OUT algorithm text, OUT backend text) RETURNS SETOF record
    STABLE PARALLEL SAFE ROWS 14 LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_algorithms_wrapper';

CREATE FUNCTION auth.claim(VARIADIC path text[]) RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'claim_wrapper';

CREATE FUNCTION auth.role() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'role_wrapper';

CREATE FUNCTION auth.email() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'email_wrapper';

CREATE FUNCTION auth.has_scope(scope text) RETURNS boolean
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'has_scope_wrapper';

CREATE FUNCTION auth.has_role(role text) RETURNS boolean
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'has_role_wrapper';

CREATE FUNCTION auth.jwt_status(OUT mode text, OUT status text, OUT reason text, OUT issuer text,
    OUT subject text, OUT algorithm text, OUT key_id text, OUT backend text,
    OUT issued_at timestamptz, OUT expires_at timestamptz, OUT keys_known integer,
    OUT keys_skipped jsonb) RETURNS record
    STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_status_wrapper';

CREATE FUNCTION auth.jwt_verify(token text, keys jsonb, OUT header jsonb, OUT payload jsonb,
    OUT valid boolean, OUT reason text) RETURNS record
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_verify_wrapper';

COMMENT ON SCHEMA auth IS
    'the identity of the session, from its JSON Web Token';
COMMENT ON FUNCTION auth.init() IS
    'checks that the keys in force can be used: the pinned ones, or pg_session_jwt.jwk of this connection';
COMMENT ON FUNCTION auth.jwt_session_init(text) IS
    'sets pg_session_jwt.jwt for the session and verifies the token at once';
COMMENT ON FUNCTION auth.jwt_session_init(text, boolean) IS
    'sets pg_session_jwt.jwt, for the transaction where is_local, and verifies the token at once';
COMMENT ON FUNCTION auth.session() IS
    'the claims in force; the JSON value null where there are none';
COMMENT ON FUNCTION auth.jwt() IS
    'the claims in force; another name of auth.session()';
COMMENT ON FUNCTION auth.user_id() IS
    'the user: claim sub';
COMMENT ON FUNCTION auth.uid() IS
    'the user, where claim sub is a uuid';
COMMENT ON FUNCTION auth.organization() IS
    'the organization: claim o, where it is an object';
COMMENT ON FUNCTION auth.organization_id() IS
    'the organization, where member id of claim o is a uuid';
COMMENT ON FUNCTION auth.jwt_algorithms() IS
    'the known signature algorithms, and the library that verifies each in this build';
COMMENT ON FUNCTION auth.claim(text[]) IS
    'the claim at that path, as text';
COMMENT ON FUNCTION auth.role() IS
    'claim role, where it is a string';
COMMENT ON FUNCTION auth.email() IS
    'claim email, where it is a string';
COMMENT ON FUNCTION auth.has_scope(text) IS
    'whether that scope was granted: claim scope or scp';
COMMENT ON FUNCTION auth.has_role(text) IS
    'whether the user has that role: claim roles, or member roles of claim realm_access';
COMMENT ON FUNCTION auth.jwt_status() IS
    'who vouches for the identity, what the token in force is, and why it is refused';
COMMENT ON FUNCTION auth.jwt_verify(text, jsonb) IS
    'verifies some token with some keys, a JWK or a JWK Set; the session is not concerned';
