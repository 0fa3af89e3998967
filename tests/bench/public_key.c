/* SPDX-License-Identifier: Apache-2.0 */
/*
 * public_key.c - a public key in the forms that the libraries read.
 */
#include "bare.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bench_is_rsa(const bench_key *key)
{
    return strcmp(key->alg, "RS256") == 0 || strcmp(key->alg, "PS256") == 0;
}

/* SubjectPublicKeyInfo (RFC 5280 section 4.1) up to the octets of the key: for an RSA key of
 * 2048 bits, with the exponent 65537 after the modulus, and for a point on P-256. */
static const uint8_t rsa_info[] = {0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a,
                                   0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
                                   0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01,
                                   0x0a, 0x02, 0x82, 0x01, 0x01, 0x00};
static const uint8_t rsa_exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
static const uint8_t p256_info[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

static size_t append(uint8_t *to, size_t used, const uint8_t *octets, size_t len)
{
    memcpy(to + used, octets, len);
    return used + len;
}

size_t bench_public_key_info(const bench_key *key, uint8_t *der, size_t size)
{
    size_t used;

    if (bench_is_rsa(key)) {
        used = append(der, 0, rsa_info, sizeof(rsa_info));
        if (bench_key_octets(key, "n", der + used, size - used) != 256)
            bench_die("an RSA key that has not 2048 bits");
        return append(der, used + 256, rsa_exponent, sizeof(rsa_exponent));
    }
    used = append(der, 0, p256_info, sizeof(p256_info));
    used += bench_key_octets(key, "x", der + used, size - used);
    return used + bench_key_octets(key, "y", der + used, size - used);
}

char *bench_public_key_pem(const bench_key *key)
{
    uint8_t der[BENCH_INFO_SIZE];
    const size_t len = bench_public_key_info(key, der, sizeof(der));
    char *base64 = bench_allocate(sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL));
    char *pem = bench_allocate(len * 2 + 128);
    char *to = pem + sprintf(pem, "-----BEGIN PUBLIC KEY-----\n");

    sodium_bin2base64(base64, sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL), der,
                      len, sodium_base64_VARIANT_ORIGINAL);
    for (const char *from = base64; *from != '\0'; from += strlen(from) < 64 ? strlen(from) : 64)
        to += sprintf(to, "%.64s\n", from);
    sprintf(to, "-----END PUBLIC KEY-----\n");
    free(base64);
    return pem;
}
