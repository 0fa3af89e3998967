/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headers.h - what a fetch needs of the headers of an answer.
 */
#ifndef SJWT_FETCH_HEADERS_H
#define SJWT_FETCH_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

/* All zero before the first line. Texts are printable ASCII; "" is none, or one that is too
 * long. A header that comes several times is joined by commas (RFC 9110 section 5.3). */
typedef struct sjwt_headers {
    size_t len; /* of all lines, in octets */
    char etag[256], last_modified[64];
    char cache_control[512];
    bool is_encoded; /* compressed, for example */
} sjwt_headers;

/* Takes the next line of headers, of len octets, which need not end in a NUL. A status line
 * begins another answer. Returns false where all lines together are too long. */
bool sjwt_headers_take(sjwt_headers *headers, const char *line, size_t len);

#endif
