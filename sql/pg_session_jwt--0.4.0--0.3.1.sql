-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.3.1'" to load this file. \quit

DROP FUNCTION auth.jwt();
DROP FUNCTION auth.uid();
