/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbedtls_psa.h - shared by verification and signing with mbedTLS. Internal to
 * mbedtls.c and mbedtls_sign.c.
 */
#ifndef PG_SESSION_JWT_CRYPTO_MBEDTLS_PSA_H
#define PG_SESSION_JWT_CRYPTO_MBEDTLS_PSA_H

#include "crypto/crypto.h"

#include <psa/crypto.h>

/* Builds of the library often lack this curve. A check at run time is not possible: the
 * library reports a missing curve and a bad point as the same error. */
#ifdef PSA_WANT_ECC_SECP_K1_256
#define SJWT_CRYPTO_MBEDTLS_ES256K SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256K)
#else
#define SJWT_CRYPTO_MBEDTLS_ES256K 0
#endif

#define SJWT_CRYPTO_MBEDTLS_ECDSA                                                                  \
    (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES512) | SJWT_CRYPTO_MBEDTLS_ES256K)

/* The algorithms that the backend verifies. */
#define SJWT_CRYPTO_MBEDTLS_ALGORITHMS                                                             \
    (SJWT_CRYPTO_MBEDTLS_ECDSA | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) |                          \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS384) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS512) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS512) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS384) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS512))

sjwt_crypto_status sjwt_crypto_mbedtls_init(void);

/* Return PSA's algorithm, and its key type for public keys or secrets. */
psa_algorithm_t sjwt_crypto_mbedtls_algorithm(sjwt_crypto_alg alg);
psa_key_type_t sjwt_crypto_mbedtls_key_type(sjwt_crypto_alg alg);

/*
 * Maps a status of the library. The library reports some failed allocations as another
 * error, often as "invalid argument", but calloc() sets errno to ENOMEM. The caller
 * sets errno to 0 before the library call and calls this function right after it.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_NO_MEMORY, or SJWT_CRYPTO_INTERNAL for every
 * other error. The caller may map that error further.
 */
sjwt_crypto_status sjwt_crypto_mbedtls_map_status(psa_status_t answer);

/*
 * Imports octets in PSA's form as a volatile key, for this algorithm only. On
 * SJWT_CRYPTO_OK the caller owns *id and must call sjwt_crypto_mbedtls_destroy() on
 * it. On failure there is no key. Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY,
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_mbedtls_import(psa_algorithm_t algorithm, psa_key_type_t type,
                                              psa_key_usage_t usage, sjwt_crypto_span octets,
                                              psa_key_id_t *id);

/* Destroys the key. Returns status, or SJWT_CRYPTO_INTERNAL if the library fails. */
sjwt_crypto_status sjwt_crypto_mbedtls_destroy(psa_key_id_t id, sjwt_crypto_status status);

/*
 * Writes a DER SEQUENCE of non-negative big-endian numbers (RFC 8017 appendix A.1;
 * X.690 section 8.3). The numbers have no leading zeros; zero is one octet. Each
 * number and the sequence must be shorter than 65536 octets. Returns the length in
 * octets, or 0 if size is too small.
 */
size_t sjwt_crypto_mbedtls_write_numbers(const sjwt_crypto_span *numbers, size_t count,
                                         uint8_t *der, size_t size);

#endif
