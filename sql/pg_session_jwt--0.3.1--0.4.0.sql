-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.4.0'" to load this file. \quit

CREATE FUNCTION auth.jwt() RETURNS jsonb
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_wrapper';

CREATE FUNCTION auth.uid() RETURNS uuid
    STRICT STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'uid_wrapper';
