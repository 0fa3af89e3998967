#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# regress.sh DIRECTORY TEST...: pg_regress over DIRECTORY/sql/TEST.sql on the
# server that tests/server.sh started; shows the differences.
set -euo pipefail

input=$PGSJ_TESTS/$1
shift
status=0
"$PG_REGRESS" --inputdir="$input" --outputdir="$PGSJ_WORK" --bindir="$("$PG_CONFIG" --bindir)" \
    --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --dbname=regression \
    --encoding=UTF8 --no-locale "$@" || status=$?
if [[ -s $PGSJ_WORK/regression.diffs ]]; then cat "$PGSJ_WORK/regression.diffs"; fi
exit "$status"
