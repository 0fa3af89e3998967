/* SPDX-License-Identifier: Apache-2.0 */
/* libsodium: EdDSA (Ed25519), HS256, HS512. It has no RSA, no ECDSA, no SHA-384. */
#include "crypto/crypto.h"

#include <sodium.h>
#include <string.h>

static sjwt_crypto_status init(void)
{
    return sodium_init() < 0 ? SJWT_CRYPTO_INTERNAL : SJWT_CRYPTO_OK;
}

/*
 * Is x the canonical encoding of a point on the curve whose order does not
 * divide the cofactor 8? The library's own predicate for points also wants the
 * prime-order subgroup, more than verification does (RFC 8032 section 5.1.7).
 */
static bool is_valid_public_point(const uint8_t x[crypto_core_ed25519_BYTES])
{
    static const uint8_t identity[crypto_core_ed25519_BYTES] = {1};
    uint8_t point[crypto_core_ed25519_BYTES];

    if (crypto_core_ed25519_add(point, x, identity) != 0)
        return false;
    if (memcmp(point, x, sizeof point) != 0)
        return false;
    for (int i = 0; i < 3; i++) {
        if (crypto_core_ed25519_add(point, point, point) != 0)
            return false;
    }
    return memcmp(point, identity, sizeof point) != 0;
}

/* The octets are all that the library wants: no handle. */
static sjwt_crypto_status prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                  void **handle)
{
    (void)handle;
    if (alg == SJWT_CRYPTO_ALG_EDDSA && !is_valid_public_point(octets->x.data))
        return SJWT_CRYPTO_BAD_KEY;
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status verify_eddsa(const sjwt_crypto_key_octets *key, sjwt_crypto_span message,
                                       sjwt_crypto_span signature)
{
    return crypto_sign_verify_detached(signature.data, message.data, message.len, key->x.data) == 0
               ? SJWT_CRYPTO_OK
               : SJWT_CRYPTO_BAD_SIGNATURE;
}

/* crypto_auth_hmacsha*() and ..._verify() take only keys of 32 octets; a key of
 * RFC 7518 is at least as long as the hash. */
static sjwt_crypto_status verify_hs256(const sjwt_crypto_key_octets *key, sjwt_crypto_span message,
                                       sjwt_crypto_span signature)
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256_init(&state, key->k.data, key->k.len);
    crypto_auth_hmacsha256_update(&state, message.data, message.len);
    crypto_auth_hmacsha256_final(&state, mac);
    bool same = sodium_memcmp(mac, signature.data, sizeof mac) == 0;
    sodium_memzero(&state, sizeof state);
    sodium_memzero(mac, sizeof mac);
    return same ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_SIGNATURE;
}

static sjwt_crypto_status verify_hs512(const sjwt_crypto_key_octets *key, sjwt_crypto_span message,
                                       sjwt_crypto_span signature)
{
    crypto_auth_hmacsha512_state state;
    uint8_t mac[crypto_auth_hmacsha512_BYTES];

    crypto_auth_hmacsha512_init(&state, key->k.data, key->k.len);
    crypto_auth_hmacsha512_update(&state, message.data, message.len);
    crypto_auth_hmacsha512_final(&state, mac);
    bool same = sodium_memcmp(mac, signature.data, sizeof mac) == 0;
    sodium_memzero(&state, sizeof state);
    sodium_memzero(mac, sizeof mac);
    return same ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_SIGNATURE;
}

static sjwt_crypto_status verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                 sjwt_crypto_span signature)
{
    switch (key->alg) {
    case SJWT_CRYPTO_ALG_EDDSA:
        return verify_eddsa(key->octets, message, signature);
    case SJWT_CRYPTO_ALG_HS256:
        return verify_hs256(key->octets, message, signature);
    case SJWT_CRYPTO_ALG_HS512:
        return verify_hs512(key->octets, message, signature);
    default:
        return SJWT_CRYPTO_INTERNAL;
    }
}

const sjwt_crypto_backend sjwt_crypto_sodium_backend = {
    .name = "sodium",
    .verifies = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) |
                SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS512),
    .init = init,
    .prepare = prepare,
    .verify = verify,
};
