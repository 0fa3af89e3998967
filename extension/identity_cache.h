/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_cache.h - the identities that this process remembers, so that a token is verified
 * once and not each time it is set. A rollback sets an earlier token again.
 */
#ifndef PGSJ_IDENTITY_CACHE_H
#define PGSJ_IDENTITY_CACHE_H

#include "postgres.h"

#include "extension/identity.h"

/* The remembered identity with this key; NULL where there is none. */
pgsj_identity *pgsj_identity_cache_find(const pgsj_identity_key *key);

/* The remembered identity with this id; NULL where there is none. */
pgsj_identity *pgsj_identity_cache_find_id(uint64 id);

/* Remembers an identity, which now belongs to the cache. May retire another one, the least
 * recently used that is not pinned; at most one may be pinned. */
void pgsj_identity_cache_insert(pgsj_identity *identity);

#endif
