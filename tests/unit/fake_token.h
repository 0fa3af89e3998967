/* SPDX-License-Identifier: Apache-2.0 */
/* fake_token.h - a key of the fake backend, and tokens that it accepts or refuses. */
#ifndef PG_SESSION_JWT_TESTS_FAKE_TOKEN_H
#define PG_SESSION_JWT_TESTS_FAKE_TOKEN_H

#include "support.h"

#include "fake_backend.h"

#define SECOND INT64_C(1000000)
#define NOW INT64_C(1700000000)

#define EDDSA "{\"alg\":\"EdDSA\"}"

static sjwt_keyset *okp;

/* The fixture of a group of tests. */
static inline int set_up(void **state)
{
    (void)state;
    okp = keys_of("{" OKP_KEY "}");
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    sjwt_keyset_free(okp);
    return 0;
}

/* A token whose signature is this letter; the key accepts 'K' alone. free() it. */
static inline char *signed_by(char letter, const char *header, const char *payload)
{
    char signature[64];

    memset(signature, letter, sizeof(signature));
    return compact(header, payload, signature, sizeof(signature));
}

#endif
