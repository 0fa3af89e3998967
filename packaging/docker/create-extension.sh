#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run by the image's entry point at the first start, or sourced by it where this file is not
# executable: creates the extension in the database that PG_SESSION_JWT_DATABASE names.
if [ -n "${PG_SESSION_JWT_DATABASE:-}" ]; then
    psql -v ON_ERROR_STOP=1 --no-psqlrc --username "${POSTGRES_USER:-postgres}" --dbname "$PG_SESSION_JWT_DATABASE" \
        -c 'CREATE EXTENSION IF NOT EXISTS pg_session_jwt WITH SCHEMA pg_catalog'
fi
