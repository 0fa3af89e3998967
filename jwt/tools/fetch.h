/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - what sjwt fetch is asked for. fetch_run.c does it; fetch_none.c, in a build
 * without libcurl, does not.
 */
#ifndef PG_SESSION_JWT_TOOLS_FETCH_H
#define PG_SESSION_JWT_TOOLS_FETCH_H

#include "jwt/tools/options.h"

#include <stdint.h>

/* NULL for what is absent. */
typedef struct fetch_arguments {
    const char *issuer, *url; /* one of the two */
    const char *out;
    const char *ca_file;
    value_list allow;
    uint32_t interval_s; /* 0: fetch once */
} fetch_arguments;

/* Returns an exit_code. */
int run_fetch(const fetch_arguments *given);

#endif
