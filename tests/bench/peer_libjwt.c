/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_libjwt.c - libjwt gets the key as PEM and parses it again for each token.
 */
#include "peers.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

/* libjwt 1.10 has neither EdDSA nor PSS. The key is only its PEM text: the benchmark does not use "kid". */
static void *import(const char *alg, const char *jwk, const char *pem)
{
    (void)jwk;
    return strcmp(alg, "EdDSA") == 0 || strcmp(alg, "PS256") == 0 ? NULL : strdup(pem);
}

static bool verify(void *key, const char *token, size_t len)
{
    jwt_t *jwt;

    (void)len;
    if (jwt_decode(&jwt, token, key, (int)strlen(key)) != 0)
        return false;
    jwt_free(jwt);
    return true;
}

const bench_peer bench_libjwt = {.name = "libjwt 1", .import = import, .verify = verify};
