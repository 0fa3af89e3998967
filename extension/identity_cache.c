/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_cache.c - the identities that this process remembers.
 *
 * A hash table finds an identity. Expired identities are evicted first. Then SIEVE decides (Zhang
 * and others, NSDI 2024): a queue, the newest first, along which a hand moves from the oldest to
 * the newest. It evicts the first identity that was not found since the hand passed it last. Many
 * tokens that are used once pass through the cache without replacing those in use, and a hit
 * changes one flag.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "extension/clock.h"
#include "extension/identity_cache.h"
#include "extension/memory.h"
#include "extension/settings.h"
#include "extension/statistics.h"

#define LEAST_BUCKETS 64

static int compare_expiry(const pairingheap_node *left, const pairingheap_node *right, void *arg);

static struct {
    pgsj_identity **buckets; /* NULL: the table is empty */
    size_t bucket_count;     /* a power of two; 0 without buckets */
    size_t count;            /* of identities */
    uint64 seed;             /* of the hash; 0: not made yet */
    dlist_head queue;
    dlist_node *hand;     /* where the next eviction begins; NULL: at the oldest */
    pairingheap expiring; /* the next to expire first */
} cache = {
    .queue = DLIST_STATIC_INIT(cache.queue),
    .expiring = {.ph_compare = compare_expiry},
};

/* ---- lookup ------------------------------------------------------------ */

/* The seed is a secret of the process: no client can choose claims that share a bucket. */
static uint64 hash_key(const pgsj_identity_key *key)
{
    uint64 policy;
    uint64 hash;

    while (cache.seed == 0)
        if (!pg_strong_random(&cache.seed, sizeof(cache.seed)))
            cache.seed = (uint64)GetCurrentTimestamp();
    memcpy(&policy, key->policy.octets, sizeof(policy));
    hash = hash_bytes_extended((const unsigned char *)key->source, (int)key->source_len,
                               cache.seed ^ policy ^ (uint64)key->origin);
    return hash == 0 ? 1 : hash;
}

static pgsj_identity **bucket_of(uint64 hash)
{
    return &cache.buckets[hash & (cache.bucket_count - 1)];
}

static pgsj_identity *find(const pgsj_identity_key *key)
{
    if (cache.count == 0)
        return NULL;
    for (pgsj_identity *identity = *bucket_of(key->hash); identity != NULL;
         identity = identity->next_in_bucket)
        if (identity->key.hash == key->hash && pgsj_identity_has_key(identity, key))
            return identity;
    return NULL;
}

/* ---- buckets ----------------------------------------------------------- */

static void link_bucket(pgsj_identity *identity)
{
    pgsj_identity **bucket = bucket_of(identity->key.hash);

    identity->next_in_bucket = *bucket;
    *bucket = identity;
}

static void unlink_bucket(const pgsj_identity *identity)
{
    pgsj_identity **link = bucket_of(identity->key.hash);

    while (*link != identity)
        link = &(*link)->next_in_bucket;
    *link = identity->next_in_bucket;
}

/* Makes room for one more identity. Returns false where there are no buckets at all. */
static bool provide_buckets(void)
{
    const size_t count = cache.bucket_count == 0 ? LEAST_BUCKETS : 2 * cache.bucket_count;
    pgsj_identity **old = cache.buckets;
    pgsj_identity **buckets;
    dlist_iter iter;

    if (cache.count < cache.bucket_count)
        return true;
    buckets = MemoryContextAllocExtended(pgsj_memory, sizeof(pgsj_identity *) * count,
                                         MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
    /* Longer chains are slower, and not wrong. */
    if (buckets == NULL)
        return old != NULL;
    cache.buckets = buckets;
    cache.bucket_count = count;
    dlist_foreach(iter, &cache.queue)
    {
        link_bucket(dlist_container(pgsj_identity, queue_node, iter.cur));
    }
    if (old != NULL)
        pfree(old);
    return true;
}

static void free_buckets(void)
{
    Assert(cache.count == 0);
    if (cache.buckets != NULL)
        pfree(cache.buckets);
    cache.buckets = NULL;
    cache.bucket_count = 0;
}

/* ---- eviction ---------------------------------------------------------- */

static const pgsj_identity *expiring_identity(const pairingheap_node *node)
{
    return pairingheap_const_container(pgsj_identity, expiry_node, node);
}

static int compare_expiry(const pairingheap_node *left, const pairingheap_node *right, void *arg)
{
    const int64 left_time = expiring_identity(left)->expires_at;
    const int64 right_time = expiring_identity(right)->expires_at;

    (void)arg;
    return left_time == right_time ? 0 : (left_time < right_time ? 1 : -1);
}

/* The next one on the way of the hand: newer, or from the newest to the oldest. */
static dlist_node *next_of(dlist_node *node)
{
    return dlist_has_prev(&cache.queue, node) ? dlist_prev_node(&cache.queue, node) : NULL;
}

static void evict(pgsj_identity *identity)
{
    Assert(identity->pins == 0);
    if (cache.hand == &identity->queue_node)
        cache.hand = next_of(cache.hand);
    dlist_delete(&identity->queue_node);
    unlink_bucket(identity);
    if (identity->has_expires_at)
        pairingheap_remove(&cache.expiring, &identity->expiry_node);
    identity->cached = false;
    cache.count--;
    pgsj_identity_retire(identity);
}

static bool evict_expired(int64 now)
{
    pgsj_identity *identity;

    if (pairingheap_is_empty(&cache.expiring))
        return false;
    identity =
        pairingheap_container(pgsj_identity, expiry_node, pairingheap_first(&cache.expiring));
    if (identity->pins > 0 ||
        now <= sjwt_valid_until(identity->expires_at, (uint32)pgsj_settings.leeway))
        return false;
    evict(identity);
    return true;
}

/* Returns false where each identity is pinned. */
static bool evict_unvisited(void)
{
    /* The first round may find each visited, the second one finds none so. */
    for (size_t steps = 0; steps < 2 * cache.count; steps++) {
        dlist_node *node = cache.hand == NULL ? dlist_tail_node(&cache.queue) : cache.hand;
        pgsj_identity *identity = dlist_container(pgsj_identity, queue_node, node);

        cache.hand = node;
        if (identity->pins == 0 && !identity->visited) {
            evict(identity);
            pgsj_count(PGSJ_COUNT_SESSION_EVICTIONS);
            return true;
        }
        identity->visited = false;
        cache.hand = next_of(node);
    }
    return false;
}

static Size used(void)
{
    return pgsj_identity_memory() + sizeof(pgsj_identity *) * cache.bucket_count;
}

/* Evicts until the memory is within its limit; returns false where it stays above. */
static bool keep_within_limit(void)
{
    const Size limit = (Size)pgsj_settings.cache_size * 1024;
    int64 now = 0;

    while (cache.count > 0 && used() > limit) {
        if (now == 0)
            now = pgsj_unix_time(GetCurrentTimestamp());
        if (!evict_expired(now) && !evict_unvisited())
            return false;
    }
    if (cache.count == 0)
        free_buckets();
    return used() <= limit;
}

/* ---- interface --------------------------------------------------------- */

pgsj_identity *pgsj_identity_cache_find(pgsj_identity_key *key)
{
    pgsj_identity *identity;

    /* An identity grows when its claims are made as jsonb, and the limit may have changed. */
    (void)keep_within_limit();
    key->hash = hash_key(key);
    identity = find(key);
    if (identity != NULL)
        identity->visited = true;
    return identity;
}

void pgsj_identity_cache_insert(pgsj_identity *identity)
{
    if (pgsj_settings.cache_size == 0 || !keep_within_limit() || !provide_buckets())
        return;
    if (identity->key.hash == 0)
        identity->key.hash = hash_key(&identity->key);
    Assert(find(&identity->key) == NULL);
    identity->cached = true;
    link_bucket(identity);
    dlist_push_head(&cache.queue, &identity->queue_node);
    if (identity->has_expires_at)
        pairingheap_add(&cache.expiring, &identity->expiry_node);
    cache.count++;
}
