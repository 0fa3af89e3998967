/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crypto backend for tests of the layers above. It computes nothing and returns the
 * status that its arguments select, a number of enum sjwt_crypto_status. An extension
 * linked with it shows every failure of a library in the core and in the server:
 *   prepare    answers with the key's first octet (of x, n or k)
 *   verify     answers with the signature's first octet
 * A number that is not a status stands for SJWT_CRYPTO_OK for a key and for
 * SJWT_CRYPTO_BAD_SIGNATURE for a signature. The backend declares EdDSA, RS256 and HS256, so
 * that other algorithms are unsupported. It counts its handles; memory.c tells SQL how many
 * there are.
 */
#include "crypto/crypto.h"

#include <stdlib.h>

int fake_handle_count(void);

static int handles;

int fake_handle_count(void)
{
    return handles;
}

static sjwt_crypto_status init(void)
{
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status told(sjwt_crypto_span octets, sjwt_crypto_status otherwise)
{
    return octets.data[0] <= SJWT_CRYPTO_INTERNAL ? (sjwt_crypto_status)octets.data[0] : otherwise;
}

static sjwt_crypto_span first_octets(const sjwt_crypto_key_octets *key)
{
    switch (key->type) {
    case SJWT_CRYPTO_KEY_RSA:
        return key->n;
    case SJWT_CRYPTO_KEY_OCT:
        return key->k;
    default:
        return key->x;
    }
}

static sjwt_crypto_status prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *key,
                                  void **handle)
{
    sjwt_crypto_status status = told(first_octets(key), SJWT_CRYPTO_OK);

    (void)alg;
    if (status != SJWT_CRYPTO_OK)
        return status;
    /* Not malloc(), which memory.c lets fail. */
    *handle = calloc(1, 1);
    if (*handle == NULL)
        return SJWT_CRYPTO_NO_MEMORY;
    handles++;
    return SJWT_CRYPTO_OK;
}

static void release(void *handle)
{
    free(handle);
    handles--;
}

static sjwt_crypto_status verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                 sjwt_crypto_span signature)
{
    (void)key;
    (void)message;
    return told(signature, SJWT_CRYPTO_BAD_SIGNATURE);
}

const sjwt_crypto_backend sjwt_crypto_fake_backend = {
    .name = "fake",
    .verifies = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) |
                SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256),
    .init = init,
    .prepare = prepare,
    .verify = verify,
    .release = release,
};
