/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <string.h>

/* What the rows of one family have in common. */
#define ECDSA(id, curve_id, octets)                                                                \
    [SJWT_CRYPTO_ALG_##id] = {.alg = SJWT_CRYPTO_ALG_##id,                                         \
                              .name = #id,                                                         \
                              .key_type = SJWT_CRYPTO_KEY_EC,                                      \
                              .curve = SJWT_CRYPTO_CURVE_##curve_id,                               \
                              .signature_len = 2 * (octets),                                       \
                              .coordinate_len = (octets)}

#define RSA(id)                                                                                    \
    [SJWT_CRYPTO_ALG_##id] = {.alg = SJWT_CRYPTO_ALG_##id,                                         \
                              .name = #id,                                                         \
                              .key_type = SJWT_CRYPTO_KEY_RSA,                                     \
                              .min_key_bits = 2048,                                                \
                              .max_key_bits = 4096}

/* The longest secret that every library takes (PSA: 65528 bits), so that a key
 * does not work in one build and not in another. */
#define MAX_SECRET_OCTETS 8191

#define HMAC(id, hash_octets)                                                                      \
    [SJWT_CRYPTO_ALG_##id] = {.alg = SJWT_CRYPTO_ALG_##id,                                         \
                              .name = #id,                                                         \
                              .key_type = SJWT_CRYPTO_KEY_OCT,                                     \
                              .signature_len = (hash_octets),                                      \
                              .min_key_bits = 8 * (hash_octets),                                   \
                              .max_key_bits = 8 * MAX_SECRET_OCTETS}

static const sjwt_crypto_algorithm algorithms[SJWT_CRYPTO_ALG_COUNT] = {
    [SJWT_CRYPTO_ALG_EDDSA] = {.alg = SJWT_CRYPTO_ALG_EDDSA,
                               .name = "EdDSA",
                               .alias = "Ed25519",
                               .key_type = SJWT_CRYPTO_KEY_OKP,
                               .curve = SJWT_CRYPTO_CURVE_ED25519,
                               .signature_len = 64,
                               .coordinate_len = 32},
    ECDSA(ES256, P256, 32),
    ECDSA(ES384, P384, 48),
    ECDSA(ES512, P521, 66),
    ECDSA(ES256K, SECP256K1, 32),
    RSA(RS256),
    RSA(RS384),
    RSA(RS512),
    RSA(PS256),
    RSA(PS384),
    RSA(PS512),
    HMAC(HS256, 32),
    HMAC(HS384, 48),
    HMAC(HS512, 64),
};

const sjwt_crypto_algorithm *sjwt_crypto_algorithm_get(sjwt_crypto_alg alg)
{
    return &algorithms[alg];
}

static bool is_named(const char *candidate, const char *name, size_t len)
{
    return candidate != NULL && strlen(candidate) == len && memcmp(candidate, name, len) == 0;
}

const sjwt_crypto_algorithm *sjwt_crypto_algorithm_find(const char *name, size_t len)
{
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (is_named(algorithms[i].name, name, len) || is_named(algorithms[i].alias, name, len))
            return &algorithms[i];
    }
    return NULL;
}

uint32_t sjwt_crypto_public_key_algorithms(void)
{
    uint32_t set = 0;

    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (algorithms[i].key_type != SJWT_CRYPTO_KEY_OCT)
            set |= SJWT_CRYPTO_BIT(algorithms[i].alg);
    }
    return set;
}
