/* SPDX-License-Identifier: Apache-2.0 */
/* The signing half of sodium.c. */
#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

static sjwt_crypto_status init(void)
{
    return sodium_init() < 0 ? SJWT_CRYPTO_INTERNAL : SJWT_CRYPTO_OK;
}

/* Computes secret (the seed, then the public half) from the seed. */
static sjwt_crypto_status expand_seed(const sjwt_crypto_private_key *key,
                                      uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    sjwt_crypto_span x = key->public_key.x;

    if (crypto_sign_seed_keypair(public, secret, key->d.data) != 0)
        return SJWT_CRYPTO_INTERNAL;
    if (x.len != 0 && memcmp(x.data, public, sizeof public) != 0)
        return SJWT_CRYPTO_BAD_KEY;
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status sign_eddsa(const sjwt_crypto_private_key *key, sjwt_crypto_span message,
                                     uint8_t *signature)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    sjwt_crypto_status status = expand_seed(key, secret);

    if (status == SJWT_CRYPTO_OK &&
        crypto_sign_detached(signature, NULL, message.data, message.len, secret) != 0)
        status = SJWT_CRYPTO_INTERNAL;
    sodium_memzero(secret, sizeof secret);
    return status;
}

static void sign_hs256(sjwt_crypto_span secret, sjwt_crypto_span message, uint8_t *mac)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, secret.data, secret.len);
    crypto_auth_hmacsha256_update(&state, message.data, message.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

static void sign_hs512(sjwt_crypto_span secret, sjwt_crypto_span message, uint8_t *mac)
{
    crypto_auth_hmacsha512_state state;

    crypto_auth_hmacsha512_init(&state, secret.data, secret.len);
    crypto_auth_hmacsha512_update(&state, message.data, message.len);
    crypto_auth_hmacsha512_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

static sjwt_crypto_status sign(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                               sjwt_crypto_span message, uint8_t *signature, size_t len)
{
    (void)len;
    switch (alg) {
    case SJWT_CRYPTO_ALG_EDDSA:
        return sign_eddsa(key, message, signature);
    case SJWT_CRYPTO_ALG_HS256:
        sign_hs256(key->public_key.k, message, signature);
        return SJWT_CRYPTO_OK;
    case SJWT_CRYPTO_ALG_HS512:
        sign_hs512(key->public_key.k, message, signature);
        return SJWT_CRYPTO_OK;
    default:
        return SJWT_CRYPTO_INTERNAL;
    }
}

static sjwt_crypto_status derive_public(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                        sjwt_crypto_key_buffer *buffer,
                                        sjwt_crypto_key_octets *public_key)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    sjwt_crypto_status status = expand_seed(key, secret);

    (void)alg;
    if (status == SJWT_CRYPTO_OK) {
        memcpy(buffer->octets, secret + crypto_sign_SEEDBYTES, crypto_sign_PUBLICKEYBYTES);
        public_key->x = (sjwt_crypto_span){buffer->octets, crypto_sign_PUBLICKEYBYTES};
    }
    sodium_memzero(secret, sizeof secret);
    return status;
}

static sjwt_crypto_status generate(sjwt_crypto_alg alg, size_t bits, sjwt_crypto_key_buffer *buffer,
                                   sjwt_crypto_private_key *key)
{
    if (alg != SJWT_CRYPTO_ALG_EDDSA) {
        key->public_key.k = (sjwt_crypto_span){buffer->octets, bits / 8};
        randombytes_buf(buffer->octets, bits / 8);
        return SJWT_CRYPTO_OK;
    }

    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t *public = buffer->octets + crypto_sign_SEEDBYTES;
    sjwt_crypto_status status =
        crypto_sign_keypair(public, secret) == 0 ? SJWT_CRYPTO_OK : SJWT_CRYPTO_INTERNAL;
    memcpy(buffer->octets, secret, crypto_sign_SEEDBYTES);
    key->d = (sjwt_crypto_span){buffer->octets, crypto_sign_SEEDBYTES};
    key->public_key.x = (sjwt_crypto_span){public, crypto_sign_PUBLICKEYBYTES};
    sodium_memzero(secret, sizeof secret);
    return status;
}

const sjwt_crypto_signer sjwt_crypto_sodium_signer = {
    .name = "sodium",
    .signs = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) |
             SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS512),
    .init = init,
    .sign = sign,
    .generate = generate,
    .derive_public = derive_public,
};
