/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_openssl.c - RSA and ECDSA by OpenSSL. The context with the key is made once; a
 * verification uses a copy of it up.
 */
#include "bare.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

typedef struct openssl_key {
    EVP_MD_CTX *prepared;
    EVP_MD_CTX *copy;
} openssl_key;

static void *import(const bench_key *key)
{
    openssl_key *imported = bench_allocate(sizeof(*imported));
    uint8_t der[BENCH_INFO_SIZE];
    const uint8_t *next = der;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &next, (long)bench_public_key_info(key, der, sizeof(der)));
    EVP_PKEY_CTX *context;

    imported->prepared = EVP_MD_CTX_new();
    imported->copy = EVP_MD_CTX_new();
    if (public == NULL || imported->prepared == NULL || imported->copy == NULL ||
        EVP_DigestVerifyInit(imported->prepared, &context, EVP_sha256(), NULL, public) != 1)
        bench_die("OpenSSL does not take a key for %s", key->alg);
    if (strcmp(key->alg, "PS256") == 0 &&
        (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1))
        bench_die("OpenSSL does not take the padding of PS256");
    EVP_PKEY_free(public);
    return imported;
}

/* R and S of ECDSA become DER; an RSA signature stays as it is. */
static size_t convert(const uint8_t *signature, size_t len, uint8_t *out, size_t size)
{
    ECDSA_SIG *numbers;
    int der_len;

    if (len > size)
        bench_die("a signature of %zu octets", len);
    memcpy(out, signature, len);
    if (len != 64)
        return len;
    numbers = ECDSA_SIG_new();
    if (numbers == NULL || ECDSA_SIG_set0(numbers, BN_bin2bn(signature, 32, NULL),
                                          BN_bin2bn(signature + 32, 32, NULL)) != 1)
        bench_die("OpenSSL does not take a signature");
    der_len = i2d_ECDSA_SIG(numbers, &out);
    ECDSA_SIG_free(numbers);
    return (size_t)der_len;
}

static bool verify(void *key, const uint8_t *message, size_t message_len, const uint8_t *signature,
                   size_t len)
{
    const openssl_key *imported = key;

    return EVP_MD_CTX_copy_ex(imported->copy, imported->prepared) == 1 &&
           EVP_DigestVerify(imported->copy, signature, len, message, message_len) == 1;
}

const bench_library bench_openssl = {.backend = "openssl",
                                     .name = "bare OpenSSL, context ready",
                                     .import = import,
                                     .convert = convert,
                                     .verify = verify};
