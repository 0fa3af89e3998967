-- SPDX-License-Identifier: Apache-2.0
-- auth.organization() and auth.organization_id(): the claim "o"
\a \t
\pset null NULL
CREATE EXTENSION pg_session_jwt;

-- With a session key
\set session 'dbname=' :DBNAME ' options=''-c pg_session_jwt.jwk=' `"$PGSJ_TESTS"/regress/token jwk` ''''
\c :"session"
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":1,"sub":"alice"}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":2,"o":{"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","role":"owner","plan":{"seats":5}}}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id(), pg_typeof(auth.organization_id());
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"o":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":4,"o":{"role":"owner"}}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":5,"o":{"id":"not a uuid"}}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":6,"o":{"id":7}}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":7,"o":["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":8,"o":null}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.organization(), auth.organization_id();

-- With claims from the gateway
\set plain 'dbname=' :DBNAME
\c :"plain"
SELECT auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"o":{"id":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","role":"owner"}}';
SELECT auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"sub":"alice"}';
SELECT auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"o":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}';
SELECT auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"o":{"role":"owner"}}';
SELECT auth.organization(), auth.organization_id();
SET request.jwt.claims = '{"o":{"id":"not a uuid"}}';
SELECT auth.organization(), auth.organization_id();
DROP EXTENSION pg_session_jwt;
