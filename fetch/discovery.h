/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovery.h - from an issuer to the URL of its keys.
 */
#ifndef SJWT_FETCH_DISCOVERY_H
#define SJWT_FETCH_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "fetch/fetch.h"

typedef enum sjwt_discovery_place {
    SJWT_DISCOVERY_OPENID, /* OpenID Connect Discovery 1.0 section 4 */
    SJWT_DISCOVERY_OAUTH   /* RFC 8414 section 3 */
} sjwt_discovery_place;

/* Writes the URL of the metadata of issuer, a URL without query and fragment, to out. Returns
 * false if it is too long or has another form. */
bool sjwt_discovery_url(const char *issuer, sjwt_discovery_place place,
                        char out[SJWT_FETCH_URL_SIZE]);

typedef enum sjwt_discovery_verdict {
    SJWT_DISCOVERY_FOUND,
    SJWT_DISCOVERY_NO_METADATA, /* no JSON object with a string "issuer" */
    SJWT_DISCOVERY_UNUSABLE,    /* *problem says why */
    SJWT_DISCOVERY_NO_MEMORY
} sjwt_discovery_verdict;

/* Reads metadata, which text[len] = NUL ends: their "issuer" must be issuer, octet by octet.
 * Writes "jwks_uri" to out. */
sjwt_discovery_verdict sjwt_discovery_read(const char *text, size_t len, const char *issuer,
                                           char out[SJWT_FETCH_URL_SIZE], const char **problem);

#endif
