/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_cache.h - the table of the cluster: which tokens have a valid signature, so that a token
 * is verified once and not once in each session.
 *
 * The table holds neither tokens nor claims nor keys, but the SHA-256 of a secret, the digest of
 * the policy and the token. The secret is made when the server starts. A hit says that a session
 * of this cluster accepted the same octets under an equal policy, and spares the signature alone.
 */
#ifndef PGSJ_SHARED_CACHE_H
#define PGSJ_SHARED_CACHE_H

#include "postgres.h"

#include "extension/policy.h"

typedef struct pgsj_shared_key {
    bool usable; /* false: there is no table, or it is turned off; finds and inserts nothing */
    uint32 words[PG_SHA256_DIGEST_LENGTH / sizeof(uint32)];
} pgsj_shared_key;

/* The key of a token of len octets under a policy with this digest. Raises when there is no
 * memory. */
pgsj_shared_key pgsj_shared_cache_key(const pgsj_digest *policy, const char *token, size_t len);

/* Is the token in the table? now: microseconds since the Unix epoch. Never fails. */
bool pgsj_shared_cache_find(const pgsj_shared_key *key, int64 now);

/* A session has accepted the token, which is of use until valid_until, in microseconds since the
 * Unix epoch. May replace another token. Never fails. */
void pgsj_shared_cache_insert(const pgsj_shared_key *key, int64 now, int64 valid_until);

/* While the server starts, after pgsj_statistics_request(): requests the shared memory. */
void pgsj_shared_cache_request(void);

/* "on", or why there is no table for this session. Static. */
const char *pgsj_shared_cache_state(void);

#endif
