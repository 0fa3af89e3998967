/*
 * private_key.h - what sign.c may know of a private key.
 */
#ifndef PG_SESSION_JWT_JWT_PRIVATE_KEY_H
#define PG_SESSION_JWT_JWT_PRIVATE_KEY_H

#include "crypto/sign.h"
#include "jwt/sign.h"

struct sjwt_private_key {
    sjwt_allocator allocator;
    sjwt_crypto_private_key key; /* its spans point into octets */
    void *octets;                /* wiped before it is given back */
    size_t octets_size;
    const char *alg; /* the name "alg" has, a constant; NULL where there is none */
    char *kid;       /* or NULL */
    bool has_use;    /* "use", which can only be "sig" */
};

/* The row of the algorithm called name; *constant (may be NULL) is that name for
 * as long as the process runs. NULL where there is none. */
const sjwt_crypto_algorithm *sjwt_find_algorithm(const char *name, const char **constant);

/* May a JSON string hold text (NUL-terminated)? SJWT_OK, the status given as
 * invalid, or SJWT_NO_MEMORY. allocator may be NULL. */
sjwt_status sjwt_check_string(const sjwt_allocator *allocator, const char *text,
                              sjwt_status invalid);

/* What a status of crypto/ means for a key that is used for signing. */
sjwt_status sjwt_status_of_signing(sjwt_crypto_status status);

#endif
