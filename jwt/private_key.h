/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private_key.h - the members of a private key, for sign.c.
 */
#ifndef PG_SESSION_JWT_JWT_PRIVATE_KEY_H
#define PG_SESSION_JWT_JWT_PRIVATE_KEY_H

#include "crypto/sign.h"
#include "jwt/sign.h"

struct sjwt_private_key {
    sjwt_allocator allocator;
    sjwt_crypto_private_key key; /* its spans point into octets */
    void *octets;                /* wiped before it is freed */
    size_t octets_size;
    const char *alg; /* the value of "alg", a constant; NULL if the key has none */
    char *kid;       /* or NULL */
    bool has_use;    /* "use", which can only be "sig" */
};

/* Returns the row of the algorithm of this name, or NULL. *constant (may be NULL) is set to
 * the name as a constant string. */
const sjwt_crypto_algorithm *sjwt_find_algorithm(const char *name, const char **constant);

/* Can a JSON string hold text (NUL-terminated)? Returns SJWT_OK, the status passed as
 * invalid, or SJWT_NO_MEMORY. allocator may be NULL. */
sjwt_status sjwt_check_string(const sjwt_allocator *allocator, const char *text,
                              sjwt_status invalid);

/* The thumbprint of a public key (RFC 7638, with SHA-256), in base64url. Freed with the
 * allocator. SJWT_OK, SJWT_ALG_UNSUPPORTED (no library of this build), SJWT_NO_MEMORY or
 * SJWT_INTERNAL. */
sjwt_status sjwt_make_thumbprint(const sjwt_allocator *allocator, const sjwt_crypto_key_octets *key,
                                 char **thumbprint);

/* Returns the status of the core for a status of crypto/ when a key signs. */
sjwt_status sjwt_status_of_signing(sjwt_crypto_status status);

#endif
