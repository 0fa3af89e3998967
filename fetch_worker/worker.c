/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.c - the background worker that fetches keys.
 *
 * It has no connection to a database. It alone uses libcurl, in a module that no backend
 * loads.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/stat.h>

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/fd.h"
#include "storage/pmsignal.h"
#include "utils/guc.h"
#include "utils/resowner.h"
#include "utils/wait_event.h"

#include "extension/bell.h"
#include "fetch_worker/source.h"
#include "extension/compat.h"

PGSJ_MODULE_MAGIC("pg_session_jwt_fetch", PGSJ_VERSION);

PGDLLEXPORT void pgsj_fetch_main(Datum argument);

/* How long it waits for the network before it looks for rings and signals, in milliseconds. */
#define STEP_MS 50
/* How often it looks whether the document of issuers changed, in milliseconds. */
#define GREATEST_WAIT_MS 60000

static struct {
    pgsj_fetch_configuration *configuration;
    sjwt_fetcher *fetcher;
    pgsj_fetch_source *sources;
    int count;
} worker;

static void out_of_memory(void)
{
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

/* ---- configuration ----------------------------------------------------- */

static bool is_known(uint64 id)
{
    for (int i = 0; i < worker.count; i++)
        if (worker.sources[i].file.id == id)
            return true;
    return false;
}

static void add_sources(void)
{
    const List *targets = worker.configuration->targets;
    ListCell *cell;

    worker.sources =
        MemoryContextAllocZero(worker.configuration->memory,
                               sizeof(*worker.sources) * (size_t)Max(1, list_length(targets)));
    worker.count = 0;
    foreach (cell, targets) {
        pgsj_fetch_source *next = &worker.sources[worker.count];

        if (worker.count == PGSJ_BELL_SOURCES) {
            ereport(LOG, (errmsg("too many sources of keys to fetch"),
                          errdetail("Only the first %d are fetched.", PGSJ_BELL_SOURCES)));
            break;
        }
        if (!pgsj_fetch_source_init(next, lfirst(cell)))
            out_of_memory();
        if (!is_known(next->file.id))
            worker.count++;
    }
}

static void publish_sources(void)
{
    uint64 ids[PGSJ_BELL_SOURCES];

    for (int i = 0; i < worker.count; i++)
        ids[i] = worker.sources[i].file.id;
    pgsj_bell_publish(ids, worker.count, worker.configuration->ring_interval_ms);
}

/* What runs is cancelled. */
static void configure(void)
{
    sjwt_fetcher_free(worker.fetcher);
    worker.fetcher = NULL;
    worker.configuration = pgsj_fetch_configuration_read(worker.configuration);
    worker.fetcher = sjwt_fetcher_create(&worker.configuration->options);
    if (worker.fetcher == NULL)
        out_of_memory();
    add_sources();
    publish_sources();
}

/* ---- fetching ---------------------------------------------------------- */

static void begin_fetches(void)
{
    const TimestampTz now = GetCurrentTimestamp();

    for (int i = 0; i < worker.count; i++) {
        pgsj_fetch_source *source = &worker.sources[i];

        if (source->fetch == NULL &&
            (pgsj_bell_take_ring(source->file.id) || now >= source->next_at))
            pgsj_fetch_source_begin(source, worker.fetcher);
    }
}

static void finish_fetches(void)
{
    for (int i = 0; i < worker.count; i++)
        if (pgsj_fetch_source_finish(&worker.sources[i], worker.configuration))
            pgsj_bell_answer(worker.sources[i].file.id);
}

static bool any_fetch_runs(void)
{
    for (int i = 0; i < worker.count; i++)
        if (worker.sources[i].fetch != NULL)
            return true;
    return false;
}

/* libcurl may start threads that resolve names. No signal of the server is theirs. */
static void run_fetches(void)
{
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    (void)sjwt_fetcher_run(worker.fetcher, STEP_MS);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void wait_for_work(void)
{
    TimestampTz until = pgsj_bell_next_ring();
    long wait_ms;

    for (int i = 0; i < worker.count; i++)
        until = Min(until, worker.sources[i].next_at);
    wait_ms = until == DT_NOEND ? GREATEST_WAIT_MS
                                : TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
    if (wait_ms > 0)
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                        Min(wait_ms, GREATEST_WAIT_MS), PG_WAIT_EXTENSION);
}

/* ---- the process ------------------------------------------------------- */

static void make_directory(void)
{
    if (MakePGDirectory(PGSJ_FETCHED_DIRECTORY) != 0 && errno != EEXIST)
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not create directory \"%s\": %m", PGSJ_FETCHED_DIRECTORY)));
}

static void handle_interrupts(void)
{
    bool is_old = pgsj_fetch_configuration_is_old();

    CHECK_FOR_INTERRUPTS();
    /* With this exit code the server starts it again, unless the server ends. */
    if (ShutdownRequestPending)
        proc_exit(1);
    if (!PostmasterIsAlive())
        proc_exit(1);
    if (ConfigReloadPending) {
        ConfigReloadPending = false;
        ProcessConfigFile(PGC_SIGHUP);
        is_old = true;
    }
    if (is_old)
        configure();
    /* With this one it does not. A backend that needs a worker starts it. */
    if (worker.count == 0)
        proc_exit(0);
}

void pgsj_fetch_main(Datum argument)
{
    (void)argument;
    pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
    pqsignal(SIGHUP, SignalHandlerForConfigReload);
    BackgroundWorkerUnblockSignals();

    /* Hashes need one; there is no transaction that would have it. */
    CurrentResourceOwner = ResourceOwnerCreate(NULL, "pg_session_jwt fetcher");
    /* It defines the settings. */
    (void)load_external_function("$libdir/pg_session_jwt", "_PG_init", true, NULL);
    if (!pgsj_bell_take())
        proc_exit(0);
    make_directory();
    configure();
    for (;;) {
        ResetLatch(MyLatch);
        handle_interrupts();
        begin_fetches();
        finish_fetches();
        if (any_fetch_runs()) {
            run_fetches();
            finish_fetches();
        } else
            wait_for_work();
    }
}
