/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openssl_lib.h - shared by verification and signing with OpenSSL. Internal to
 * openssl.c and openssl_sign.c.
 */
#ifndef PG_SESSION_JWT_CRYPTO_OPENSSL_LIB_H
#define PG_SESSION_JWT_CRYPTO_OPENSSL_LIB_H

#include "crypto/crypto.h"

#include <openssl/evp.h>

#include "crypto/sign.h"

/* A build for a validated module takes every algorithm from the provider "fips". */
#ifdef SJWT_CRYPTO_OPENSSL_FIPS
#define SJWT_CRYPTO_OPENSSL_NAME "openssl-fips"
#define SJWT_CRYPTO_OPENSSL_PROVIDER "fips"
#define SJWT_CRYPTO_OPENSSL_PROPERTIES "fips=yes"
#else
#define SJWT_CRYPTO_OPENSSL_NAME "openssl"
#define SJWT_CRYPTO_OPENSSL_PROVIDER "default"
#define SJWT_CRYPTO_OPENSSL_PROPERTIES NULL
#endif

/* OpenSSL's names for an algorithm's parts. */
typedef struct sjwt_crypto_openssl_names {
    const char *digest; /* NULL for EdDSA, which has its own hash */
    const char *group;  /* the curve of EC keys; otherwise NULL */
    bool is_pss;
} sjwt_crypto_openssl_names;

const sjwt_crypto_openssl_names *sjwt_crypto_openssl_get_names(sjwt_crypto_alg alg);

/*
 * Creates this backend's own library context, once in a process. Neither the server's
 * TLS nor a configuration file changes what the backend accepts, and the backend does
 * not change the server's TLS. Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_NO_MEMORY or
 * SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_openssl_init(void);

/*
 * Makes the library do what it does once in a process. Where an allocation fails in it, the
 * library does not try again: each later call is out of memory (3.0), or waits for ever (3.5 and
 * 3.6). So as much memory is asked for before, in one piece. Returns false if there is none, or
 * if the library has failed; call it again later. Called by sjwt_crypto_openssl_init().
 */
bool sjwt_crypto_openssl_begin_process(void);

/* Returns that context. Call sjwt_crypto_openssl_init() first. */
OSSL_LIB_CTX *sjwt_crypto_openssl_context(void);

/* Checks whether the provider has alg. Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_UNSUPPORTED or
 * SJWT_CRYPTO_NO_MEMORY. */
sjwt_crypto_status sjwt_crypto_openssl_probe(sjwt_crypto_alg alg);

/*
 * A function calls these before and after its calls of the library. Begin empties the
 * thread's error queue; it returns false if there is no memory for a queue. End
 * empties the queue again; it returns true if an allocation failed since begin.
 */
bool sjwt_crypto_openssl_begin(void);
bool sjwt_crypto_openssl_end(void);

/* Returns the library's key of these octets, which the caller frees; NULL if it has none. */
EVP_PKEY *sjwt_crypto_openssl_import(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets);

/* Writes the octets of pkey to buffer, the private ones if asked for. The spans of *key, whose
 * type and curve are set, point there. Returns false if the key lacks one. */
bool sjwt_crypto_openssl_take_key(const EVP_PKEY *pkey, bool with_private,
                                  sjwt_crypto_key_buffer *buffer, sjwt_crypto_private_key *key);

/* What the signer has as documents. */
extern const sjwt_crypto_documents sjwt_crypto_openssl_documents;

#endif
