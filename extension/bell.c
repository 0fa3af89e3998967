/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bell.c - shared memory of the backends and the worker that fetches keys.
 *
 * Compiled into both modules.
 */
#include "postgres.h"

#include <signal.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/spin.h"
#include "utils/wait_event.h"

#include "extension/bell.h"
#include "extension/shared_memory.h"

#define SEGMENT "pg_session_jwt_fetch"

/* A worker that ended is started again after that time, in seconds. */
#define RESTART_S 60

typedef struct bell_source {
    uint64 id;
    bool rung;              /* the worker has not taken the ring yet */
    TimestampTz taken_at;   /* the last ring; DT_NOBEGIN: none */
    uint64 taken, answered; /* rings taken; the last of them with an answer */
} bell_source;

typedef struct bell {
    slock_t lock; /* of all but answer and counted */
    int worker_pid;
    Latch *worker_latch; /* in the server's main shared memory, at one address for all */
    TimestampTz started_at;
    int interval_ms; /* the least time between two rings that are taken */
    ConditionVariable answer;
    pg_atomic_uint64 counted[PGSJ_FETCH_COUNTER_COUNT];
    int count;
    bell_source sources[PGSJ_BELL_SOURCES];
} bell;

/* ---- attaching --------------------------------------------------------- */

static Size bell_size(void)
{
    return sizeof(bell);
}

static void initialize(void *memory, Size size)
{
    bell *new_bell = memory;

    (void)size;
    memset(new_bell, 0, sizeof(*new_bell));
    SpinLockInit(&new_bell->lock);
    new_bell->started_at = DT_NOBEGIN;
    ConditionVariableInit(&new_bell->answer);
    for (int i = 0; i < PGSJ_FETCH_COUNTER_COUNT; i++)
        pg_atomic_init_u64(&new_bell->counted[i], 0);
}

static pgsj_shared_area area = {.name = SEGMENT, .size = bell_size, .initialize = initialize};
static bell *shared; /* NULL: not attached, or there is none */

static bool attach_in_backend(void)
{
    if (shared == NULL)
        shared = pgsj_shared_area_address(&area);
    return shared != NULL;
}

bool pgsj_bell_exists(void)
{
    return attach_in_backend();
}

static bell_source *find(uint64 id)
{
    for (int i = 0; i < shared->count; i++)
        if (shared->sources[i].id == id)
            return &shared->sources[i];
    return NULL;
}

/* When a ring for the source may be taken. */
static TimestampTz quiet_until(const bell_source *source)
{
    if (source->taken_at == DT_NOBEGIN)
        return DT_NOBEGIN;
    return TimestampTzPlusMilliseconds(source->taken_at, shared->interval_ms);
}

/* ---- starting ---------------------------------------------------------- */

static void describe_worker(BackgroundWorker *worker)
{
    memset(worker, 0, sizeof(*worker));
    worker->bgw_flags = BGWORKER_SHMEM_ACCESS;
    /* Also while a standby or a crash recovers. */
    worker->bgw_start_time = BgWorkerStart_PostmasterStart;
    worker->bgw_restart_time = RESTART_S;
    strlcpy(worker->bgw_library_name, "$libdir/pg_session_jwt_fetch",
            sizeof(worker->bgw_library_name));
    strlcpy(worker->bgw_function_name, "pgsj_fetch_main", sizeof(worker->bgw_function_name));
    strlcpy(worker->bgw_name, "pg_session_jwt fetcher of keys", sizeof(worker->bgw_name));
    strlcpy(worker->bgw_type, "pg_session_jwt fetcher", sizeof(worker->bgw_type));
}

void pgsj_bell_preload(bool with_worker)
{
    BackgroundWorker worker;

    pgsj_shared_area_request(&area);
    if (!with_worker)
        return;
    describe_worker(&worker);
    RegisterBackgroundWorker(&worker);
}

/* Starts a worker unless one runs, or was started shortly before. */
static void start_worker(void)
{
    const TimestampTz now = GetCurrentTimestamp();
    BackgroundWorker worker;
    bool start;

    SpinLockAcquire(&shared->lock);
    start = shared->worker_pid == 0 &&
            (shared->started_at == DT_NOBEGIN ||
             TimestampDifferenceExceeds(shared->started_at, now, RESTART_S * 1000));
    if (start)
        shared->started_at = now;
    SpinLockRelease(&shared->lock);
    if (!start)
        return;
    describe_worker(&worker);
    if (!RegisterDynamicBackgroundWorker(&worker, NULL))
        ereport(LOG,
                (errmsg("could not start the worker that fetches keys"),
                 errhint("You might need to increase max_worker_processes."), errhidestmt(true)));
}

/* ---- backends ---------------------------------------------------------- */

void pgsj_bell_watch(uint64 id)
{
    Latch *latch = NULL;

    if (IsParallelWorker() || !attach_in_backend())
        return;
    SpinLockAcquire(&shared->lock);
    if (find(id) == NULL)
        latch = shared->worker_latch;
    SpinLockRelease(&shared->lock);
    /* The worker reads the document of issuers again. */
    if (latch != NULL)
        SetLatch(latch);
    else
        start_worker();
}

uint64 pgsj_bell_ring(uint64 id)
{
    const TimestampTz now = GetCurrentTimestamp();
    Latch *latch = NULL;
    uint64 ticket = 0;
    bell_source *source;

    if (IsParallelWorker() || !attach_in_backend())
        return 0;
    SpinLockAcquire(&shared->lock);
    source = find(id);
    if (source != NULL) {
        if (now >= quiet_until(source)) {
            ticket = source->taken + 1;
            if (!source->rung)
                latch = shared->worker_latch;
        }
        /* The fetch that runs may bring the key. */
        else if (source->answered < source->taken)
            ticket = source->taken;
        source->rung = true;
    }
    SpinLockRelease(&shared->lock);
    if (latch != NULL)
        SetLatch(latch);
    else
        start_worker();
    return ticket;
}

static bool has_answer(uint64 id, uint64 ticket)
{
    const bell_source *source;
    bool answered;

    SpinLockAcquire(&shared->lock);
    source = find(id);
    answered = source == NULL || source->answered >= ticket;
    SpinLockRelease(&shared->lock);
    return answered;
}

bool pgsj_bell_wait(uint64 id, uint64 ticket, int timeout_ms)
{
    const TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
    bool answered;

    if (ticket == 0 || shared == NULL)
        return false;
    ConditionVariablePrepareToSleep(&shared->answer);
    while (!(answered = has_answer(id, ticket))) {
        const long rest = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

        if (rest <= 0 || ConditionVariableTimedSleep(&shared->answer, rest, PG_WAIT_EXTENSION))
            break;
    }
    ConditionVariableCancelSleep();
    return answered;
}

uint64 pgsj_bell_counted(pgsj_fetch_counter counter)
{
    return attach_in_backend() ? pg_atomic_read_u64(&shared->counted[counter]) : 0;
}

/* ---- the worker -------------------------------------------------------- */

static void leave(int code, Datum arg)
{
    (void)code;
    (void)arg;
    SpinLockAcquire(&shared->lock);
    if (shared->worker_pid == MyProcPid) {
        shared->worker_pid = 0;
        shared->worker_latch = NULL;
    }
    SpinLockRelease(&shared->lock);
}

bool pgsj_bell_take(void)
{
    bool taken;

    shared = pgsj_shared_area_find(&area);
    if (shared == NULL)
        return false;
    SpinLockAcquire(&shared->lock);
    taken = shared->worker_pid == 0;
    if (taken) {
        shared->worker_pid = MyProcPid;
        shared->worker_latch = MyLatch;
    }
    SpinLockRelease(&shared->lock);
    if (taken)
        before_shmem_exit(leave, (Datum)0);
    return taken;
}

void pgsj_bell_publish(const uint64 *ids, int count, int interval_ms)
{
    bell_source sources[PGSJ_BELL_SOURCES];

    Assert(count <= PGSJ_BELL_SOURCES);
    memset(sources, 0, sizeof(sources));
    SpinLockAcquire(&shared->lock);
    for (int i = 0; i < count; i++) {
        const bell_source *before = find(ids[i]);

        if (before != NULL)
            sources[i] = *before;
        else
            sources[i].taken_at = DT_NOBEGIN;
        sources[i].id = ids[i];
        /* Its fetch does not go on. */
        sources[i].answered = sources[i].taken;
    }
    memcpy(shared->sources, sources, sizeof(sources));
    shared->count = count;
    shared->interval_ms = interval_ms;
    SpinLockRelease(&shared->lock);
    ConditionVariableBroadcast(&shared->answer);
}

bool pgsj_bell_take_ring(uint64 id)
{
    const TimestampTz now = GetCurrentTimestamp();
    bell_source *source;
    bool taken;

    SpinLockAcquire(&shared->lock);
    source = find(id);
    taken = source != NULL && source->rung && now >= quiet_until(source);
    if (taken) {
        source->rung = false;
        source->taken++;
        source->taken_at = now;
    }
    SpinLockRelease(&shared->lock);
    if (taken)
        pgsj_bell_count(PGSJ_FETCH_COUNT_RUNG);
    return taken;
}

TimestampTz pgsj_bell_next_ring(void)
{
    TimestampTz next = DT_NOEND;

    SpinLockAcquire(&shared->lock);
    for (int i = 0; i < shared->count; i++)
        if (shared->sources[i].rung)
            next = Min(next, quiet_until(&shared->sources[i]));
    SpinLockRelease(&shared->lock);
    return next;
}

void pgsj_bell_answer(uint64 id)
{
    bell_source *source;

    SpinLockAcquire(&shared->lock);
    source = find(id);
    if (source != NULL)
        source->answered = source->taken;
    SpinLockRelease(&shared->lock);
    ConditionVariableBroadcast(&shared->answer);
}

void pgsj_bell_count(pgsj_fetch_counter counter)
{
    (void)pg_atomic_fetch_add_u64(&shared->counted[counter], 1);
}
