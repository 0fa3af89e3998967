/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbedTLS through the PSA crypto API alone, which 2.28, 3.x and TF-PSA-Crypto
 * share: RSA, ECDSA and HMAC. No version of it has Ed25519.
 */
#include "crypto/mbedtls_psa.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PKCS1(bits) PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_##bits)
/* Takes a salt exactly as long as the hash, as RFC 7518 section 3.5 wants it. */
#define PSS(bits) PSA_ALG_RSA_PSS(PSA_ALG_SHA_##bits)
#define ECDSA(bits) PSA_ALG_ECDSA(PSA_ALG_SHA_##bits)
#define HMAC(bits) PSA_ALG_HMAC(PSA_ALG_SHA_##bits)

#define RSA_KEY PSA_KEY_TYPE_RSA_PUBLIC_KEY
#define NIST_KEY PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1)
#define KOBLITZ_KEY PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_K1)

static const struct {
    psa_algorithm_t algorithm;
    psa_key_type_t key_type;
} psa_algorithms[SJWT_CRYPTO_ALG_COUNT] = {
    [SJWT_CRYPTO_ALG_ES256] = {ECDSA(256), NIST_KEY},
    [SJWT_CRYPTO_ALG_ES384] = {ECDSA(384), NIST_KEY},
    [SJWT_CRYPTO_ALG_ES512] = {ECDSA(512), NIST_KEY},
    [SJWT_CRYPTO_ALG_ES256K] = {ECDSA(256), KOBLITZ_KEY},
    [SJWT_CRYPTO_ALG_RS256] = {PKCS1(256), RSA_KEY},
    [SJWT_CRYPTO_ALG_RS384] = {PKCS1(384), RSA_KEY},
    [SJWT_CRYPTO_ALG_RS512] = {PKCS1(512), RSA_KEY},
    [SJWT_CRYPTO_ALG_PS256] = {PSS(256), RSA_KEY},
    [SJWT_CRYPTO_ALG_PS384] = {PSS(384), RSA_KEY},
    [SJWT_CRYPTO_ALG_PS512] = {PSS(512), RSA_KEY},
    [SJWT_CRYPTO_ALG_HS256] = {HMAC(256), PSA_KEY_TYPE_HMAC},
    [SJWT_CRYPTO_ALG_HS384] = {HMAC(384), PSA_KEY_TYPE_HMAC},
    [SJWT_CRYPTO_ALG_HS512] = {HMAC(512), PSA_KEY_TYPE_HMAC},
};

/* The largest encoded key: an RSA modulus of 512 octets and an exponent of 8, each
 * with tag, length and a sign octet, and the SEQUENCE around them. An uncompressed
 * point of P-521 is far shorter. */
#define PUBLIC_KEY_SIZE (4 + (5 + 512) + (3 + 8))

/* The library's key store is not safe for several threads, see crypto.h. */
static pthread_mutex_t key_store = PTHREAD_MUTEX_INITIALIZER;

sjwt_crypto_status sjwt_crypto_mbedtls_map_status(psa_status_t answer)
{
    if (answer == PSA_SUCCESS)
        return SJWT_CRYPTO_OK;
    return answer == PSA_ERROR_INSUFFICIENT_MEMORY || errno == ENOMEM ? SJWT_CRYPTO_NO_MEMORY
                                                                      : SJWT_CRYPTO_INTERNAL;
}

sjwt_crypto_status sjwt_crypto_mbedtls_init(void)
{
    errno = 0;
    return sjwt_crypto_mbedtls_map_status(psa_crypto_init());
}

psa_algorithm_t sjwt_crypto_mbedtls_algorithm(sjwt_crypto_alg alg)
{
    return psa_algorithms[alg].algorithm;
}

psa_key_type_t sjwt_crypto_mbedtls_key_type(sjwt_crypto_alg alg)
{
    return psa_algorithms[alg].key_type;
}

sjwt_crypto_status sjwt_crypto_mbedtls_import(psa_algorithm_t algorithm, psa_key_type_t type,
                                              psa_key_usage_t usage, sjwt_crypto_span octets,
                                              psa_key_id_t *id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&attributes, type);
    psa_set_key_algorithm(&attributes, algorithm);
    psa_set_key_usage_flags(&attributes, usage);
    errno = 0;
    psa_status_t answer = psa_import_key(&attributes, octets.data, octets.len, id);
    sjwt_crypto_status status = sjwt_crypto_mbedtls_map_status(answer);
    /* "Not supported" is the key's fault as well, since the curve is one that the library
     * has: an RSA modulus whose size is not whole octets. */
    if (status == SJWT_CRYPTO_INTERNAL &&
        (answer == PSA_ERROR_INVALID_ARGUMENT || answer == PSA_ERROR_NOT_SUPPORTED))
        status = SJWT_CRYPTO_BAD_KEY;
    return status;
}

sjwt_crypto_status sjwt_crypto_mbedtls_destroy(psa_key_id_t id, sjwt_crypto_status status)
{
    return psa_destroy_key(id) == PSA_SUCCESS ? status : SJWT_CRYPTO_INTERNAL;
}

/* The octets of a DER header in front of len octets. */
static size_t header_size(size_t len)
{
    return len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
}

static uint8_t *write_header(uint8_t *out, uint8_t tag, size_t len)
{
    *out++ = tag;
    if (len >= 0x100) {
        *out++ = 0x82;
        *out++ = (uint8_t)(len >> 8);
    } else if (len >= 0x80) {
        *out++ = 0x81;
    }
    *out++ = (uint8_t)len;
    return out;
}

/* A set top bit would be read as a minus sign. */
static size_t integer_length(sjwt_crypto_span number)
{
    return number.len + (number.data[0] >> 7);
}

size_t sjwt_crypto_mbedtls_write_numbers(const sjwt_crypto_span *numbers, size_t count,
                                         uint8_t *der, size_t size)
{
    size_t content = 0;

    for (size_t i = 0; i < count; i++)
        content += header_size(integer_length(numbers[i])) + integer_length(numbers[i]);
    if (header_size(content) + content > size)
        return 0;

    uint8_t *out = write_header(der, 0x30, content);
    for (size_t i = 0; i < count; i++) {
        out = write_header(out, 0x02, integer_length(numbers[i]));
        if (integer_length(numbers[i]) > numbers[i].len)
            *out++ = 0;
        memcpy(out, numbers[i].data, numbers[i].len);
        out += numbers[i].len;
    }
    return (size_t)(out - der);
}

/* What prepare makes: the key in PSA's form. 2.28 has 32 places for volatile keys,
 * so that a key is in the library's store just while it verifies. */
typedef struct encoded_key {
    size_t len;
    uint8_t octets[];
} encoded_key;

static size_t encode_point(const sjwt_crypto_key_octets *key, uint8_t *out)
{
    out[0] = 0x04; /* SEC 1 section 2.3.3: uncompressed */
    memcpy(out + 1, key->x.data, key->x.len);
    memcpy(out + 1 + key->x.len, key->y.data, key->y.len);
    return 1 + key->x.len + key->y.len;
}

static size_t encode_public_key(const sjwt_crypto_key_octets *key, uint8_t out[PUBLIC_KEY_SIZE])
{
    if (key->type == SJWT_CRYPTO_KEY_RSA)
        return sjwt_crypto_mbedtls_write_numbers((const sjwt_crypto_span[]){key->n, key->e}, 2, out,
                                                 PUBLIC_KEY_SIZE);
    return encode_point(key, out);
}

/* NULL when there is no memory. */
static encoded_key *encode_key(const sjwt_crypto_key_octets *key)
{
    uint8_t octets[PUBLIC_KEY_SIZE];
    size_t len = encode_public_key(key, octets);
    encoded_key *encoded = malloc(sizeof *encoded + len);

    if (encoded != NULL) {
        encoded->len = len;
        memcpy(encoded->octets, octets, len);
    }
    return encoded;
}

static sjwt_crypto_status import_key(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                     const encoded_key *encoded, psa_key_id_t *id)
{
    sjwt_crypto_span form = octets->k;

    if (encoded != NULL)
        form = (sjwt_crypto_span){encoded->octets, encoded->len};
    return sjwt_crypto_mbedtls_import(psa_algorithms[alg].algorithm, psa_algorithms[alg].key_type,
                                      PSA_KEY_USAGE_VERIFY_MESSAGE, form, id);
}

static sjwt_crypto_status prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                  void **handle)
{
    encoded_key *encoded = NULL;
    psa_key_id_t id;

    /* A secret is in PSA's form already, and need not be copied. */
    if (octets->type != SJWT_CRYPTO_KEY_OCT && (encoded = encode_key(octets)) == NULL)
        return SJWT_CRYPTO_NO_MEMORY;

    pthread_mutex_lock(&key_store);
    sjwt_crypto_status status = import_key(alg, octets, encoded, &id);
    if (status == SJWT_CRYPTO_OK)
        status = sjwt_crypto_mbedtls_destroy(id, status);
    pthread_mutex_unlock(&key_store);

    if (status == SJWT_CRYPTO_OK)
        *handle = encoded;
    else
        free(encoded);
    return status;
}

static sjwt_crypto_status verify_with(psa_key_id_t id, sjwt_crypto_alg alg,
                                      sjwt_crypto_span message, sjwt_crypto_span signature)
{
    psa_algorithm_t algorithm = psa_algorithms[alg].algorithm;

    errno = 0;
    psa_status_t answer = PSA_ALG_IS_MAC(algorithm)
                              ? psa_mac_verify(id, algorithm, message.data, message.len,
                                               signature.data, signature.len)
                              : psa_verify_message(id, algorithm, message.data, message.len,
                                                   signature.data, signature.len);
    sjwt_crypto_status status = sjwt_crypto_mbedtls_map_status(answer);
    /* The import has accepted key and algorithm. An invalid argument is the signature:
     * a PSS encoding with a bit set above its length, say. */
    if (status == SJWT_CRYPTO_INTERNAL &&
        (answer == PSA_ERROR_INVALID_SIGNATURE || answer == PSA_ERROR_INVALID_ARGUMENT))
        status = SJWT_CRYPTO_BAD_SIGNATURE;
    return status;
}

static sjwt_crypto_status verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                 sjwt_crypto_span signature)
{
    const sjwt_crypto_key_octets *octets = key->octets;

    /* RFC 8017 section 5.2.2 step 1. The library reports it as a failure of its own. */
    if (octets->type == SJWT_CRYPTO_KEY_RSA &&
        memcmp(signature.data, octets->n.data, octets->n.len) >= 0)
        return SJWT_CRYPTO_BAD_SIGNATURE;

    psa_key_id_t id;
    pthread_mutex_lock(&key_store);
    sjwt_crypto_status status = import_key(key->alg, octets, key->handle, &id);
    if (status == SJWT_CRYPTO_OK)
        status = sjwt_crypto_mbedtls_destroy(id, verify_with(id, key->alg, message, signature));
    /* The same octets were imported by prepare: what is missing now is memory. */
    else if (status == SJWT_CRYPTO_BAD_KEY)
        status = SJWT_CRYPTO_NO_MEMORY;
    pthread_mutex_unlock(&key_store);
    return status;
}

const sjwt_crypto_backend sjwt_crypto_mbedtls_backend = {
    .name = "mbedtls",
    .verifies = SJWT_CRYPTO_MBEDTLS_ALGORITHMS,
    .init = sjwt_crypto_mbedtls_init,
    .prepare = prepare,
    .verify = verify,
    .release = free,
};
