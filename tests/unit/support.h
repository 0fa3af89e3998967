/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support.h - shared by the core's tests: an allocator that counts and can fail, and
 * tokens built from parts.
 */
#ifndef PG_SESSION_JWT_TESTS_SUPPORT_H
#define PG_SESSION_JWT_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jwt/base64url.h"
#include <sjwt.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct counting {
    size_t live;    /* allocations not freed yet */
    size_t calls;   /* allocations requested */
    size_t fail_at; /* the call that fails, from 1; 0: none */
} counting;

static inline void *counting_allocate(void *context, size_t size)
{
    counting *c = context;

    assert_true(size > 0);
    if (++c->calls == c->fail_at)
        return NULL;
    c->live++;
    return malloc(size);
}

static inline void counting_release(void *context, void *pointer)
{
    counting *c = context;

    assert_non_null(pointer);
    assert_true(c->live > 0);
    c->live--;
    free(pointer);
}

static inline sjwt_allocator counting_allocator(counting *c)
{
    return (sjwt_allocator){counting_allocate, counting_release, c};
}

static inline void *allocate_or_fail(size_t size)
{
    void *made = malloc(size);

    assert_non_null(made);
    return made;
}

static inline void assert_status(sjwt_status status, sjwt_status wanted, const char *what)
{
    if (status != wanted)
        fail_msg("%s: %s instead of %s", what, sjwt_status_name(status), sjwt_status_name(wanted));
}

/* NUL-terminated; free() it. */
static inline char *encoded(const void *octets, size_t len)
{
    char *text = allocate_or_fail(SJWT_BASE64URL_ENCODED_LEN(len) + 1);

    sjwt_base64url_encode(octets, len, text);
    text[SJWT_BASE64URL_ENCODED_LEN(len)] = '\0';
    return text;
}

/* The three parts, separated by dots; free() it. */
static inline char *joined(const char *header, const char *payload, const char *signature)
{
    size_t size = strlen(header) + strlen(payload) + strlen(signature) + 3;
    char *token = allocate_or_fail(size);

    snprintf(token, size, "%s.%s.%s", header, payload, signature);
    return token;
}

/* A compact JWS of these octets; free() it. */
static inline char *compact(const char *header, const char *payload, const void *signature,
                            size_t signature_len)
{
    char *parts[] = {encoded(header, strlen(header)), encoded(payload, strlen(payload)),
                     encoded(signature, signature_len)};
    char *token = joined(parts[0], parts[1], parts[2]);

    for (size_t i = 0; i < COUNT(parts); i++)
        free(parts[i]);
    return token;
}

static inline sjwt_keyset *keys_of(const char *json)
{
    sjwt_keyset *keys;
    sjwt_error error;

    sjwt_status status = sjwt_keyset_parse(NULL, json, strlen(json), &keys, &error);
    if (status != SJWT_OK)
        fail_msg("%s: %s %s", sjwt_status_name(status), error.detail, json);
    return keys;
}

#endif
