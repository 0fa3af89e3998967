/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation.h - tokens that are valid, and revoked: by a file or by the database's table.
 */
#ifndef PGSJ_REVOCATION_H
#define PGSJ_REVOCATION_H

#include "postgres.h"

#include "extension/errors.h"

/*
 * Is a token, which is verified, not revoked? Returns false and sets *failure where it is, or
 * where the list of revoked tokens cannot be used. now: microseconds since the Unix epoch.
 *
 * *checked, 0 at first, belongs to the token. The call costs a stat() of the file in each
 * statement, and the look-up only where the file or the table has changed since *checked was set.
 * Raises where there is no memory.
 */
bool pgsj_revocation_check(const char *token, int64 now, uint64 *checked, pgsj_failure *failure);

/* What is wrong with the file now, although its last valid content is used; NULL: nothing.
 * For auth.jwt_status(), after a token was accepted. */
const char *pgsj_revocation_file_problem_in_use(void);

/* pg_session_jwt.revoked_file has changed or is about to. Never fails. */
void pgsj_revocation_changed(void);

/* The next use checks the table again, and the file where that is due, even within the same
 * statement. Never fails. */
void pgsj_revocation_transaction_ended(void);

/* Once, from _PG_init(). */
void pgsj_revocation_install(void);

#endif
