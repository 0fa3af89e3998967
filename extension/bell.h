/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bell.h - how a backend and the background worker that fetches keys find each other.
 *
 * They share a small piece of shared memory. From PostgreSQL 17 on each process attaches to
 * it when needed. Before, it is part of the server's shared memory, and exists only if the
 * library is in shared_preload_libraries. Without it, nothing is fetched.
 */
#ifndef PGSJ_BELL_H
#define PGSJ_BELL_H

#include "postgres.h"

#include "utils/timestamp.h"

/* The most sources of keys that are fetched. */
#define PGSJ_BELL_SOURCES 256

/* What the worker counts: each with its name, and NULL or why fetches failed. */
#define PGSJ_FETCH_COUNTERS(X)                                                                     \
    X(KEYS, "keys_fetched", NULL)              /* answers that brought keys */                     \
    X(NOT_MODIFIED, "keys_not_modified", NULL) /* answers that the keys have not changed */        \
    X(RUNG, "unknown_kid_fetches", NULL)       /* fetches that backends rang for */                \
    X(FORBIDDEN, "fetches_failed", "FORBIDDEN")                                                    \
    X(UNREACHABLE, "fetches_failed", "UNREACHABLE")                                                \
    X(UNUSABLE, "fetches_failed", "UNUSABLE")                                                      \
    X(NOT_STORED, "fetches_failed", "NOT_STORED")                                                  \
    X(NO_MEMORY, "fetches_failed", "NO_MEMORY")

#define PGSJ_FETCH_COUNTER(name, text, reason) PGSJ_FETCH_COUNT_##name,
typedef enum pgsj_fetch_counter {
    PGSJ_FETCH_COUNTERS(PGSJ_FETCH_COUNTER) PGSJ_FETCH_COUNTER_COUNT
} pgsj_fetch_counter;
#undef PGSJ_FETCH_COUNTER

/* ---- in the postmaster ------------------------------------------------- */

/* From _PG_init() in shared_preload_libraries: reserves the shared memory, and registers the
 * worker if with_worker. */
void pgsj_bell_preload(bool with_worker);

/* ---- in a backend ------------------------------------------------------ */

/* Each raises an ERROR only where there is no memory. */

/* Can a worker be reached from here? */
bool pgsj_bell_exists(void);

/* This process uses keys of that source: a worker should run, and know the source. */
void pgsj_bell_watch(uint64 id);

/* A key of that source is missing. The worker fetches at once, unless it did so for a missing
 * key shortly before. Returns a ticket for pgsj_bell_wait(), or 0 if no fetch begins now. */
uint64 pgsj_bell_ring(uint64 id);

/* Waits at most timeout_ms milliseconds until the worker has answered the ticket. Can be
 * interrupted. Returns true if it has. */
bool pgsj_bell_wait(uint64 id, uint64 ticket, int timeout_ms);

/* The counter's value since the server started; 0 where no worker can be reached. Does not
 * raise. */
uint64 pgsj_bell_counted(pgsj_fetch_counter counter);

/* ---- in the worker ----------------------------------------------------- */

/* This process becomes the worker. Returns false if another process is. */
bool pgsj_bell_take(void);

/* The sources that the worker knows from now on; those that it knew before keep their state. And
 * the least time between two rings for a source that are taken. */
void pgsj_bell_publish(const uint64 *ids, int count, int interval_ms);

/* Was it rung for the source, and may the worker fetch for that now? */
bool pgsj_bell_take_ring(uint64 id);

/* When a ring that waits may be taken; DT_NOEND if none waits. */
TimestampTz pgsj_bell_next_ring(void);

/* A fetch of the source has ended. */
void pgsj_bell_answer(uint64 id);

/* Counts one. pgsj_bell_take_ring() counts the rings that it takes. */
void pgsj_bell_count(pgsj_fetch_counter counter);

#endif
