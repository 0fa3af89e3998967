/* SPDX-License-Identifier: Apache-2.0 */
/* The signing half of mbedtls.c. */
#include "crypto/mbedtls_psa.h"
#include "crypto/sign.h"

#include <errno.h>
#include <string.h>

/* RSAPrivateKey, RFC 8017 appendix A.1.2: version and eight numbers. */
#define RSA_NUMBERS 9

static const uint8_t two_primes[] = {0};

/* ECDSA needs RFC 6979, see signing_algorithm(). */
#ifdef PSA_WANT_ALG_DETERMINISTIC_ECDSA
#define SIGNED SJWT_CRYPTO_MBEDTLS_ALGORITHMS
#else
#define SIGNED (SJWT_CRYPTO_MBEDTLS_ALGORITHMS & ~SJWT_CRYPTO_MBEDTLS_ECDSA)
#endif

static psa_key_type_t pair_type(sjwt_crypto_alg alg)
{
    return PSA_KEY_TYPE_KEY_PAIR_OF_PUBLIC_KEY(sjwt_crypto_mbedtls_key_type(alg));
}

/*
 * RFC 6979 for ECDSA. fork() copies the state of the library's random generator.
 * Two processes would sign with the same nonce, and two such signatures reveal the
 * private key. The same algorithm verifies deterministic and random signatures.
 */
static psa_algorithm_t signing_algorithm(sjwt_crypto_alg alg)
{
    psa_algorithm_t algorithm = sjwt_crypto_mbedtls_algorithm(alg);

    if (PSA_ALG_IS_ECDSA(algorithm))
        return PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SIGN_GET_HASH(algorithm));
    return algorithm;
}

static sjwt_crypto_status import_secret(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                        psa_key_id_t *id)
{
    return sjwt_crypto_mbedtls_import(signing_algorithm(alg), PSA_KEY_TYPE_HMAC,
                                      PSA_KEY_USAGE_SIGN_MESSAGE, key->public_key.k, id);
}

static sjwt_crypto_status import_rsa(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                     psa_key_id_t *id)
{
    const sjwt_crypto_key_octets *public = &key->public_key;
    const sjwt_crypto_span numbers[RSA_NUMBERS] = {{two_primes, sizeof two_primes},
                                                   public->n,
                                                   public->e,
                                                   key->d,
                                                   key->p,
                                                   key->q,
                                                   key->dp,
                                                   key->dq,
                                                   key->qi};
    uint8_t der[SJWT_CRYPTO_KEY_BUFFER_SIZE];
    size_t len = sjwt_crypto_mbedtls_write_numbers(numbers, RSA_NUMBERS, der, sizeof der);
    sjwt_crypto_status status = SJWT_CRYPTO_BAD_KEY;

    if (len != 0)
        status = sjwt_crypto_mbedtls_import(signing_algorithm(alg), pair_type(alg),
                                            PSA_KEY_USAGE_SIGN_MESSAGE,
                                            (sjwt_crypto_span){der, len}, id);
    sjwt_crypto_wipe(der, sizeof der);
    return status;
}

/* Exports the key's point to octets. The spans of *public_key point there. */
static sjwt_crypto_status export_point(psa_key_id_t id, size_t coordinate_len, uint8_t *octets,
                                       size_t size, sjwt_crypto_key_octets *public_key)
{
    size_t len = 0;

    errno = 0;
    sjwt_crypto_status status =
        sjwt_crypto_mbedtls_map_status(psa_export_public_key(id, octets, size, &len));

    if (status == SJWT_CRYPTO_OK && (len != 1 + 2 * coordinate_len || octets[0] != 0x04))
        status = SJWT_CRYPTO_INTERNAL;
    if (status == SJWT_CRYPTO_OK) {
        public_key->x = (sjwt_crypto_span){octets + 1, coordinate_len};
        public_key->y = (sjwt_crypto_span){octets + 1 + coordinate_len, coordinate_len};
    }
    return status;
}

static bool is_same(sjwt_crypto_span a, sjwt_crypto_span b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Imports d and derives *public_key. If key has coordinates, they must be the same. */
static sjwt_crypto_status import_ec(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                    sjwt_crypto_key_buffer *buffer,
                                    sjwt_crypto_key_octets *public_key, psa_key_id_t *id)
{
    sjwt_crypto_status status = sjwt_crypto_mbedtls_import(signing_algorithm(alg), pair_type(alg),
                                                           PSA_KEY_USAGE_SIGN_MESSAGE, key->d, id);
    if (status != SJWT_CRYPTO_OK)
        return status;

    status = export_point(*id, key->d.len, buffer->octets, sizeof buffer->octets, public_key);
    if (status == SJWT_CRYPTO_OK && key->public_key.x.len != 0 &&
        !(is_same(key->public_key.x, public_key->x) && is_same(key->public_key.y, public_key->y)))
        status = SJWT_CRYPTO_BAD_KEY;
    if (status != SJWT_CRYPTO_OK)
        sjwt_crypto_mbedtls_destroy(*id, status);
    return status;
}

/* The library verifies an RSA signature with (n, e) before it returns it. If the primes do not
 * belong to n, 3.6 may fail earlier, as if it got no random numbers: ten blinding values that
 * have no inverse. So random numbers are asked for once more. */
static bool do_parts_not_match(psa_status_t answer)
{
    uint8_t random;

    return answer == PSA_ERROR_INVALID_SIGNATURE ||
           ((answer == PSA_ERROR_INSUFFICIENT_ENTROPY || answer == PSA_ERROR_CORRUPTION_DETECTED) &&
            psa_generate_random(&random, sizeof random) == PSA_SUCCESS);
}

static sjwt_crypto_status sign(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                               sjwt_crypto_span message, uint8_t *signature, size_t len)
{
    sjwt_crypto_key_buffer point;
    sjwt_crypto_key_octets public_key;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    sjwt_crypto_status status = SJWT_CRYPTO_BAD_KEY;

    switch (key->public_key.type) {
    case SJWT_CRYPTO_KEY_OCT:
        status = import_secret(alg, key, &id);
        break;
    case SJWT_CRYPTO_KEY_RSA:
        status = import_rsa(alg, key, &id);
        break;
    case SJWT_CRYPTO_KEY_EC:
        status = import_ec(alg, key, &point, &public_key, &id);
        break;
    case SJWT_CRYPTO_KEY_OKP:
        break;
    }
    if (status != SJWT_CRYPTO_OK)
        return status;

    psa_algorithm_t algorithm = signing_algorithm(alg);
    size_t made = 0;
    errno = 0;
    psa_status_t answer =
        key->public_key.type == SJWT_CRYPTO_KEY_OCT
            ? psa_mac_compute(id, algorithm, message.data, message.len, signature, len, &made)
            : psa_sign_message(id, algorithm, message.data, message.len, signature, len, &made);
    status = sjwt_crypto_mbedtls_map_status(answer);
    if (status == SJWT_CRYPTO_INTERNAL && key->public_key.type == SJWT_CRYPTO_KEY_RSA &&
        do_parts_not_match(answer))
        status = SJWT_CRYPTO_BAD_KEY;
    if (status == SJWT_CRYPTO_OK && made != len)
        status = SJWT_CRYPTO_INTERNAL;
    return sjwt_crypto_mbedtls_destroy(id, status);
}

static sjwt_crypto_status derive_public(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                        sjwt_crypto_key_buffer *buffer,
                                        sjwt_crypto_key_octets *public_key)
{
    if (key->public_key.type == SJWT_CRYPTO_KEY_RSA) {
        /* The import checks little. A test signature shows that both halves match. */
        sjwt_crypto_status status =
            sign(alg, key, (sjwt_crypto_span){two_primes, sizeof two_primes}, buffer->octets,
                 key->public_key.n.len);
        public_key->n = key->public_key.n;
        public_key->e = key->public_key.e;
        return status;
    }

    psa_key_id_t id;
    sjwt_crypto_status status = import_ec(alg, key, buffer, public_key, &id);
    return status == SJWT_CRYPTO_OK ? sjwt_crypto_mbedtls_destroy(id, status) : status;
}

/* Skips a DER header with this tag in *in. Returns the content's length in octets, or 0
 * if there is no such header or the content does not fit into *in. */
static size_t read_header(sjwt_crypto_span *in, uint8_t tag)
{
    if (in->len < 2 || in->data[0] != tag)
        return 0;

    size_t len = in->data[1];
    size_t header = 2;
    if (len >= 0x80) {
        header += len & 0x7f;
        if (header > 4 || header > in->len)
            return 0;
        len = 0;
        for (size_t i = 2; i < header; i++)
            len = len << 8 | in->data[i];
    }
    if (len > in->len - header)
        return 0;
    in->data += header;
    in->len -= header;
    return len;
}

/* Points numbers at the content of der, an RSAPrivateKey, without leading zeros. */
static sjwt_crypto_status read_rsa(sjwt_crypto_span der, sjwt_crypto_span numbers[RSA_NUMBERS])
{
    if (read_header(&der, 0x30) != der.len)
        return SJWT_CRYPTO_INTERNAL;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        size_t len = read_header(&der, 0x02);
        if (len == 0)
            return SJWT_CRYPTO_INTERNAL;
        numbers[i] = (sjwt_crypto_span){der.data, len};
        while (numbers[i].len > 1 && numbers[i].data[0] == 0) {
            numbers[i].data++;
            numbers[i].len--;
        }
        der.data += len;
        der.len -= len;
    }
    return der.len == 0 ? SJWT_CRYPTO_OK : SJWT_CRYPTO_INTERNAL;
}

static sjwt_crypto_status export_pair(sjwt_crypto_alg alg, psa_key_id_t id,
                                      sjwt_crypto_key_buffer *buffer, sjwt_crypto_private_key *key)
{
    size_t len = 0;

    errno = 0;
    sjwt_crypto_status status = sjwt_crypto_mbedtls_map_status(
        psa_export_key(id, buffer->octets, sizeof buffer->octets, &len));

    if (status != SJWT_CRYPTO_OK)
        return status;
    if (key->public_key.type == SJWT_CRYPTO_KEY_EC) {
        key->d = (sjwt_crypto_span){buffer->octets, len};
        return export_point(id, sjwt_crypto_algorithm_get(alg)->coordinate_len,
                            buffer->octets + len, sizeof buffer->octets - len, &key->public_key);
    }

    sjwt_crypto_span numbers[RSA_NUMBERS];
    status = read_rsa((sjwt_crypto_span){buffer->octets, len}, numbers);
    if (status == SJWT_CRYPTO_OK) {
        key->public_key.n = numbers[1];
        key->public_key.e = numbers[2];
        key->d = numbers[3];
        key->p = numbers[4];
        key->q = numbers[5];
        key->dp = numbers[6];
        key->dq = numbers[7];
        key->qi = numbers[8];
    }
    return status;
}

/* Returns the curve's size in bits. That of P-521 is not a multiple of 8. */
static size_t curve_bits(sjwt_crypto_alg alg)
{
    return alg == SJWT_CRYPTO_ALG_ES512 ? 521 : 8 * sjwt_crypto_algorithm_get(alg)->coordinate_len;
}

static sjwt_crypto_status generate(sjwt_crypto_alg alg, size_t bits, sjwt_crypto_key_buffer *buffer,
                                   sjwt_crypto_private_key *key)
{
    if (key->public_key.type == SJWT_CRYPTO_KEY_OCT) {
        key->public_key.k = (sjwt_crypto_span){buffer->octets, bits / 8};
        errno = 0;
        return sjwt_crypto_mbedtls_map_status(psa_generate_random(buffer->octets, bits / 8));
    }

    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, pair_type(alg));
    psa_set_key_bits(&attributes, bits != 0 ? bits : curve_bits(alg));
    psa_set_key_algorithm(&attributes, signing_algorithm(alg));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_EXPORT);

    psa_key_id_t id;
    errno = 0;
    sjwt_crypto_status status = sjwt_crypto_mbedtls_map_status(psa_generate_key(&attributes, &id));
    if (status != SJWT_CRYPTO_OK)
        return status;
    return sjwt_crypto_mbedtls_destroy(id, export_pair(alg, id, buffer, key));
}

const sjwt_crypto_signer sjwt_crypto_mbedtls_signer = {
    .name = "mbedtls",
    .signs = SIGNED,
    .rfc6979 = SIGNED & SJWT_CRYPTO_MBEDTLS_ECDSA,
    .init = sjwt_crypto_mbedtls_init,
    .sign = sign,
    .generate = generate,
    .derive_public = derive_public,
};
