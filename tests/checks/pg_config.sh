#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pg_config.sh OPTION: the pg_config that REAL_PG_CONFIG names, but for its version:
# that is FAKE_VERSION.
if [[ $1 == --version ]]; then
    echo "PostgreSQL $FAKE_VERSION"
else
    exec "$REAL_PG_CONFIG" "$@"
fi
