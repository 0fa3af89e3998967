/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_cache.c - the identities that this process remembers.
 */
#include "postgres.h"

#include "extension/identity_cache.h"

#define CACHE_SIZE 4

static struct {
    pgsj_identity *entries[CACHE_SIZE]; /* NULL: free */
    uint64 uses;
} cache;

static pgsj_identity *use(pgsj_identity *identity)
{
    identity->last_used = ++cache.uses;
    return identity;
}

pgsj_identity *pgsj_identity_cache_find(const pgsj_identity_key *key)
{
    for (int i = 0; i < CACHE_SIZE; i++)
        if (cache.entries[i] != NULL && pgsj_identity_has_key(cache.entries[i], key))
            return use(cache.entries[i]);
    return NULL;
}

pgsj_identity *pgsj_identity_cache_find_id(uint64 id)
{
    for (int i = 0; i < CACHE_SIZE; i++)
        if (cache.entries[i] != NULL && cache.entries[i]->id == id)
            return use(cache.entries[i]);
    return NULL;
}

static pgsj_identity **find_slot(void)
{
    pgsj_identity **slot = NULL;

    for (int i = 0; i < CACHE_SIZE; i++) {
        pgsj_identity **candidate = &cache.entries[i];

        if (*candidate == NULL)
            return candidate;
        if (!(*candidate)->pinned && (slot == NULL || (*candidate)->last_used < (*slot)->last_used))
            slot = candidate;
    }
    Assert(slot != NULL);
    return slot;
}

void pgsj_identity_cache_insert(pgsj_identity *identity)
{
    pgsj_identity **slot = find_slot();

    if (*slot != NULL)
        pgsj_identity_retire(*slot);
    *slot = use(identity);
}
