-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.4.0'" to load this file. \quit

DROP FUNCTION auth.organization();
DROP FUNCTION auth.organization_id();
