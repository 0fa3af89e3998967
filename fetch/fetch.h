/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch.h - fetches the keys of issuers of tokens over HTTPS, with libcurl.
 *
 * One fetcher runs several fetches at once, in one thread. Its functions wait only in
 * sjwt_fetcher_run(). Nothing is logged, and no file is opened but that of the
 * certificates and in store.h.
 *
 * Always in force:
 * - https alone, TLS 1.2 or later, certificate and name verified. No user name or
 *   password in a URL.
 * - SJWT_FETCH_MAX_SIZE octets at most for an answer, and no compressed answer.
 * - SJWT_FETCH_CONNECT_MS for each connection and SJWT_FETCH_TOTAL_MS for the whole fetch.
 * - No redirect, no proxy, and no connection to an address that is not public. The address
 *   is checked when the connection is made, after the name was resolved.
 * The options permit exceptions.
 */
#ifndef SJWT_FETCH_FETCH_H
#define SJWT_FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt.h>

/* The most octets of an answer's body, and of its headers. */
#define SJWT_FETCH_MAX_SIZE (512 * 1024)
#define SJWT_FETCH_MAX_HEADERS (64 * 1024)
/* In milliseconds: for a connection; for a fetch with all its requests. */
#define SJWT_FETCH_CONNECT_MS 2000
#define SJWT_FETCH_TOTAL_MS 5000
/* The most octets of a URL or an issuer, with its NUL. */
#define SJWT_FETCH_URL_SIZE 2048
/* The most redirects that are followed for one request. */
#define SJWT_FETCH_MAX_REDIRECTS 3

typedef struct sjwt_fetch_options {
    bool allow_private; /* connect to addresses that are not public, too */
    bool allow_http;    /* http to loopback addresses, too */
    bool
        allow_redirects; /* follow redirects within an origin (RFC 6454): same scheme, host, port */
    bool allow_proxy;    /* use the proxy of https_proxy and curl's other variables. The address
                             that is checked is then the proxy's. */
    const char *ca_file; /* PEM certificates to trust instead of the system's; NULL or "": those */
} sjwt_fetch_options;

/* Sets the option called name: "private", "http", "redirects" or "proxy". Returns false if
 * there is none of the name, which has len octets. */
bool sjwt_fetch_options_allow(sjwt_fetch_options *options, const char *name, size_t len);

typedef struct sjwt_fetcher sjwt_fetcher;

/* Returns a fetcher, or NULL without memory. Copies the options. Not for two threads at
 * the first call in a process, see curl_global_init(3). */
sjwt_fetcher *sjwt_fetcher_create(const sjwt_fetch_options *options);

/* Cancels what runs, and frees its fetches. fetcher may be NULL. */
void sjwt_fetcher_free(sjwt_fetcher *fetcher);

/* What tells a server which version of the keys is known. Strings are NUL-terminated, and
 * "" is none. */
typedef struct sjwt_fetch_validators {
    char url[SJWT_FETCH_URL_SIZE]; /* where the keys came from */
    char etag[256];                /* RFC 9110 section 8.8.3 */
    char last_modified[64];        /* RFC 9110 section 8.8.2 */
} sjwt_fetch_validators;

typedef enum sjwt_fetch_status {
    SJWT_FETCH_OK,
    SJWT_FETCH_NO_MEMORY,
    SJWT_FETCH_FORBIDDEN,   /* a URL, redirect or address that the options do not permit */
    SJWT_FETCH_UNREACHABLE, /* name, connection, TLS or time */
    SJWT_FETCH_UNUSABLE     /* the answer: HTTP status, size, form, issuer or keys */
} sjwt_fetch_status;

typedef struct sjwt_fetch_result {
    sjwt_fetch_status status;
    /* Why it failed, in words of this library and of libcurl, in printable ASCII. The text
     * has no part of an answer's body. */
    char problem[256];
    /* SJWT_FETCH_OK. All of it is owned by the fetch. */
    bool not_modified;  /* the keys are those of the validators given; the next three are 0 */
    const char *text;   /* the JWK or JWK Set as it arrived, NUL-terminated after len */
    size_t len;         /* in octets */
    sjwt_keyset *keys;  /* the same, parsed and prepared; at least one key is usable and public */
    uint32_t max_age_s; /* in how many seconds to fetch again: 60 to 86400 */
    sjwt_fetch_validators validators; /* for the next fetch */
} sjwt_fetch_result;

typedef struct sjwt_fetch sjwt_fetch;

/*
 * Begins to fetch the keys of an issuer. Copies its arguments.
 *
 * url: the JWK Set. NULL: issuer tells it. Its metadata are at the place of OpenID Connect
 * Discovery 1.0 section 4 or, where no metadata are there, of RFC 8414 section 3. Their
 * "issuer" must be issuer, octet by octet (RFC 8414 section 3.3). issuer is not used where
 * url is not NULL.
 *
 * known: the validators of the fetch before, NULL for none. They are sent only to the URL
 * that they came from.
 *
 * Returns NULL without memory. Any other failure is the result of the fetch.
 */
sjwt_fetch *sjwt_fetch_begin(sjwt_fetcher *fetcher, const char *issuer, const char *url,
                             const sjwt_fetch_validators *known);

/* Works on all fetches, and waits up to wait_ms milliseconds for the network. Returns how
 * many are not finished. */
size_t sjwt_fetcher_run(sjwt_fetcher *fetcher, int wait_ms);

/* The result, or NULL while the fetch runs. */
const sjwt_fetch_result *sjwt_fetch_result_get(const sjwt_fetch *fetch);

/* Cancels the fetch if it runs, and frees it. fetch may be NULL. */
void sjwt_fetch_end(sjwt_fetch *fetch);

/* ---- times ------------------------------------------------------------- */

/* For how many seconds an answer with this Cache-Control (RFC 9111 section 5.2.2; several
 * header fields joined by commas) counts as new: max-age, at least 60 and at most 86400.
 * 300 without max-age, 60 with no-cache or no-store. */
uint32_t sjwt_fetch_max_age(const char *cache_control);

/* After how many milliseconds to try again after so many failures in a row, at least one:
 * at once after the first; then about 1, 2, 4 … seconds, and at most 300. random, any number,
 * takes away up to half of it. */
uint32_t sjwt_fetch_retry_ms(unsigned failures, uint32_t random);

#endif
