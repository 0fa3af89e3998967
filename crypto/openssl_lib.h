/*
 * openssl_lib.h - what verifying and signing with OpenSSL share. Internal to
 * openssl.c and openssl_sign.c.
 */
#ifndef PG_SESSION_JWT_CRYPTO_OPENSSL_LIB_H
#define PG_SESSION_JWT_CRYPTO_OPENSSL_LIB_H

#include "crypto/crypto.h"

#include <openssl/evp.h>

/* A build for a validated module uses the provider "fips" and nothing else. */
#ifdef SJWT_CRYPTO_OPENSSL_FIPS
#define SJWT_CRYPTO_OPENSSL_NAME "openssl-fips"
#define SJWT_CRYPTO_OPENSSL_PROVIDER "fips"
#define SJWT_CRYPTO_OPENSSL_PROPERTIES "fips=yes"
#else
#define SJWT_CRYPTO_OPENSSL_NAME "openssl"
#define SJWT_CRYPTO_OPENSSL_PROVIDER "default"
#define SJWT_CRYPTO_OPENSSL_PROPERTIES NULL
#endif

/* How OpenSSL names what an algorithm needs. */
typedef struct sjwt_crypto_openssl_names {
    const char *digest; /* NULL: EdDSA, which hashes by itself */
    const char *group;  /* of EC keys; else NULL */
    bool is_pss;
} sjwt_crypto_openssl_names;

const sjwt_crypto_openssl_names *sjwt_crypto_openssl_get_names(sjwt_crypto_alg alg);

/*
 * Makes the library context of this backend, once in a process: its own, so that
 * neither the server's TLS nor a configuration file changes what is accepted, and
 * nothing that is done here changes the server's TLS. SJWT_CRYPTO_OK,
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_openssl_init(void);

/* That context, after sjwt_crypto_openssl_init(). */
OSSL_LIB_CTX *sjwt_crypto_openssl_context(void);

/* Has the provider the algorithm? SJWT_CRYPTO_OK, SJWT_CRYPTO_UNSUPPORTED or
 * SJWT_CRYPTO_NO_MEMORY. */
sjwt_crypto_status sjwt_crypto_openssl_probe(sjwt_crypto_alg alg);

/*
 * Around the calls that one function makes of the library. Begin empties the
 * thread's queue of errors, and is false where there is no memory for a queue. End
 * empties it again, and says whether an error since begin was lack of memory.
 */
bool sjwt_crypto_openssl_begin(void);
bool sjwt_crypto_openssl_end(void);

#endif
