/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statistics.c - counters of the cluster, and what each session tells of its identity.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

#include "extension/bell.h"
#include "extension/settings.h"
#include "extension/shared_memory.h"
#include "extension/statistics.h"
#include "extension/compat.h"

/* Reasons that are not statuses of the core: kinds of failure. */
#define MOST_KINDS 32
#define REASONS (MOST_KINDS + SJWT_STATUS_COUNT)
#define VALUES (PGSJ_COUNTER_COUNT + REASONS)

/* And those that the worker counts which fetches keys. */
#define ALL_VALUES (VALUES + PGSJ_FETCH_COUNTER_COUNT)

/* The values of one process after another. */
typedef struct slot {
    pg_atomic_uint64 values[VALUES]; /* only the owner adds to them */
    pg_atomic_uint32 changes;        /* odd while the owner writes the report */
    pgsj_session_report report;
} slot;

typedef struct statistics {
    pg_atomic_uint64 since;
    pg_atomic_uint64 at_reset[ALL_VALUES]; /* the sums when the values began anew */
    uint64 table_size;
    int slot_count;
    slot slots[FLEXIBLE_ARRAY_MEMBER];
} statistics;

static Size size_of_statistics(void)
{
    return offsetof(statistics, slots) + sizeof(slot) * (Size)pgsj_max_backends();
}

static void initialize(void *area, Size size)
{
    statistics *all = area;

    memset(all, 0, size);
    pg_atomic_init_u64(&all->since, (uint64)GetCurrentTimestamp());
    all->table_size = (uint64)pgsj_settings.shared_cache_size * 1024;
    all->slot_count = pgsj_max_backends();
    for (size_t n = 0; n < ALL_VALUES; n++)
        pg_atomic_init_u64(&all->at_reset[n], 0);
    for (int i = 0; i < all->slot_count; i++) {
        pg_atomic_init_u32(&all->slots[i].changes, 0);
        for (size_t n = 0; n < VALUES; n++)
            pg_atomic_init_u64(&all->slots[i].values[n], 0);
    }
}

static pgsj_shared_area area = {
    .name = "pg_session_jwt statistics",
    .size = size_of_statistics,
    .initialize = initialize,
};

/* Of this process. */
static struct {
    slot *slot; /* NULL: none */
    bool sought;
} own;

void pgsj_statistics_request(void)
{
    pgsj_shared_area_request(&area);
}

bool pgsj_statistics_available(void)
{
    return pgsj_shared_area_address(&area) != NULL;
}

/* ---- the slot of this process ------------------------------------------ */

static void begin_report(void)
{
    pg_atomic_write_u32(&own.slot->changes, pg_atomic_read_u32(&own.slot->changes) + 1);
    pg_write_barrier();
}

static void end_report(void)
{
    pg_write_barrier();
    pg_atomic_write_u32(&own.slot->changes, pg_atomic_read_u32(&own.slot->changes) + 1);
}

static void at_exit(int code, Datum argument)
{
    (void)code;
    (void)argument;
    begin_report();
    own.slot->report.pid = 0;
    end_report();
    own.slot = NULL;
}

static slot *own_slot(void)
{
    statistics *all;
    int number;

    if (likely(own.sought))
        return own.slot;
    own.sought = true;
    all = pgsj_shared_area_address(&area);
    number = pgsj_backend_number();
    if (all == NULL || number < 0 || number >= all->slot_count)
        return NULL;
    own.slot = &all->slots[number];
    /* A former owner may have ended in the middle of its report. */
    if (pg_atomic_read_u32(&own.slot->changes) % 2 != 0)
        end_report();
    before_shmem_exit(at_exit, 0);
    return own.slot;
}

/* ---- counters ---------------------------------------------------------- */

static void add_one(size_t n)
{
    slot *to = own_slot();

    if (to != NULL)
        pg_atomic_write_u64(&to->values[n], pg_atomic_read_u64(&to->values[n]) + 1);
}

void pgsj_count(pgsj_counter counter)
{
    add_one(counter);
}

void pgsj_count_failure(const pgsj_failure *failure)
{
    if (failure->kind == PGSJ_FAILURE_JWT)
        add_one(PGSJ_COUNTER_COUNT + MOST_KINDS + failure->jwt.status);
    else
        add_one(PGSJ_COUNTER_COUNT + Min((size_t)failure->kind, MOST_KINDS - 1));
}

static uint64 sum(const statistics *all, size_t n)
{
    uint64 total = 0;

    if (n >= VALUES)
        return pgsj_bell_counted((pgsj_fetch_counter)(n - VALUES));
    for (int i = 0; i < all->slot_count; i++)
        total += pg_atomic_read_u64(&unconstify(statistics *, all)->slots[i].values[n]);
    return total;
}

#define COUNTER_NAME(name, text) text,
static const char *const counter_names[] = {PGSJ_COUNTERS(COUNTER_NAME)};

#define FETCH_COUNTER_NAME(name, text, reason) {text, reason},
static const struct {
    const char *name, *reason;
} fetch_counters[] = {PGSJ_FETCH_COUNTERS(FETCH_COUNTER_NAME)};

/* How many values there are before the statuses of the core. */
static size_t kinds_end(void)
{
    size_t kinds = 1;

    while (pgsj_failure_kind_name((pgsj_failure_kind)kinds) != NULL)
        kinds++;
    Assert(kinds <= MOST_KINDS);
    return PGSJ_COUNTER_COUNT + kinds;
}

bool pgsj_statistics_get(size_t n, const char **counter, const char **reason, int64 *value)
{
    statistics *all = pgsj_shared_area_address(&area);
    const size_t statuses = kinds_end();

    *counter = "refused";
    *reason = NULL;
    /* Neither PGSJ_FAILURE_JWT nor SJWT_OK is a reason; both are the first of their list. */
    if (n >= PGSJ_COUNTER_COUNT)
        n++;
    if (n >= statuses)
        n++;
    if (n < PGSJ_COUNTER_COUNT) {
        *counter = counter_names[n];
    } else if (n < statuses) {
        *reason = pgsj_failure_kind_name((pgsj_failure_kind)(n - PGSJ_COUNTER_COUNT));
    } else if (n < statuses + SJWT_STATUS_COUNT) {
        *reason = sjwt_status_name((sjwt_status)(n - statuses));
        n += PGSJ_COUNTER_COUNT + MOST_KINDS - statuses;
    } else if (n < statuses + SJWT_STATUS_COUNT + PGSJ_FETCH_COUNTER_COUNT) {
        n -= statuses + SJWT_STATUS_COUNT;
        *counter = fetch_counters[n].name;
        *reason = fetch_counters[n].reason;
        n += VALUES;
    } else
        return false;
    *value = (int64)(sum(all, n) - pg_atomic_read_u64(&all->at_reset[n]));
    return true;
}

TimestampTz pgsj_statistics_since(void)
{
    statistics *all = pgsj_shared_area_address(&area);

    return (TimestampTz)pg_atomic_read_u64(&all->since);
}

void pgsj_statistics_reset(void)
{
    statistics *all = pgsj_shared_area_address(&area);

    for (size_t n = 0; n < ALL_VALUES; n++)
        pg_atomic_write_u64(&all->at_reset[n], sum(all, n));
    pg_atomic_write_u64(&all->since, (uint64)GetCurrentTimestamp());
}

/* ---- reports ----------------------------------------------------------- */

static void put_text(char *to, const char *text, size_t len, int encoding)
{
    if (len >= PGSJ_SESSION_TEXT)
        len = (size_t)pg_encoding_mbcliplen(encoding, text, (int)len, PGSJ_SESSION_TEXT - 1);
    memcpy(to, text, len);
    to[len] = '\0';
}

static void put_claim(char *to, NullableDatum claim)
{
    to[0] = '\0';
    if (!claim.isnull) {
        const text *value = (const text *)DatumGetPointer(claim.value);

        put_text(to, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), GetDatabaseEncoding());
    }
}

void pgsj_report_identity(int mode, const pgsj_identity *identity)
{
    pgsj_session_report *report;

    /* What a parallel worker has, its leader tells. A session that never had an identity need not
     * attach to the shared memory. */
    if (identity != NULL && identity->key.origin == PGSJ_ORIGIN_NONE)
        identity = NULL;
    if (IsParallelWorker() || (identity == NULL && own.slot == NULL) || own_slot() == NULL)
        return;
    report = &own.slot->report;
    if (identity == NULL && !report->has_identity)
        return;
    begin_report();
    report->pid = MyProcPid;
    report->database = MyDatabaseId;
    report->encoding = GetDatabaseEncoding();
    report->has_identity = identity != NULL;
    if (identity != NULL) {
        report->mode = mode;
        report->sealed = pgsj_settings_sealed() != NULL;
        report->has_expires_at = identity->has_expires_at;
        report->expires_at = identity->expires_at;
        put_claim(report->issuer, identity->claims.issuer);
        put_claim(report->subject, identity->claims.user_id);
        put_text(report->key_id, identity->key_id == NULL ? "" : identity->key_id,
                 identity->key_id == NULL ? 0 : strlen(identity->key_id), PG_UTF8);
    }
    end_report();
}

bool pgsj_session_report_get(size_t n, pgsj_session_report *out)
{
    statistics *all = pgsj_shared_area_address(&area);
    slot *from;

    if (n >= (size_t)all->slot_count)
        return false;
    from = &all->slots[n];
    /* A writer needs no time to speak of. One that died there does not keep the reader. */
    for (int attempt = 0; attempt < 1000; attempt++) {
        const uint32 before = pg_atomic_read_u32(&from->changes);

        pg_read_barrier();
        *out = from->report;
        pg_read_barrier();
        if (before % 2 == 0 && pg_atomic_read_u32(&from->changes) == before)
            return true;
    }
    out->pid = 0;
    return true;
}

Size pgsj_statistics_table_size(void)
{
    const statistics *all;

    /* The server is starting. */
    if (!IsUnderPostmaster)
        return (Size)pgsj_settings.shared_cache_size * 1024;
    all = pgsj_shared_area_address(&area);
    return all == NULL ? 0 : (Size)all->table_size;
}
