/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_cjose.c - cjose keeps the key prepared and checks no claims.
 */
#include "peers.h"

#include <cjose/cjose.h>
#include <string.h>

static void *import(const char *alg, const char *jwk, const char *pem)
{
    (void)pem;
    return strcmp(alg, "EdDSA") == 0 ? NULL : cjose_jwk_import(jwk, strlen(jwk), NULL);
}

static bool verify(void *key, const char *token, size_t len)
{
    cjose_jws_t *jws = cjose_jws_import(token, len, NULL);
    const bool valid = jws != NULL && cjose_jws_verify(jws, key, NULL);

    if (jws != NULL)
        cjose_jws_release(jws);
    return valid;
}

const bench_peer bench_cjose = {.name = "cjose", .import = import, .verify = verify};
