-- SPDX-License-Identifier: Apache-2.0
-- psql -v ON_ERROR_STOP=1 --single-transaction -f supabase.sql, as a superuser.
ALTER SCHEMA auth RENAME TO supabase_auth;
CREATE EXTENSION pg_session_jwt WITH SCHEMA pg_catalog;

-- For supabase-undo.sql: the helpers as they are.
CREATE TABLE supabase_auth.replaced_helper (definition text NOT NULL);
INSERT INTO supabase_auth.replaced_helper
SELECT pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace = 'supabase_auth'::regnamespace AND pronargs = 0 AND proname IN ('uid', 'role', 'email', 'jwt');

-- Policies, defaults and views name the helpers by OID. They call these bodies from now on.
CREATE OR REPLACE FUNCTION supabase_auth.uid() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    AS 'SELECT auth.uid()';
CREATE OR REPLACE FUNCTION supabase_auth.role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS 'SELECT auth.role()';
CREATE OR REPLACE FUNCTION supabase_auth.email() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS 'SELECT auth.email()';
CREATE OR REPLACE FUNCTION supabase_auth.jwt() RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE
    AS $$SELECT nullif(auth.jwt(), 'null')$$;
