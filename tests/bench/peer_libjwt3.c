/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_libjwt3.c - libjwt 3 keeps the key parsed and checks the times.
 */
#include "peers.h"

#include <jwt.h>
#include <string.h>

static void *import(const char *alg, const char *jwk, const char *pem)
{
    jwk_set_t *keys = jwks_create(jwk);
    jwt_checker_t *checker = jwt_checker_new();

    (void)pem;
    if (keys == NULL || jwks_error(keys) || checker == NULL ||
        jwt_checker_setkey(checker, jwt_str_alg(alg), jwks_item_get(keys, 0)) != 0)
        return NULL;
    return checker;
}

static bool verify(void *key, const char *token, size_t len)
{
    (void)len;
    return jwt_checker_verify(key, token) == 0;
}

const bench_peer bench_libjwt = {.name = "libjwt 3", .import = import, .verify = verify};
