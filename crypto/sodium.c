/* libsodium: EdDSA (Ed25519), HS256, HS512. It has no RSA, no ECDSA, no SHA-384. */
#include "crypto/crypto.h"

#include <sodium.h>
#include <string.h>

static crypto_status init(void)
{
    return sodium_init() < 0 ? CRYPTO_INTERNAL : CRYPTO_OK;
}

/*
 * Is x the canonical encoding of a point on the curve whose order does not
 * divide the cofactor 8? The library's own predicate for points also wants the
 * prime-order subgroup, more than verification does (RFC 8032 section 5.1.7).
 */
static bool is_sound_point(const uint8_t x[crypto_core_ed25519_BYTES])
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

static crypto_status check_key(crypto_alg alg, const crypto_key *key)
{
    if (alg == CRYPTO_ALG_EDDSA && !is_sound_point(key->x.data))
        return CRYPTO_BAD_KEY;
    return CRYPTO_OK;
}

static crypto_status verify_eddsa(const crypto_key *key, crypto_span message, crypto_span signature)
{
    if (crypto_sign_verify_detached(signature.data, message.data, message.len, key->x.data) == 0)
        return CRYPTO_OK;
    /* The library does not say whose fault it was. */
    return is_sound_point(key->x.data) ? CRYPTO_BAD_SIGNATURE : CRYPTO_BAD_KEY;
}

/* crypto_auth_hmacsha*() and ..._verify() take keys of 32 octets alone; JWA's
 * have any length from the hash's up. */
static crypto_status verify_hs256(const crypto_key *key, crypto_span message, crypto_span signature)
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256_init(&state, key->k.data, key->k.len);
    crypto_auth_hmacsha256_update(&state, message.data, message.len);
    crypto_auth_hmacsha256_final(&state, mac);
    bool same = sodium_memcmp(mac, signature.data, sizeof mac) == 0;
    sodium_memzero(&state, sizeof state);
    sodium_memzero(mac, sizeof mac);
    return same ? CRYPTO_OK : CRYPTO_BAD_SIGNATURE;
}

static crypto_status verify_hs512(const crypto_key *key, crypto_span message, crypto_span signature)
{
    crypto_auth_hmacsha512_state state;
    uint8_t mac[crypto_auth_hmacsha512_BYTES];

    crypto_auth_hmacsha512_init(&state, key->k.data, key->k.len);
    crypto_auth_hmacsha512_update(&state, message.data, message.len);
    crypto_auth_hmacsha512_final(&state, mac);
    bool same = sodium_memcmp(mac, signature.data, sizeof mac) == 0;
    sodium_memzero(&state, sizeof state);
    sodium_memzero(mac, sizeof mac);
    return same ? CRYPTO_OK : CRYPTO_BAD_SIGNATURE;
}

static crypto_status verify(crypto_alg alg, const crypto_key *key, crypto_span message,
                            crypto_span signature)
{
    switch (alg) {
    case CRYPTO_ALG_EDDSA:
        return verify_eddsa(key, message, signature);
    case CRYPTO_ALG_HS256:
        return verify_hs256(key, message, signature);
    case CRYPTO_ALG_HS512:
        return verify_hs512(key, message, signature);
    default:
        return CRYPTO_INTERNAL;
    }
}

const crypto_backend crypto_sodium_backend = {
    .name = "sodium",
    .verifies =
        CRYPTO_BIT(CRYPTO_ALG_EDDSA) | CRYPTO_BIT(CRYPTO_ALG_HS256) | CRYPTO_BIT(CRYPTO_ALG_HS512),
    .init = init,
    .check_key = check_key,
    .verify = verify,
};
