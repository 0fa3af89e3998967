/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_mbedtls.c - RSA and ECDSA by the PSA functions of mbedTLS.
 */
#include "bare.h"

#include <psa/crypto.h>
#include <string.h>

typedef struct psa_key {
    psa_key_id_t id;
    psa_algorithm_t algorithm;
} psa_key;

static psa_algorithm_t psa_algorithm(const bench_key *key)
{
    if (!bench_is_rsa(key))
        return PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    return strcmp(key->alg, "PS256") == 0 ? PSA_ALG_RSA_PSS(PSA_ALG_SHA_256)
                                          : PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256);
}

static void *import(const bench_key *key)
{
    const size_t head = bench_is_rsa(key) ? BENCH_RSA_INFO_HEAD : BENCH_P256_INFO_HEAD;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key *imported = bench_allocate(sizeof(*imported));
    uint8_t der[BENCH_INFO_SIZE];
    const size_t len = bench_public_key_info(key, der, sizeof(der));

    imported->algorithm = psa_algorithm(key);
    psa_set_key_type(&attributes, bench_is_rsa(key)
                                      ? PSA_KEY_TYPE_RSA_PUBLIC_KEY
                                      : PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_algorithm(&attributes, imported->algorithm);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
    if (psa_crypto_init() != PSA_SUCCESS ||
        psa_import_key(&attributes, der + head, len - head, &imported->id) != PSA_SUCCESS)
        bench_die("PSA does not take a key for %s", key->alg);
    return imported;
}

static bool verify(void *key, const uint8_t *message, size_t message_len, const uint8_t *signature,
                   size_t len)
{
    const psa_key *imported = key;

    return psa_verify_message(imported->id, imported->algorithm, message, message_len, signature,
                              len) == PSA_SUCCESS;
}

const bench_library bench_mbedtls = {
    .backend = "mbedtls", .name = "bare PSA, key imported", .import = import, .verify = verify};
