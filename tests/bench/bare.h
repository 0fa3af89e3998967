/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.h - the bare verification of a signature by the library that this build uses for the
 * algorithm: what no verification of a token can do without.
 */
#ifndef PG_SESSION_JWT_BENCH_BARE_H
#define PG_SESSION_JWT_BENCH_BARE_H

#include "bench.h"

/* A library. Each failure ends the program. */
typedef struct bench_library {
    const char *backend; /* as sjwt_algorithm_info() has it */
    const char *name;    /* of the contender */
    /* The public key, ready for verifications. It lives as long as the program. */
    void *(*import)(const bench_key *key);
    /* Writes a JWS signature of len octets in the library's own form; returns its length. */
    size_t (*convert)(const uint8_t *signature, size_t len, uint8_t *out, size_t size);
    bool (*verify)(void *key, const uint8_t *message, size_t message_len, const uint8_t *signature,
                   size_t len);
} bench_library;

extern const bench_library bench_sodium;
extern const bench_library bench_mbedtls;
extern const bench_library bench_openssl;

/* What is verified: the signing input of a token, and its signature. */
typedef struct bench_bare {
    const bench_library *library;
    void *key;
    const char *message;
    size_t message_len;
    uint8_t signature[520];
    size_t signature_len;
} bench_bare;

/* The library that verifies the algorithm of the key in this build. */
const bench_library *bench_library_of(const bench_key *key);

/* key: what library->import() returned. The token must outlive the result. */
bench_bare bench_bare_of(const bench_library *library, void *key, const char *token);

void bench_bare_verify(const bench_bare *bare);

/* ---- forms of a public key --------------------------------------------- */

/* The size of the greatest SubjectPublicKeyInfo here. */
#define BENCH_INFO_SIZE 512
/* Where its last part, the key itself, begins. */
#define BENCH_RSA_INFO_HEAD 24
#define BENCH_P256_INFO_HEAD 26

bool bench_is_rsa(const bench_key *key);

/* SubjectPublicKeyInfo of an RSA key of 2048 bits or of a P-256 key; returns its length. */
size_t bench_public_key_info(const bench_key *key, uint8_t *der, size_t size);

/* The same as PEM. The caller frees it. */
char *bench_public_key_pem(const bench_key *key);

#endif
