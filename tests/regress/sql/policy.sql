-- SPDX-License-Identifier: Apache-2.0
-- The main use: each user sees their own rows.
\a \t
\pset null NULL
CREATE EXTENSION pg_session_jwt;
CREATE ROLE regress_app_user;
CREATE TABLE notes (owner text NOT NULL DEFAULT auth.user_id(), body text);
INSERT INTO notes VALUES ('alice', 'hers'), ('bob', 'his'), ('bob', 'also his');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = auth.user_id());
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO regress_app_user;

\set session 'dbname=' :DBNAME ' options=''-c pg_session_jwt.jwk=' `"$PGSJ_TESTS"/regress/token jwk` ' -c role=regress_app_user'''
\c :"session"
SELECT * FROM notes ORDER BY body;

-- alice
\set alice `"$PGSJ_TESTS"/regress/token sign '{"jti":1,"sub":"alice"}'`
SELECT auth.jwt_session_init(:'alice');
SELECT * FROM notes ORDER BY body;
INSERT INTO notes (body) VALUES ('new');
INSERT INTO notes VALUES ('bob', 'not hers to write');
DELETE FROM notes WHERE body LIKE '%his' RETURNING body;
SELECT * FROM notes ORDER BY body;

-- bob
\set bob `"$PGSJ_TESTS"/regress/token sign '{"jti":2,"sub":"bob"}'`
SELECT auth.jwt_session_init(:'bob');
SELECT * FROM notes ORDER BY body;

-- A changed token, and a token that another key signed
\set header `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice"}' | cut -d . -f 1`
\set payload `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice"}' | cut -d . -f 2`
\set signature `"$PGSJ_TESTS"/regress/token sign '{"jti":4,"sub":"bob"}' | cut -d . -f 3`
\set changed :header '.' :payload '.' :signature
SELECT auth.jwt_session_init(:'changed');
\echo :LAST_ERROR_SQLSTATE
\set forged `"$PGSJ_TESTS"/regress/token forge '{"jti":3,"sub":"alice"}'`
SELECT auth.jwt_session_init(:'forged');
\set expired `"$PGSJ_TESTS"/regress/token sign '{"jti":3,"sub":"alice","exp":1000000000}'`
SELECT auth.jwt_session_init(:'expired');
SELECT * FROM notes ORDER BY body;

-- A token that is set but refused: no row
SET pg_session_jwt.jwt = :'forged';
SELECT * FROM notes ORDER BY body;
RESET pg_session_jwt.jwt;
SELECT * FROM notes ORDER BY body;

\set plain 'dbname=' :DBNAME
\c :"plain"
DROP TABLE notes;
DROP EXTENSION pg_session_jwt;
DROP ROLE regress_app_user;
