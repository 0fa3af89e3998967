-- SPDX-License-Identifier: Apache-2.0
-- psql -v ON_ERROR_STOP=1 --single-transaction -f supabase-undo.sql, as a superuser.
SELECT definition FROM supabase_auth.replaced_helper \gexec
DROP TABLE supabase_auth.replaced_helper;
DROP EXTENSION pg_session_jwt;
ALTER SCHEMA supabase_auth RENAME TO auth;
