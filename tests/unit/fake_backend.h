/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_backend.h - the crypto registry over one backend that computes nothing.
 *
 * It accepts a signature if each octet equals the first octet of the key. It returns any
 * status that a test selects. So each build tests the same rules of the core and each
 * error of a backend. Include it in one file of a program.
 */
#ifndef PG_SESSION_JWT_TESTS_FAKE_BACKEND_H
#define PG_SESSION_JWT_TESTS_FAKE_BACKEND_H

#define SJWT_CRYPTO_BACKEND_LIST(X) X(fake)
#define SJWT_CRYPTO_BACKEND_NAMES "fake"
#include "crypto/registry.c"

#include <stdlib.h>

/* The algorithms that this "build" does not verify. */
#define FAKE_LACKS                                                                                 \
    (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256K) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS384))

static struct {
    sjwt_crypto_status init, prepare, verify; /* SJWT_CRYPTO_OK: as described above */
    uint32_t refuses;                         /* algorithms for which prepare is BAD_KEY */
    size_t preparations, verifications;       /* number of calls */
    size_t handles;                           /* not yet released */
} fake;

static sjwt_crypto_status fake_init(void)
{
    return fake.init;
}

/* A block of memory, so that one that is lost or released twice is noticed. */
typedef struct fake_handle {
    const sjwt_crypto_key_octets *octets;
} fake_handle;

static sjwt_crypto_status fake_prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                       void **handle)
{
    fake.preparations++;
    if (fake.prepare != SJWT_CRYPTO_OK)
        return fake.prepare;
    if ((fake.refuses & SJWT_CRYPTO_BIT(alg)) != 0)
        return SJWT_CRYPTO_BAD_KEY;
    fake_handle *made = malloc(sizeof *made);
    if (made == NULL)
        return SJWT_CRYPTO_NO_MEMORY;
    made->octets = octets;
    *handle = made;
    fake.handles++;
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status fake_verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                      sjwt_crypto_span signature)
{
    const sjwt_crypto_key_octets *octets = ((const fake_handle *)key->handle)->octets;
    const sjwt_crypto_span *material = octets->type == SJWT_CRYPTO_KEY_RSA   ? &octets->n
                                       : octets->type == SJWT_CRYPTO_KEY_OCT ? &octets->k
                                                                             : &octets->x;
    (void)message;
    fake.verifications++;
    for (size_t i = 0; i < signature.len && fake.verify == SJWT_CRYPTO_OK; i++) {
        if (signature.data[i] != material->data[0])
            return SJWT_CRYPTO_BAD_SIGNATURE;
    }
    return fake.verify;
}

static void fake_release(void *handle)
{
    fake.handles--;
    free(handle);
}

const sjwt_crypto_backend sjwt_crypto_fake_backend = {
    .name = "fake",
    .verifies = (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_COUNT) - 1) & ~FAKE_LACKS,
    .init = fake_init,
    .prepare = fake_prepare,
    .verify = fake_verify,
    .release = fake_release,
};

/* Keys whose octets are all 'K' (y of an EC key: 'Y'; n of an RSA key: 0xCB, which is
 * odd and has its top bit set). */
#define K32 "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s"
#define Y32 "WVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVk"
#define OKP_KEY "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\""
#define EC_KEY "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\""
#define OCT_KEY "\"kty\":\"oct\",\"k\":\"" K32 "\""
#define CB12 "y8vLy8vLy8vLy8vL"
#define CB48 CB12 CB12 CB12 CB12
#define CB240 CB48 CB48 CB48 CB48 CB48
#define CB256 CB240 CB12 "y8vLyw"
#define RSA_KEY "\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AQAB\""

#endif
