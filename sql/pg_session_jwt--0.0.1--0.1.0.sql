-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.1.0'" to load this file. \quit

-- Dropped, because the name of its argument changed.
DROP FUNCTION auth.jwt_session_init(text);

CREATE FUNCTION auth.jwt_session_init(jwt text) RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'jwt_session_init_wrapper';

CREATE OR REPLACE FUNCTION auth.init() RETURNS void
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'init_wrapper';

CREATE OR REPLACE FUNCTION auth.session() RETURNS jsonb
    STRICT VOLATILE LANGUAGE c AS 'MODULE_PATHNAME', 'session_wrapper';
