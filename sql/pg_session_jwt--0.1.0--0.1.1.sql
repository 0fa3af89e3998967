-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.1.1'" to load this file. \quit

ALTER FUNCTION auth.session() STABLE PARALLEL SAFE;
ALTER FUNCTION auth.user_id() STABLE PARALLEL SAFE;
