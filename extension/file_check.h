/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_check.h - when files that may have changed are checked.
 *
 * A statement checks them at most once, and only where the last check began at least
 * PGSJ_FILE_CHECK_INTERVAL before it. So a statement knows each change that is older than that,
 * and statements that follow each other closely need no system call.
 */
#ifndef PGSJ_FILE_CHECK_H
#define PGSJ_FILE_CHECK_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* In microseconds. */
#define PGSJ_FILE_CHECK_INTERVAL INT64CONST(1000)

/* All zero: not checked yet. */
typedef struct pgsj_file_check {
    bool done;             /* false: the next use checks */
    bool transaction_over; /* since a check was last asked for */
    TimestampTz statement; /* the start of the statement that last asked for one */
    TimestampTz began;     /* when the last check began, or the statement did that made it */
} pgsj_file_check;

/* Returns false where no check is due. Else the caller checks, and then calls
 * pgsj_file_check_end(). Without that call, after an ERROR, the next use checks. */
bool pgsj_file_check_begin(pgsj_file_check *check);

/* known: false where the check told nothing, for example without memory: then the next statement
 * checks, however soon. */
void pgsj_file_check_end(pgsj_file_check *check, bool known);

#endif
