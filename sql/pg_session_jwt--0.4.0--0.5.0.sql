-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.5.0'" to load this file. \quit

CREATE FUNCTION auth.organization() RETURNS jsonb
    STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'organization_wrapper';

CREATE FUNCTION auth.organization_id() RETURNS uuid
    STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'organization_id_wrapper';
