-- SPDX-License-Identifier: Apache-2.0
-- A session with its own key: the connection starts with pg_session_jwt.jwk.
\a \t
\pset null NULL
CREATE EXTENSION pg_session_jwt;
\set session 'dbname=' :DBNAME ' options=''-c pg_session_jwt.jwk=' `"$PGSJ_TESTS"/regress/token jwk` ''''

-- Two tokens in turn
\c :"session"
SELECT auth.init();
\set alice `"$PGSJ_TESTS"/regress/token sign '{"jti":1,"sub":"alice"}'`
\set bob `"$PGSJ_TESTS"/regress/token sign '{"jti":2,"sub":"bob","aud":["x"]}'`
SELECT auth.jwt_session_init(:'alice');
SELECT auth.user_id();
SELECT auth.jwt_session_init(:'bob');
SELECT auth.user_id();

-- The whole payload, under both names
SELECT auth.session();
SELECT auth.jwt();

-- request.jwt.claims is ignored if there is a session key
SET request.jwt.claims = '{"sub":"mallory"}';
SELECT auth.user_id();
SELECT auth.session();
RESET request.jwt.claims;

-- jti must increase; after an error the session keeps its previous token
SELECT auth.jwt_session_init(:'alice');
\echo :LAST_ERROR_SQLSTATE
SELECT auth.user_id();
\set same_id `"$PGSJ_TESTS"/regress/token sign '{"jti":2,"sub":"carol"}'`
SELECT auth.jwt_session_init(:'same_id');
SELECT auth.user_id();

-- The last accepted token is not a replay, even after DISCARD ALL; an older one is
SELECT auth.jwt_session_init(:'bob');
DISCARD ALL;
SELECT auth.user_id();
SELECT auth.jwt_session_init(:'bob');
SELECT auth.user_id();
DISCARD ALL;
SELECT auth.jwt_session_init(:'alice');
SELECT auth.user_id();

-- A new connection starts again at 0
\c :"session"
SELECT auth.jwt_session_init(:'alice');
SELECT auth.user_id();

-- Without a token: SQL NULL, but the JSON value null for the payload
\c :"session"
SELECT auth.user_id(), auth.uid(), auth.organization(), auth.organization_id();
SELECT auth.session(), auth.session() IS NULL, auth.jwt(), auth.jwt() IS NULL;
SET pg_session_jwt.jwt = '';
SELECT auth.user_id(), auth.session();
SELECT auth.jwt_session_init(NULL) IS NULL;

-- SET without a call of init(), as in a background worker
\c :"session"
SET pg_session_jwt.jwt = :'alice';
SELECT auth.user_id();
SET pg_session_jwt.jwt = :'bob';
SELECT auth.user_id();
RESET pg_session_jwt.jwt;
SELECT auth.user_id(), auth.session();

-- jti
\c :"session"
\set token `"$PGSJ_TESTS"/regress/token sign '{"sub":"alice"}'`
SELECT auth.jwt_session_init(:'token');
\echo :LAST_ERROR_SQLSTATE
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":"1","sub":"alice"}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id();

-- nbf and exp must be numbers
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice","nbf":"soon"}'`
SELECT auth.jwt_session_init(:'token');
\echo :LAST_ERROR_SQLSTATE
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice","exp":"never"}'`
SELECT auth.jwt_session_init(:'token');
\echo :LAST_ERROR_SQLSTATE

-- A token is valid from nbf to exp
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice","nbf":4102444800}'`
SELECT auth.jwt_session_init(:'token');
\echo :LAST_ERROR_SQLSTATE
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice","exp":1000000000}'`
SELECT auth.jwt_session_init(:'token');
\echo :LAST_ERROR_SQLSTATE
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"in time","nbf":NOW-10,"exp":NOW+3600}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id();

-- with a leeway of one minute
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":4,"sub":"early","nbf":NOW+59}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":5,"sub":"late","exp":NOW-59}'`
SELECT auth.jwt_session_init(:'token'), auth.user_id();
\set VERBOSITY terse
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":6,"sub":"too early","nbf":NOW+90}'`
SELECT auth.jwt_session_init(:'token');
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":6,"sub":"too late","exp":NOW-61}'`
SELECT auth.jwt_session_init(:'token');
\set VERBOSITY default

-- sub must be a string if it is present
\c :"session"
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":1}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id(), auth.uid();
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":2,"sub":{"id":"alice"}}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id();
\echo :LAST_ERROR_SQLSTATE
SELECT auth.uid(), auth.session();

-- uid() is user_id() if that is a uuid
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.uid(), pg_typeof(auth.uid());
\set token `"$PGSJ_TESTS"/regress/token sign '{"jti":4,"sub":"a0eebc99"}'`
SELECT auth.jwt_session_init(:'token');
SELECT auth.user_id(), auth.uid();

-- A token for one transaction
\c :"session"
SELECT auth.jwt_session_init(:'alice');
BEGIN;
SELECT auth.jwt_authenticate(:'bob');
SELECT auth.user_id();
COMMIT;
SELECT auth.user_id();
\set carol `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"carol"}'`
BEGIN;
SET LOCAL pg_session_jwt.jwt = :'carol';
SELECT auth.user_id();
COMMIT;
SELECT auth.user_id();
\set dave `"$PGSJ_TESTS"/regress/token sign '{"jti":4,"sub":"dave"}'`
SELECT auth.jwt_authenticate(:'dave'), auth.user_id();
SELECT auth.user_id();

DROP EXTENSION pg_session_jwt;
