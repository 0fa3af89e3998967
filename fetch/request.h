/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - one HTTP request, with the limits of fetch.h.
 */
#ifndef SJWT_FETCH_REQUEST_H
#define SJWT_FETCH_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curl/curl.h>

#include "fetch/fetch.h"
#include "fetch/headers.h"

/* What arrives, and what a server may send again. All zero before the first request. */
typedef struct sjwt_request {
    const sjwt_fetch_options *options;
    CURL *easy;                 /* NULL: no request runs */
    struct curl_slist *headers; /* that are sent */
    bool is_http;               /* not https */
    bool address_refused;
    size_t exceeded; /* the limit that the answer exceeds, in octets; 0: none */
    bool no_memory;
    char curl_error[CURL_ERROR_SIZE];

    long http_status;
    char *body; /* NUL-terminated after len; NULL: empty */
    size_t len, size;
    sjwt_headers received;
    char type[64];  /* lower case */
    char *location; /* where a redirect goes, absolute; NULL: none */
} sjwt_request;

/* May it be fetched, by its form alone? Returns why not, or NULL. */
const char *sjwt_request_check_url(const sjwt_fetch_options *options, const char *url);

/* Are scheme, host and port of both the same? Both are URLs that were checked. */
bool sjwt_request_same_origin(const char *a, const char *b);

/* Begins a GET of url, which was checked, with a limit in milliseconds. known: validators to
 * send, or NULL. request->options is set. Returns false without memory. */
bool sjwt_request_begin(sjwt_request *request, CURLM *multi, const char *url, long limit_ms,
                        const sjwt_fetch_validators *known);

/* The transfer ended with this code: takes over what is needed of the answer. */
void sjwt_request_finish(sjwt_request *request, CURLM *multi, CURLcode code);

/* Cancels it if it runs, and frees what arrived. The request can then be used again. */
void sjwt_request_reset(sjwt_request *request, CURLM *multi);

#endif
