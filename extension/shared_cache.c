/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_cache.c - the table of the cluster: which tokens have a valid signature.
 *
 * A key selects one bucket of 16 entries. Each word of an entry is an atomic variable, and there
 * is no lock, which a process could hold when it ends, or wait for. Two processes that write to
 * one entry at a time leave a mixture of their keys, which is the key of no token: no session finds a
 * token whose SHA-256 is such a mixture. The next one to write there replaces it. A time that
 * belongs to another key decides only how long the entry is kept, since a hit does not spare the
 * comparison of the token's times.
 *
 * A bucket evicts by CLOCK: an entry that was found since the last eviction stays once more.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "port/atomics.h"

#include "extension/settings.h"
#include "extension/shared_cache.h"
#include "extension/shared_memory.h"
#include "extension/statistics.h"

#define WAYS 16
#define KEY_WORDS (PG_SHA256_DIGEST_LENGTH / sizeof(uint32))
#define FREE 0 /* as good_until */
#define FOREVER UINT32_MAX

typedef struct entry {
    pg_atomic_uint32 words[KEY_WORDS];
    pg_atomic_uint32 good_until; /* seconds since the Unix epoch */
    pg_atomic_uint32 visited;
} entry;

typedef struct bucket {
    entry entries[WAYS];
} bucket;

typedef struct table {
    uint8 secret[32];
    bool usable; /* the secret is random */
    uint32 bucket_count;
    bucket buckets[FLEXIBLE_ARRAY_MEMBER];
} table;

static void initialize(void *address, Size size)
{
    table *new_table = address;

    memset(new_table, 0, size);
    new_table->usable = pg_strong_random(new_table->secret, sizeof(new_table->secret));
    new_table->bucket_count = (uint32)((size - offsetof(table, buckets)) / sizeof(bucket));
    for (uint32 i = 0; i < new_table->bucket_count; i++)
        for (size_t j = 0; j < WAYS; j++) {
            entry *one = &new_table->buckets[i].entries[j];

            for (size_t k = 0; k < KEY_WORDS; k++)
                pg_atomic_init_u32(&one->words[k], 0);
            pg_atomic_init_u32(&one->good_until, FREE);
            pg_atomic_init_u32(&one->visited, 0);
        }
}

static pgsj_shared_area area = {
    .name = "pg_session_jwt tokens",
    .size = pgsj_statistics_table_size,
    .initialize = initialize,
};

void pgsj_shared_cache_request(void)
{
    pgsj_shared_area_request(&area);
}

/* ---- keys -------------------------------------------------------------- */

pgsj_shared_key pgsj_shared_cache_key(const pgsj_digest *policy, const char *token, size_t len)
{
    const table *all;
    pg_cryptohash_ctx *context;
    pgsj_shared_key key = {0};

    if (!pgsj_settings.shared_cache)
        return key;
    all = pgsj_shared_area_address(&area);
    if (all == NULL || !all->usable)
        return key;
    context = pg_cryptohash_create(PG_SHA256);
    if (context == NULL)
        return key;
    /* Each part but the last one has a fixed length. */
    key.usable = pg_cryptohash_init(context) >= 0 &&
                 pg_cryptohash_update(context, all->secret, sizeof(all->secret)) >= 0 &&
                 pg_cryptohash_update(context, policy->octets, sizeof(policy->octets)) >= 0 &&
                 pg_cryptohash_update(context, (const uint8 *)token, len) >= 0 &&
                 pg_cryptohash_final(context, (uint8 *)key.words, sizeof(key.words)) >= 0;
    pg_cryptohash_free(context);
    return key;
}

static uint32 seconds(int64 microseconds)
{
    return (uint32)Min(Max(microseconds / USECS_PER_SEC, 1), (int64)FOREVER);
}

/* ---- entries ----------------------------------------------------------- */

static bucket *bucket_of(const pgsj_shared_key *key)
{
    table *all = pgsj_shared_area_address(&area);

    return &all->buckets[key->words[0] % all->bucket_count];
}

/* Looks at each word, so that the time does not tell how many are equal. */
static bool has_key(entry *one, const pgsj_shared_key *key)
{
    uint32 differences = 0;

    for (size_t i = 0; i < KEY_WORDS; i++)
        differences |= pg_atomic_read_u32(&one->words[i]) ^ key->words[i];
    return differences == 0;
}

static bool is_good(entry *one, int64 now)
{
    return pg_atomic_read_u32(&one->good_until) >= seconds(now);
}

bool pgsj_shared_cache_find(const pgsj_shared_key *key, int64 now)
{
    bucket *in;

    if (!key->usable)
        return false;
    in = bucket_of(key);
    for (size_t i = 0; i < WAYS; i++) {
        entry *one = &in->entries[i];

        if (!has_key(one, key) || !is_good(one, now))
            continue;
        if (pg_atomic_read_u32(&one->visited) == 0)
            pg_atomic_write_u32(&one->visited, 1);
        pgsj_count(PGSJ_COUNT_SHARED_HITS);
        return true;
    }
    return false;
}

/* The entry to write to: that of an equal key, one that is free or expired, or one to evict. */
static entry *choose_entry(bucket *in, const pgsj_shared_key *key, int64 now)
{
    entry *available = NULL;
    size_t hand;

    for (size_t i = 0; i < WAYS; i++) {
        entry *one = &in->entries[i];

        if (has_key(one, key))
            return one;
        if (available == NULL && !is_good(one, now))
            available = one;
    }
    if (available != NULL)
        return available;
    pgsj_count(PGSJ_COUNT_SHARED_EVICTIONS);
    /* No hand is stored. It begins where the key says, which is as good as random. */
    hand = key->words[1] % WAYS;
    for (size_t i = 0; i < WAYS; i++) {
        entry *one = &in->entries[(hand + i) % WAYS];

        if (pg_atomic_read_u32(&one->visited) == 0)
            return one;
        pg_atomic_write_u32(&one->visited, 0);
    }
    return &in->entries[hand];
}

void pgsj_shared_cache_insert(const pgsj_shared_key *key, int64 now, int64 valid_until)
{
    entry *to;

    if (!key->usable)
        return;
    to = choose_entry(bucket_of(key), key, now);
    for (size_t i = 0; i < KEY_WORDS; i++)
        pg_atomic_write_u32(&to->words[i], key->words[i]);
    pg_atomic_write_u32(&to->visited, 0);
    pg_atomic_write_u32(&to->good_until, seconds(valid_until));
}

/* ---- state ------------------------------------------------------------- */

const char *pgsj_shared_cache_state(void)
{
    if (!pgsj_settings.shared_cache)
        return "off: pg_session_jwt.shared_cache is off";
    if (!pgsj_statistics_available())
        return "off: there is no shared memory; see shared_preload_libraries and the server's log";
    if (pgsj_statistics_table_size() == 0)
        return "off: pg_session_jwt.shared_cache_size was 0 when the server started";
    if (pgsj_shared_area_address(&area) == NULL)
        return "off: there is not enough shared memory; see the server's log";
    return "on";
}
