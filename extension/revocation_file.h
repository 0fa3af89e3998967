/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_file.h - the file of revoked tokens that pg_session_jwt.revoked_file names.
 *
 * One session reads a changed file and writes an index beside the server's temporary
 * statistics: sorted fingerprints, 24 octets an entry. The other sessions wait for it, and no
 * session keeps entries in its memory. A file that cannot be used keeps the last valid index in
 * use, for the sessions that have used one.
 */
#ifndef PGSJ_REVOCATION_FILE_H
#define PGSJ_REVOCATION_FILE_H

#include "postgres.h"

#include "extension/errors.h"
#include "extension/revocation_match.h"

/* Checks the file where a check is due (file_check.h), at the cost of a stat() where it has not
 * changed. Returns true where its entries, or the reason why it has none, may be others
 * afterwards. path: as the setting has it. Raises where there is no memory. */
bool pgsj_revocation_file_refresh(const char *path);

/* A check may be due, even within the same statement. Never fails. */
void pgsj_revocation_file_transaction_ended(void);

/* Returns false and sets *failure where this session has never had a usable file. */
bool pgsj_revocation_file_check(pgsj_failure *failure);

/* Looks the match up. Returns false and sets *failure where the index cannot be read. */
bool pgsj_revocation_file_find(const char *path, pgsj_revocation_match *match,
                               pgsj_failure *failure);

/* What is wrong with the file as it is now; NULL: nothing. */
const char *pgsj_revocation_file_problem(void);

#endif
