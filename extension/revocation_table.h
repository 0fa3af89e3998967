/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_table.h - the database's table of revoked tokens, auth.revocation.
 *
 * A trigger of the table invalidates its entry in the relation cache of each session, so that a
 * session notices a commit without reading the table.
 */
#ifndef PGSJ_REVOCATION_TABLE_H
#define PGSJ_REVOCATION_TABLE_H

#include "postgres.h"

#include "extension/errors.h"
#include "extension/revocation_match.h"

/* Takes in what other sessions have committed. Returns true where rows may be others afterwards.
 * Raises where the catalog cannot be read. */
bool pgsj_revocation_table_refresh(void);

/* Has the table changed since the last refresh, as far as this session knows? */
bool pgsj_revocation_table_changed(void);

/* Must the table be asked? False where there is no table or no row. */
bool pgsj_revocation_table_has_rows(void);

/* Looks the match up in the rows that are committed now, and in the transaction's own. Returns
 * false and sets *failure where the table is not as the extension made it. */
bool pgsj_revocation_table_find(pgsj_revocation_match *match, pgsj_failure *failure);

/* Once, from _PG_init(). */
void pgsj_revocation_table_install(void);

#endif
