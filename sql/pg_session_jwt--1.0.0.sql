-- SPDX-License-Identifier: Apache-2.0
\echo Use "CREATE EXTENSION pg_session_jwt" to load this file. \quit

-- CREATE SCHEMA would raise the same error without a hint.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'auth'::pg_catalog.name) THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_schema', MESSAGE = 'schema "auth" already exists',
            HINT = 'The extension creates this schema. Rename the existing one first, for example '
                'ALTER SCHEMA auth RENAME TO auth_old; policies and defaults that use it follow.';
    END IF;
END
$$;

CREATE SCHEMA auth;
COMMENT ON SCHEMA auth IS
    'the identity of the session, from its JSON Web Token';

-- This extension is trusted. If an ordinary role creates it, the schema belongs to the
-- bootstrap superuser, and that role cannot grant USAGE itself.
GRANT USAGE ON SCHEMA auth TO PUBLIC;

CREATE FUNCTION auth.init() RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'init_wrapper';
COMMENT ON FUNCTION auth.init() IS
    'loads the keys and raises an error if they are unusable: the pinned keys, or pg_session_jwt.jwk of this connection';

CREATE FUNCTION auth.jwt_session_init(jwt text) RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_session_init_wrapper';
COMMENT ON FUNCTION auth.jwt_session_init(text) IS
    'sets pg_session_jwt.jwt for the session and verifies the token at once';

CREATE FUNCTION auth.session() RETURNS jsonb
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'session_wrapper';
COMMENT ON FUNCTION auth.session() IS
    'returns the claims of the identity; the JSON value null if there is no identity';

CREATE FUNCTION auth.jwt() RETURNS jsonb
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_wrapper';
COMMENT ON FUNCTION auth.jwt() IS
    'returns the claims of the identity, as auth.session() does';

CREATE FUNCTION auth.user_id() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'user_id_wrapper';
COMMENT ON FUNCTION auth.user_id() IS
    'returns the user: claim sub, qualified with the issuer if several issuers are trusted';

CREATE FUNCTION auth.uid() RETURNS uuid
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uid_wrapper';
COMMENT ON FUNCTION auth.uid() IS
    'returns the user as a uuid: claim sub if it is one, or a uuid made from issuer and subject';

CREATE FUNCTION auth.organization() RETURNS jsonb
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'organization_wrapper';
COMMENT ON FUNCTION auth.organization() IS
    'returns the organization: claim o if it is an object, else NULL';

CREATE FUNCTION auth.organization_id() RETURNS uuid
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'organization_id_wrapper';
COMMENT ON FUNCTION auth.organization_id() IS
    'returns the id of the organization: member id of claim o if it is a uuid, else NULL';

CREATE FUNCTION auth.jwt_authenticate(jwt text) RETURNS text
    VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_authenticate_wrapper';

CREATE FUNCTION auth.jwt_session_refresh(jwt text) RETURNS void
    VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_session_refresh_wrapper';

CREATE FUNCTION auth.jwt_token() RETURNS text
    STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_token_wrapper';
REVOKE ALL ON FUNCTION auth.jwt_token() FROM PUBLIC;

CREATE FUNCTION auth.jwt_seal(secret text) RETURNS void
    VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_seal_wrapper';
REVOKE ALL ON FUNCTION auth.jwt_seal(text) FROM PUBLIC;

CREATE FUNCTION auth.jwt_unseal(secret text) RETURNS void
    VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_unseal_wrapper';
COMMENT ON FUNCTION auth.jwt_authenticate(text) IS
    'sets pg_session_jwt.jwt for the transaction, verifies the token at once, and returns the user';
COMMENT ON FUNCTION auth.jwt_session_refresh(text) IS
    'verifies a fresh token and puts it in the place of the token that the connection logged in with';
COMMENT ON FUNCTION auth.jwt_token() IS
    'returns the token of the session, also while the identity is sealed';
COMMENT ON FUNCTION auth.jwt_seal(text) IS
    'seals the identity of the session until auth.jwt_unseal() with the same secret';
COMMENT ON FUNCTION auth.jwt_unseal(text) IS
    'ends the seal of auth.jwt_seal()';

CREATE FUNCTION auth.jwt_algorithms(OUT algorithm text, OUT backend text) RETURNS SETOF record
    STABLE PARALLEL SAFE ROWS 14 LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_algorithms_wrapper';
COMMENT ON FUNCTION auth.jwt_algorithms() IS
    'returns the known signature algorithms, and the library that verifies each in this build';

CREATE FUNCTION auth.claim(VARIADIC path text[]) RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'claim_wrapper';
COMMENT ON FUNCTION auth.claim(text[]) IS
    'returns the claim at this path, as text';

CREATE FUNCTION auth.role() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'role_wrapper';
COMMENT ON FUNCTION auth.role() IS
    'returns claim role if it is a string, else NULL';

CREATE FUNCTION auth.email() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'email_wrapper';
COMMENT ON FUNCTION auth.email() IS
    'returns claim email if it is a string, else NULL';

CREATE FUNCTION auth.issuer() RETURNS text
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'issuer_wrapper';
COMMENT ON FUNCTION auth.issuer() IS
    'returns the issuer of the token: claim iss if it is a string, else NULL';

CREATE FUNCTION auth.has_scope(scope text) RETURNS boolean
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'has_scope_wrapper';
COMMENT ON FUNCTION auth.has_scope(text) IS
    'returns true if claim scope or scp contains this scope; NULL if there is no identity';

CREATE FUNCTION auth.has_role(role text) RETURNS boolean
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'has_role_wrapper';
COMMENT ON FUNCTION auth.has_role(text) IS
    'returns true if claim roles, or member roles of claim realm_access, contains this role; NULL if there is no identity';

CREATE FUNCTION auth.jwt_status(OUT mode text, OUT status text, OUT reason text, OUT issuer text,
    OUT subject text, OUT algorithm text, OUT key_id text, OUT backend text,
    OUT issued_at timestamptz, OUT expires_at timestamptz, OUT keys_known integer,
    OUT keys_skipped jsonb, OUT shared_cache text, OUT login boolean) RETURNS record
    STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_status_wrapper';
COMMENT ON FUNCTION auth.jwt_status() IS
    'returns the mode, the status of the token, and why it is refused; raises no error';

CREATE FUNCTION auth.jwt_key_sources(OUT issuer text, OUT source text, OUT keys integer,
    OUT keys_skipped jsonb, OUT fetched_at timestamptz, OUT next_fetch_at timestamptz,
    OUT problem text, OUT stale_since timestamptz) RETURNS SETOF record
    STABLE PARALLEL RESTRICTED LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_key_sources_wrapper';
COMMENT ON FUNCTION auth.jwt_key_sources() IS
    'returns for each issuer that the session trusts where its keys come from, and how fetching them went';

CREATE FUNCTION auth.jwt_verify(token text, keys jsonb, OUT header jsonb, OUT payload jsonb,
    OUT valid boolean, OUT reason text) RETURNS record
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_verify_wrapper';
COMMENT ON FUNCTION auth.jwt_verify(text, jsonb) IS
    'verifies any token with any JWK or JWK Set; does not use the identity of the session';

CREATE FUNCTION auth.jwt_stats(OUT counter text, OUT reason text, OUT value bigint,
    OUT since timestamptz) RETURNS SETOF record
    VOLATILE PARALLEL SAFE ROWS 60 LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_stats_wrapper';
COMMENT ON FUNCTION auth.jwt_stats() IS
    'returns how many tokens all sessions verified, refused for which reason, and found verified already';

CREATE FUNCTION auth.jwt_stats_reset() RETURNS void
    VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_stats_reset_wrapper';
COMMENT ON FUNCTION auth.jwt_stats_reset() IS
    'begins the counters of auth.jwt_stats() anew';

CREATE FUNCTION auth.jwt_sessions(OUT pid integer, OUT database text, OUT mode text, OUT issuer text,
    OUT subject text, OUT key_id text, OUT expires_at timestamptz, OUT sealed boolean)
    RETURNS SETOF record
    VOLATILE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_sessions_wrapper';
COMMENT ON FUNCTION auth.jwt_sessions() IS
    'returns the identity that each session of the server has now';

CREATE FUNCTION auth.revocation_fingerprint(iss text, jti text, sid text, sub text) RETURNS bytea
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'revocation_fingerprint_wrapper';
COMMENT ON FUNCTION auth.revocation_fingerprint(text, text, text, text) IS
    'returns the key of a row of auth.revocation; internal';

CREATE TABLE auth.revocation (
    iss text NOT NULL,
    jti text,
    sid text,
    sub text,
    issued_before timestamptz,
    until timestamptz,
    fingerprint bytea NOT NULL
        GENERATED ALWAYS AS (auth.revocation_fingerprint(iss, jti, sid, sub)) STORED,
    CONSTRAINT revocation_key PRIMARY KEY (fingerprint),
    CONSTRAINT revocation_by_one_claim CHECK (num_nonnulls(jti, sid, sub) = 1)
);
CREATE INDEX revocation_until ON auth.revocation (until);
COMMENT ON TABLE auth.revocation IS
    'revoked tokens of this database: by claim jti, sid or sub of an issuer';
COMMENT ON COLUMN auth.revocation.issued_before IS
    'revokes tokens with claim iat before this time, or without iat; NULL: all tokens';
COMMENT ON COLUMN auth.revocation.until IS
    'from then on the row revokes nothing and is deleted; NULL: never';
COMMENT ON COLUMN auth.revocation.fingerprint IS
    'what sessions look up';
SELECT pg_catalog.pg_extension_config_dump('auth.revocation', '');
-- The database's owner dumps and restores the rows, and hands these rights on.
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.revocation TO pg_database_owner WITH GRANT OPTION;

CREATE FUNCTION auth.revocation_changed() RETURNS trigger
    VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    LANGUAGE c AS 'MODULE_PATHNAME', 'revocation_changed_wrapper';
REVOKE EXECUTE ON FUNCTION auth.revocation_changed() FROM PUBLIC;
COMMENT ON FUNCTION auth.revocation_changed() IS
    'tells all sessions that auth.revocation has changed, and deletes expired rows; a trigger';

CREATE TRIGGER revocation_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON auth.revocation
    FOR EACH STATEMENT EXECUTE FUNCTION auth.revocation_changed();
-- Also for the rows of logical replication.
ALTER TABLE auth.revocation ENABLE ALWAYS TRIGGER revocation_changed;

CREATE FUNCTION auth.revoke(logout_token text) RETURNS boolean
    VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    LANGUAGE c AS 'MODULE_PATHNAME', 'revoke_wrapper';
REVOKE EXECUTE ON FUNCTION auth.revoke(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.revoke(text) TO pg_database_owner WITH GRANT OPTION;
COMMENT ON FUNCTION auth.revoke(text) IS
    'revokes the tokens of the session or user that a logout token of a pinned issuer names; false if the token was used before';
