/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - what a verified token is made of.
 */
#ifndef PG_SESSION_JWT_JWT_TOKEN_H
#define PG_SESSION_JWT_JWT_TOKEN_H

#include "jwt/json.h"
#include <sjwt/memory.h>
#include <sjwt/token.h>

/* A registered time. */
typedef struct sjwt_time {
    bool is_present;
    int64_t microseconds;
} sjwt_time;

/* One block of memory holds all but what the parser made. */
struct sjwt_token {
    sjwt_allocator allocator;
    sjwt_json claims; /* of payload; all zeros if sjwt_jws_verify() made the token */
    const char *algorithm;
    const char *backend;
    size_t issuer_index;
    sjwt_time expires_at;
    sjwt_time not_before;
    sjwt_time issued_at;
    bool has_integer_id;
    int64_t integer_id;
    const char *key_id; /* NULL, or into octets */
    char *header;
    size_t header_len;
    char *payload;
    size_t payload_len;
    uint8_t *signature;
    size_t signature_len;
    uint8_t octets[];
};

#endif
