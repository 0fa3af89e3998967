/*
 * A crypto backend for tests of what stands above: it computes nothing and
 * answers with the status that its arguments name, a number of enum
 * crypto_status. An extension linked with it shows every failure of a library
 * through the core and in the server:
 *   check_key  answers with the key's first octet (of x, n or k)
 *   verify     answers with the signature's first octet
 * and a number that is no status is CRYPTO_OK for a key, CRYPTO_BAD_SIGNATURE
 * for a signature. It serves EdDSA, RS256 and HS256, so that others are
 * unsupported.
 */
#include "crypto/crypto.h"

static crypto_status init(void)
{
    return CRYPTO_OK;
}

static crypto_status told(crypto_span octets, crypto_status otherwise)
{
    return octets.data[0] <= CRYPTO_INTERNAL ? (crypto_status)octets.data[0] : otherwise;
}

static crypto_status check_key(crypto_alg alg, const crypto_key *key)
{
    (void)alg;
    switch (key->type) {
    case CRYPTO_KEY_RSA:
        return told(key->n, CRYPTO_OK);
    case CRYPTO_KEY_OCT:
        return told(key->k, CRYPTO_OK);
    default:
        return told(key->x, CRYPTO_OK);
    }
}

static crypto_status verify(crypto_alg alg, const crypto_key *key, crypto_span message,
                            crypto_span signature)
{
    (void)alg;
    (void)key;
    (void)message;
    return told(signature, CRYPTO_BAD_SIGNATURE);
}

const crypto_backend crypto_fake_backend = {
    .name = "fake",
    .verifies =
        CRYPTO_BIT(CRYPTO_ALG_EDDSA) | CRYPTO_BIT(CRYPTO_ALG_RS256) | CRYPTO_BIT(CRYPTO_ALG_HS256),
    .init = init,
    .check_key = check_key,
    .verify = verify,
};
