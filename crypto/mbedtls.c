/*
 * mbedTLS through the PSA crypto API alone, which 2.28, 3.x and TF-PSA-Crypto
 * share: RSA, ECDSA and HMAC. No version of it has Ed25519.
 */
#include "crypto/mbedtls_psa.h"

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
} names[SJWT_CRYPTO_ALG_COUNT] = {
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

/* Of the policy's largest: a modulus of 512 octets and an exponent of 8, each with
 * tag, length and a sign octet, and the SEQUENCE around them. An uncompressed
 * point of P-521 is far shorter. */
#define PUBLIC_KEY_SIZE (4 + (5 + 512) + (3 + 8))

sjwt_crypto_status sjwt_crypto_mbedtls_init(void)
{
    switch (psa_crypto_init()) {
    case PSA_SUCCESS:
        return SJWT_CRYPTO_OK;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return SJWT_CRYPTO_NO_MEMORY;
    default:
        return SJWT_CRYPTO_INTERNAL;
    }
}

psa_algorithm_t sjwt_crypto_mbedtls_algorithm(sjwt_crypto_alg alg)
{
    return names[alg].algorithm;
}

psa_key_type_t sjwt_crypto_mbedtls_key_type(sjwt_crypto_alg alg)
{
    return names[alg].key_type;
}

sjwt_crypto_status sjwt_crypto_mbedtls_import(psa_algorithm_t algorithm, psa_key_type_t type,
                                              psa_key_usage_t usage, sjwt_crypto_span octets,
                                              psa_key_id_t *id)
{
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&attributes, type);
    psa_set_key_algorithm(&attributes, algorithm);
    psa_set_key_usage_flags(&attributes, usage);
    switch (psa_import_key(&attributes, octets.data, octets.len, id)) {
    case PSA_SUCCESS:
        return SJWT_CRYPTO_OK;
    case PSA_ERROR_INVALID_ARGUMENT:
    /* The curve is one that is there, so it is the key: an RSA modulus of a
     * size between whole octets, say. */
    case PSA_ERROR_NOT_SUPPORTED:
        return SJWT_CRYPTO_BAD_KEY;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return SJWT_CRYPTO_NO_MEMORY;
    default:
        return SJWT_CRYPTO_INTERNAL;
    }
}

sjwt_crypto_status sjwt_crypto_mbedtls_release(psa_key_id_t id, sjwt_crypto_status status)
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

/* The key in PSA's form: in buffer, or where it is. */
static sjwt_crypto_span encode_key(const sjwt_crypto_key *key, uint8_t buffer[PUBLIC_KEY_SIZE])
{
    size_t len = 0;

    switch (key->type) {
    case SJWT_CRYPTO_KEY_OCT:
        return key->k;
    case SJWT_CRYPTO_KEY_RSA:
        len = sjwt_crypto_mbedtls_write_numbers((const sjwt_crypto_span[]){key->n, key->e}, 2,
                                                buffer, PUBLIC_KEY_SIZE);
        break;
    case SJWT_CRYPTO_KEY_EC:
        buffer[len++] = 0x04;
        memcpy(buffer + len, key->x.data, key->x.len);
        len += key->x.len;
        memcpy(buffer + len, key->y.data, key->y.len);
        len += key->y.len;
        break;
    case SJWT_CRYPTO_KEY_OKP:
        break;
    }
    return (sjwt_crypto_span){buffer, len};
}

static sjwt_crypto_status import_key(sjwt_crypto_alg alg, const sjwt_crypto_key *key,
                                     psa_key_id_t *id)
{
    uint8_t buffer[PUBLIC_KEY_SIZE];

    return sjwt_crypto_mbedtls_import(names[alg].algorithm, names[alg].key_type,
                                      PSA_KEY_USAGE_VERIFY_MESSAGE, encode_key(key, buffer), id);
}

static sjwt_crypto_status check_key(sjwt_crypto_alg alg, const sjwt_crypto_key *key)
{
    psa_key_id_t id;
    sjwt_crypto_status status = import_key(alg, key, &id);

    return status == SJWT_CRYPTO_OK ? sjwt_crypto_mbedtls_release(id, status) : status;
}

static sjwt_crypto_status verdict(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS:
        return SJWT_CRYPTO_OK;
    /* Key and algorithm have been accepted by the import. What is invalid is the
     * signature: a PSS encoding with a bit set above its length, say. */
    case PSA_ERROR_INVALID_ARGUMENT:
    case PSA_ERROR_INVALID_SIGNATURE:
        return SJWT_CRYPTO_BAD_SIGNATURE;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return SJWT_CRYPTO_NO_MEMORY;
    default:
        return SJWT_CRYPTO_INTERNAL;
    }
}

static sjwt_crypto_status verify(sjwt_crypto_alg alg, const sjwt_crypto_key *key,
                                 sjwt_crypto_span message, sjwt_crypto_span signature)
{
    /* RFC 8017 section 5.2.2 step 1. The library reports it as a fault of its own. */
    if (key->type == SJWT_CRYPTO_KEY_RSA && memcmp(signature.data, key->n.data, key->n.len) >= 0)
        return SJWT_CRYPTO_BAD_SIGNATURE;

    psa_key_id_t id;
    sjwt_crypto_status status = import_key(alg, key, &id);
    if (status != SJWT_CRYPTO_OK)
        return status;

    psa_status_t answer = key->type == SJWT_CRYPTO_KEY_OCT
                              ? psa_mac_verify(id, names[alg].algorithm, message.data, message.len,
                                               signature.data, signature.len)
                              : psa_verify_message(id, names[alg].algorithm, message.data,
                                                   message.len, signature.data, signature.len);
    return sjwt_crypto_mbedtls_release(id, verdict(answer));
}

const sjwt_crypto_backend sjwt_crypto_mbedtls_backend = {
    .name = "mbedtls",
    .verifies = SJWT_CRYPTO_MBEDTLS_ALGORITHMS,
    .init = sjwt_crypto_mbedtls_init,
    .check_key = check_key,
    .verify = verify,
};
