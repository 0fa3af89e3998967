/*
 * private_key.h - what sign.c may know of a private key.
 */
#ifndef PG_SESSION_JWT_JWT_PRIVATE_KEY_H
#define PG_SESSION_JWT_JWT_PRIVATE_KEY_H

#include "crypto/sign.h"
#include "jwt/sign.h"

struct jwt_private_key {
    jwt_allocator allocator;
    crypto_private_key key; /* its spans point into octets */
    void *octets;           /* wiped before it is given back */
    size_t octets_size;
    const char *alg; /* the name "alg" has, a constant; NULL where there is none */
    char *kid;       /* or NULL */
    bool has_use;    /* "use", which can only be "sig" */
};

/* The row of the algorithm called name; *constant (may be NULL) is that name for
 * as long as the process runs. NULL where there is none. */
const crypto_algorithm *jwt_find_algorithm(const char *name, const char **constant);

/* May a JSON string hold text (NUL-terminated)? JWT_OK, the status given as
 * invalid, or JWT_NO_MEMORY. allocator may be NULL. */
jwt_status jwt_check_string(const jwt_allocator *allocator, const char *text, jwt_status invalid);

/* What a status of crypto/ means for a key that is used for signing. */
jwt_status jwt_status_of_signing(crypto_status status);

#endif
