/* SPDX-License-Identifier: Apache-2.0 */
/*
 * once.h - a key that is prepared for one question and released at once.
 */
#ifndef PG_SESSION_JWT_TESTS_ONCE_H
#define PG_SESSION_JWT_TESTS_ONCE_H

#include "crypto/crypto.h"

/* What preparing the key comes to. */
static inline sjwt_crypto_status check_key(sjwt_crypto_alg alg,
                                           const sjwt_crypto_key_octets *octets)
{
    sjwt_crypto_key key;
    sjwt_crypto_status status = sjwt_crypto_prepare(alg, octets, &key);

    if (status == SJWT_CRYPTO_OK)
        sjwt_crypto_release(&key);
    return status;
}

/* What preparing the key comes to, or else the verdict. */
static inline sjwt_crypto_status verify_once(sjwt_crypto_alg alg,
                                             const sjwt_crypto_key_octets *octets,
                                             sjwt_crypto_span message, sjwt_crypto_span signature)
{
    sjwt_crypto_key key;
    sjwt_crypto_status status = sjwt_crypto_prepare(alg, octets, &key);

    if (status != SJWT_CRYPTO_OK)
        return status;
    status = sjwt_crypto_verify(&key, message, signature);
    sjwt_crypto_release(&key);
    return status;
}

/* The same by one backend, whose library is initialized. */
static inline sjwt_crypto_status verify_once_by(const sjwt_crypto_backend *backend,
                                                sjwt_crypto_alg alg,
                                                const sjwt_crypto_key_octets *octets,
                                                sjwt_crypto_span message,
                                                sjwt_crypto_span signature)
{
    sjwt_crypto_key key = {.alg = alg, .octets = octets};
    sjwt_crypto_status status = backend->prepare(alg, octets, &key.handle);

    if (status != SJWT_CRYPTO_OK)
        return status;
    status = backend->verify(&key, message, signature);
    if (key.handle != NULL)
        backend->release(key.handle);
    return status;
}

static inline sjwt_crypto_status check_key_by(const sjwt_crypto_backend *backend,
                                              sjwt_crypto_alg alg,
                                              const sjwt_crypto_key_octets *octets)
{
    void *handle = NULL;
    sjwt_crypto_status status = backend->prepare(alg, octets, &handle);

    if (handle != NULL)
        backend->release(handle);
    return status;
}

#endif
