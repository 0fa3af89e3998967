-- SPDX-License-Identifier: Apache-2.0
-- Without a session key, the claims come from request.jwt.claims, which a gateway sets.
\a \t
\pset null NULL
CREATE EXTENSION pg_session_jwt;

-- Without claims: SQL NULL, but the JSON value null for all claims
SELECT auth.user_id(), auth.uid(), auth.organization(), auth.organization_id();
SELECT auth.session(), auth.session() IS NULL, auth.jwt(), auth.jwt() IS NULL;

SET request.jwt.claims = '{"sub":"alice","role":"member"}';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.jwt();
SET request.jwt.claims = '{"sub":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}';
SELECT auth.user_id(), auth.uid();

-- The claims follow the setting
BEGIN;
SET LOCAL request.jwt.claims = '{"sub":"bob"}';
SELECT auth.user_id();
SAVEPOINT s;
SET LOCAL request.jwt.claims = '{"sub":"carol"}';
SELECT auth.user_id();
ROLLBACK TO s;
SELECT auth.user_id();
COMMIT;
SELECT auth.user_id();
RESET request.jwt.claims;
SELECT auth.user_id();

-- No form of claims raises an error
SET request.jwt.claims = '';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = 'not json';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"sub":"alice"';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"sub":"alice\u0000"}';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = '["sub", "alice"]';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = '"sub"';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = 'null';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"sub":7}';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"sub":null,"o":null}';
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
SELECT set_config('request.jwt.claims', repeat('[', 100000), false) IS NULL;
SELECT auth.user_id(), auth.uid(), auth.session(), auth.organization(), auth.organization_id();
-- The greatest nesting of a token is accepted, and brackets in a string are not nesting
SELECT set_config('request.jwt.claims', '{"sub":"alice","x":' || repeat('[', 127) || repeat(']', 127) || '}', false) IS NULL;
SELECT auth.user_id();
SELECT set_config('request.jwt.claims', '{"sub":"alice","x":' || repeat('[', 128) || repeat(']', 128) || '}', false) IS NULL;
SELECT auth.user_id();
SELECT set_config('request.jwt.claims', '{"sub":"alice","x":"\\\"' || repeat('[{', 200) || '"}', false) IS NULL;
SELECT auth.user_id();
SELECT set_config('request.jwt.claims', '{"sub":"alice","x":[' || repeat('{"y":[]},', 200) || '0]}', false) IS NULL;
SELECT auth.user_id();

-- A token needs a key (the wording of the hint may change)
\set VERBOSITY terse
SET request.jwt.claims = '{"sub":"alice"}';
SELECT auth.init();
\echo :LAST_ERROR_SQLSTATE
SELECT auth.jwt_session_init('a.b.c');
\echo :LAST_ERROR_SQLSTATE
SELECT auth.user_id();
SET pg_session_jwt.jwt = 'a.b.c';
SELECT auth.user_id();

-- Other settings below "request" do not belong to the extension
SET request.headers = '{"x":"y"}';
SHOW request.headers;
DROP EXTENSION pg_session_jwt;
