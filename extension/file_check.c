/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_check.c - when files that may have changed are checked.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/timestamp.h"

#include "extension/file_check.h"

bool pgsj_file_check_begin(pgsj_file_check *check)
{
    const TimestampTz statement = GetCurrentStatementStartTimestamp();
    TimestampTz now = statement;

    if (check->done) {
        /* A procedure that commits has several transactions in one statement, and a background
         * worker need not set the start of a statement. */
        if (check->statement == statement) {
            if (!check->transaction_over)
                return false;
            now = GetCurrentTimestamp();
        }
        check->statement = statement;
        check->transaction_over = false;
        /* The clock may have been set back. */
        if (now >= check->began && now - check->began < PGSJ_FILE_CHECK_INTERVAL)
            return false;
    }
    check->done = false;
    check->statement = statement;
    check->began = now;
    return true;
}

void pgsj_file_check_end(pgsj_file_check *check, bool known)
{
    if (!known)
        check->began = 0;
    check->done = true;
    check->transaction_over = false;
}
