-- SPDX-License-Identifier: Apache-2.0
\echo Use "ALTER EXTENSION pg_session_jwt UPDATE TO '0.2.0'" to load this file. \quit

-- The objects are those of 0.1.2.
