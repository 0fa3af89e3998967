/*
 * mbedtls_psa.h - what verifying and signing with mbedTLS share. Internal to
 * mbedtls.c and mbedtls_sign.c.
 */
#ifndef PG_SESSION_JWT_CRYPTO_MBEDTLS_PSA_H
#define PG_SESSION_JWT_CRYPTO_MBEDTLS_PSA_H

#include "crypto/crypto.h"

#include <psa/crypto.h>

/* The one curve that builds of the library commonly leave out. It cannot be
 * asked for at run time: a missing curve and a bad point are the same error. */
#ifdef PSA_WANT_ECC_SECP_K1_256
#define SJWT_CRYPTO_MBEDTLS_ES256K SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256K)
#else
#define SJWT_CRYPTO_MBEDTLS_ES256K 0
#endif

#define SJWT_CRYPTO_MBEDTLS_ECDSA                                                                  \
    (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES512) | SJWT_CRYPTO_MBEDTLS_ES256K)

/* The algorithms verified. */
#define SJWT_CRYPTO_MBEDTLS_ALGORITHMS                                                             \
    (SJWT_CRYPTO_MBEDTLS_ECDSA | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) |                          \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS384) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS512) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS512) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS384) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS512))

sjwt_crypto_status sjwt_crypto_mbedtls_init(void);

/* PSA's names for an algorithm that is served, and for its public (or secret) keys. */
psa_algorithm_t sjwt_crypto_mbedtls_algorithm(sjwt_crypto_alg alg);
psa_key_type_t sjwt_crypto_mbedtls_key_type(sjwt_crypto_alg alg);

/*
 * The library reports some of its failed allocations as another error, often as
 * "invalid argument". calloc() tells them: it sets errno to ENOMEM. So errno is set
 * to 0 before each call of the library whose error matters, and this is called
 * right after it, before any other call.
 *
 * SJWT_CRYPTO_OK, SJWT_CRYPTO_NO_MEMORY, or SJWT_CRYPTO_INTERNAL for every other
 * error: the caller knows what that error means in its case.
 */
sjwt_crypto_status sjwt_crypto_mbedtls_map_status(psa_status_t answer);

/*
 * A volatile key of the library for octets in PSA's form, good for this algorithm
 * alone. On SJWT_CRYPTO_OK the caller owns *id and must give it to
 * sjwt_crypto_mbedtls_destroy(); else there is none. SJWT_CRYPTO_OK,
 * SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_mbedtls_import(psa_algorithm_t algorithm, psa_key_type_t type,
                                              psa_key_usage_t usage, sjwt_crypto_span octets,
                                              psa_key_id_t *id);

/* Destroys the key. Returns status, or SJWT_CRYPTO_INTERNAL if the library fails. */
sjwt_crypto_status sjwt_crypto_mbedtls_destroy(psa_key_id_t id, sjwt_crypto_status status);

/*
 * Writes the DER SEQUENCE of these non-negative big-endian numbers, without
 * leading zeros but for a lone 0 (RFC 8017 appendix A.1; X.690 section 8.3).
 * Each number and the whole must be shorter than 65536 octets. Returns the
 * length, or 0 where size is not enough.
 */
size_t sjwt_crypto_mbedtls_write_numbers(const sjwt_crypto_span *numbers, size_t count,
                                         uint8_t *der, size_t size);

#endif
