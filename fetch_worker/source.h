/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - one source of keys: when it is fetched, and what becomes of that.
 */
#ifndef PGSJ_WORKER_SOURCE_H
#define PGSJ_WORKER_SOURCE_H

#include "postgres.h"

#include "utils/timestamp.h"

#include "extension/fetched_file.h"
#include "fetch_worker/configuration.h"

typedef struct pgsj_fetch_source {
    const pgsj_fetch_target *target;
    pgsj_fetched_file file;
    pgsj_fetch_state state;
    unsigned failures;   /* in a row */
    TimestampTz next_at; /* of the next fetch */
    sjwt_fetch *fetch;   /* NULL: none runs */
} pgsj_fetch_source;

/* Starts with what the files tell. Returns false where there is no memory. */
bool pgsj_fetch_source_init(pgsj_fetch_source *source, const pgsj_fetch_target *target);

/* Begins a fetch. None runs. */
void pgsj_fetch_source_begin(pgsj_fetch_source *source, sjwt_fetcher *fetcher);

/* If the fetch has ended: takes over its result, writes the files, and returns true. */
bool pgsj_fetch_source_finish(pgsj_fetch_source *source,
                              const pgsj_fetch_configuration *configuration);

#endif
