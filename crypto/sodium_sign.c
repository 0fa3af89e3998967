/* The signing half of sodium.c. */
#include "crypto/sign.h"

#include <sodium.h>
#include <string.h>

static crypto_status init(void)
{
    return sodium_init() < 0 ? CRYPTO_INTERNAL : CRYPTO_OK;
}

/* Fills secret (the seed and the public half) from the seed. */
static crypto_status expand_seed(const crypto_private_key *key,
                                 uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
    uint8_t public[crypto_sign_PUBLICKEYBYTES];
    crypto_span x = key->public_key.x;

    if (crypto_sign_seed_keypair(public, secret, key->d.data) != 0)
        return CRYPTO_INTERNAL;
    if (x.len != 0 && memcmp(x.data, public, sizeof public) != 0)
        return CRYPTO_BAD_KEY;
    return CRYPTO_OK;
}

static crypto_status sign_eddsa(const crypto_private_key *key, crypto_span message,
                                uint8_t *signature)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_status status = expand_seed(key, secret);

    if (status == CRYPTO_OK &&
        crypto_sign_detached(signature, NULL, message.data, message.len, secret) != 0)
        status = CRYPTO_INTERNAL;
    sodium_memzero(secret, sizeof secret);
    return status;
}

static void sign_hs256(crypto_span secret, crypto_span message, uint8_t *mac)
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, secret.data, secret.len);
    crypto_auth_hmacsha256_update(&state, message.data, message.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

static void sign_hs512(crypto_span secret, crypto_span message, uint8_t *mac)
{
    crypto_auth_hmacsha512_state state;

    crypto_auth_hmacsha512_init(&state, secret.data, secret.len);
    crypto_auth_hmacsha512_update(&state, message.data, message.len);
    crypto_auth_hmacsha512_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

static crypto_status sign(crypto_alg alg, const crypto_private_key *key, crypto_span message,
                          uint8_t *signature, size_t len)
{
    (void)len;
    switch (alg) {
    case CRYPTO_ALG_EDDSA:
        return sign_eddsa(key, message, signature);
    case CRYPTO_ALG_HS256:
        sign_hs256(key->public_key.k, message, signature);
        return CRYPTO_OK;
    case CRYPTO_ALG_HS512:
        sign_hs512(key->public_key.k, message, signature);
        return CRYPTO_OK;
    default:
        return CRYPTO_INTERNAL;
    }
}

static crypto_status derive_public(crypto_alg alg, const crypto_private_key *key,
                                   crypto_key_buffer *buffer, crypto_key *public_key)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    crypto_status status = expand_seed(key, secret);

    (void)alg;
    if (status == CRYPTO_OK) {
        memcpy(buffer->octets, secret + crypto_sign_SEEDBYTES, crypto_sign_PUBLICKEYBYTES);
        public_key->x = (crypto_span){buffer->octets, crypto_sign_PUBLICKEYBYTES};
    }
    sodium_memzero(secret, sizeof secret);
    return status;
}

static crypto_status generate(crypto_alg alg, size_t bits, crypto_key_buffer *buffer,
                              crypto_private_key *key)
{
    if (alg != CRYPTO_ALG_EDDSA) {
        key->public_key.k = (crypto_span){buffer->octets, bits / 8};
        randombytes_buf(buffer->octets, bits / 8);
        return CRYPTO_OK;
    }

    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t *public = buffer->octets + crypto_sign_SEEDBYTES;
    crypto_status status = crypto_sign_keypair(public, secret) == 0 ? CRYPTO_OK : CRYPTO_INTERNAL;
    memcpy(buffer->octets, secret, crypto_sign_SEEDBYTES);
    key->d = (crypto_span){buffer->octets, crypto_sign_SEEDBYTES};
    key->public_key.x = (crypto_span){public, crypto_sign_PUBLICKEYBYTES};
    sodium_memzero(secret, sizeof secret);
    return status;
}

const crypto_signer crypto_sodium_signer = {
    .name = "sodium",
    .signs =
        CRYPTO_BIT(CRYPTO_ALG_EDDSA) | CRYPTO_BIT(CRYPTO_ALG_HS256) | CRYPTO_BIT(CRYPTO_ALG_HS512),
    .init = init,
    .sign = sign,
    .generate = generate,
    .derive_public = derive_public,
};
