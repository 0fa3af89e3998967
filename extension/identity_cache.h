/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_cache.h - the identities that this process remembers, so that a token is verified
 * once and not each time it is set. A rollback sets an earlier token again.
 *
 * pg_session_jwt.cache_size bounds their memory.
 */
#ifndef PGSJ_IDENTITY_CACHE_H
#define PGSJ_IDENTITY_CACHE_H

#include "postgres.h"

#include "extension/identity.h"

/* The remembered identity with this key; NULL where there is none. Sets key->hash. Pin what it
 * returns before the next call of a function of this file. Never fails. */
pgsj_identity *pgsj_identity_cache_find(pgsj_identity_key *key);

/*
 * Remembers an identity, for which others may be given up: expired ones first, but none that is
 * pinned. Where there is no room, the identity is not remembered, and lives until it is unpinned.
 * Pin it before the next call of a function of this file. Never fails.
 */
void pgsj_identity_cache_insert(pgsj_identity *identity);

#endif
