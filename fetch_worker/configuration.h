/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configuration.h - what the server's configuration asks the worker to fetch.
 *
 * The worker belongs to no database and no role: it sees the values of the configuration
 * file and of the server's command line.
 */
#ifndef PGSJ_WORKER_CONFIGURATION_H
#define PGSJ_WORKER_CONFIGURATION_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "fetch/fetch.h"

/* One source of keys. Its strings live as long as the configuration. */
typedef struct pgsj_fetch_target {
    const char *issuer; /* NULL only where url is not */
    const char *url;    /* of the JWK Set; NULL: the metadata of issuer tell it */
} pgsj_fetch_target;

typedef struct pgsj_fetch_configuration {
    MemoryContext memory; /* of all of this */
    List *targets;        /* of pgsj_fetch_target *; NIL: there is nothing to fetch */
    sjwt_fetch_options options;
    int stale_grace_s; /* -1: for ever */
    int ring_interval_ms;
} pgsj_fetch_configuration;

/* Reads the settings and the document of issuers. Where the document cannot be used, it
 * keeps the targets of before, which may be NULL, and logs why once. Deletes before. */
pgsj_fetch_configuration *pgsj_fetch_configuration_read(pgsj_fetch_configuration *before);

/* Has the document of issuers changed since it was read? */
bool pgsj_fetch_configuration_is_old(void);

#endif
