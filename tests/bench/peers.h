/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - other libraries that verify a token. Each is measured if its development package
 * is installed.
 */
#ifndef PG_SESSION_JWT_BENCH_PEERS_H
#define PG_SESSION_JWT_BENCH_PEERS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bench_peer {
    const char *name;
    /* Readies a key: its public half as a JWK and as PEM, NUL-terminated both.
     * NULL where the library cannot. */
    void *(*import)(const char *alg, const char *jwk, const char *pem);
    /* The complete verification of a token's text. */
    bool (*verify)(void *key, const char *token, size_t len);
} bench_peer;

#ifdef BENCH_LIBJWT
extern const bench_peer bench_libjwt;
#endif
#ifdef BENCH_CJOSE
extern const bench_peer bench_cjose;
#endif

#endif
