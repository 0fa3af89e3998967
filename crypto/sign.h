/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - signs and generates keys, for the command-line tool and the tests.
 *
 * It is never linked into the extension: a server only verifies and needs no
 * private key. One thread of a process at a time may call the functions here. No
 * other thread may prepare keys or verify at the same time.
 *
 * The order is that of crypto.h: the caller's part first, then the struct that a
 * signer (the signing half of a crypto library) implements.
 *
 * The caller owns every buffer. A caller whose buffer holds private key material
 * calls sjwt_crypto_wipe() on it before freeing it. The functions here wipe their
 * own copies on every path. On failure they also wipe what they wrote to the
 * caller's buffers.
 *
 * After fork() both processes may sign: no signature's security depends on a
 * random number. At most one of them may generate keys: fork() may copy the state
 * of a library's random generator, and then both processes generate the same keys.
 */
#ifndef PG_SESSION_JWT_SIGN_H
#define PG_SESSION_JWT_SIGN_H

#include "crypto/crypto.h"

/* The longest signature of any algorithm in octets: RSA of 4096 bits. */
#define SJWT_CRYPTO_MAX_SIGNATURE_SIZE 512

/* The size in octets of a buffer for any key that sjwt_crypto_generate_key() makes. */
#define SJWT_CRYPTO_KEY_BUFFER_SIZE 2400

/* The default size of an RSA key in bits. */
#define SJWT_CRYPTO_DEFAULT_RSA_BITS 2048

/*
 * A private key as borrowed octets. Numbers are big-endian. public_key.type
 * determines which spans are filled:
 *   OKP  d (the 32-octet seed, RFC 8032 section 5.1.5)
 *   EC   d (exactly the length of the curve's order, RFC 7518 section 6.2.2.1)
 *   RSA  d, p, q, dp, dq, qi (no leading zeros, RFC 7518 section 6.3.2; all of
 *        them are required: a missing one is not computed)
 *   OCT  none: the secret is public_key.k
 * public_key is filled as described in crypto.h. For OKP and EC its coordinates
 * may be empty; otherwise they must be those of d.
 */
typedef struct sjwt_crypto_private_key {
    sjwt_crypto_key_octets public_key;
    sjwt_crypto_span d;
    sjwt_crypto_span p, q, dp, dq, qi;
} sjwt_crypto_private_key;

/* Holds the octets that the spans of a generated key point into. */
typedef struct sjwt_crypto_key_buffer {
    uint8_t octets[SJWT_CRYPTO_KEY_BUFFER_SIZE];
} sjwt_crypto_key_buffer;

/* Returns the set of algorithms that this build can sign with. */
uint32_t sjwt_crypto_signable_algorithms(void);

/* Returns whether this build signs alg with the deterministic ECDSA of RFC 6979,
 * which needs no random number. */
bool sjwt_crypto_signs_by_rfc6979(sjwt_crypto_alg alg);

/* Returns the name of this build's signer for alg, or NULL. */
const char *sjwt_crypto_signer_name(sjwt_crypto_alg alg);

/*
 * Signs message with key. The signature has JOSE's form, as for
 * sjwt_crypto_verify().
 *
 * size is the size of signature in octets; SJWT_CRYPTO_MAX_SIGNATURE_SIZE is
 * always enough. *len is the signature's exact length in octets, or 0 on failure.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY (as sjwt_crypto_check_octets(); also if the
 * public half does not match d, which for EdDSA would reveal d), SJWT_CRYPTO_UNSUPPORTED,
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL (also if size is too small).
 */
sjwt_crypto_status sjwt_crypto_make_signature(sjwt_crypto_alg alg,
                                              const sjwt_crypto_private_key *key,
                                              sjwt_crypto_span message, uint8_t *signature,
                                              size_t size, size_t *len);

/*
 * Generates a key for alg. bits is the size of an RSA modulus (a multiple of 8
 * from 2048 to 4096) or of an HMAC secret (a multiple of 8, at least the size of
 * the hash, at most 4096). 0 means SJWT_CRYPTO_DEFAULT_RSA_BITS or the size of the
 * hash. For the other key types the curve determines the size, and bits must be 0.
 *
 * The spans of *key, public and private, point into *buffer.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY (invalid size), SJWT_CRYPTO_UNSUPPORTED,
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_generate_key(sjwt_crypto_alg alg, size_t bits,
                                            sjwt_crypto_key_buffer *buffer,
                                            sjwt_crypto_private_key *key);

/*
 * Derives the public half of key. OKP and EC: the coordinates are computed from d.
 * RSA: n and e are those of key, checked against its primes and their exponents.
 * An HMAC key has no public half: SJWT_CRYPTO_BAD_KEY.
 *
 * The spans of *public_key point into *buffer or to the octets of key.
 *
 * Returns the same statuses as sjwt_crypto_make_signature().
 */
sjwt_crypto_status sjwt_crypto_public_from_private(sjwt_crypto_alg alg,
                                                   const sjwt_crypto_private_key *key,
                                                   sjwt_crypto_key_buffer *buffer,
                                                   sjwt_crypto_key_octets *public_key);

/* The size in octets of a buffer for any public key in PEM. */
#define SJWT_CRYPTO_PEM_SIZE 2048

/*
 * Reads a key from PEM (RFC 7468) or DER: a public or private key, or a certificate, whose key is
 * taken without a check of the certificate. A key that a passphrase protects is not read.
 * with_private: its private half, too; then the document must have one.
 *
 * The spans of *key point into *buffer. Its type and curve are set; whether its sizes are those of
 * an algorithm is not checked.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY (the document has no such key, or one of a type or
 * curve that JOSE's algorithms do not have), SJWT_CRYPTO_UNSUPPORTED (no library of this build
 * reads documents) or SJWT_CRYPTO_NO_MEMORY.
 */
sjwt_crypto_status sjwt_crypto_read_document(sjwt_crypto_span document, bool with_private,
                                             sjwt_crypto_key_buffer *buffer,
                                             sjwt_crypto_private_key *key);

/*
 * Writes a public key for alg as PEM (a SubjectPublicKeyInfo, RFC 5280 section 4.1). size:
 * SJWT_CRYPTO_PEM_SIZE is always enough. *len: the octets written; no NUL follows.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_UNSUPPORTED (as above),
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_write_pem(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *key,
                                         char *pem, size_t size, size_t *len);

/* Writes the SHA-256 (FIPS 180-4) of message. Only for what is no secret. Returns SJWT_CRYPTO_OK,
 * SJWT_CRYPTO_UNSUPPORTED (as above), SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
sjwt_crypto_status sjwt_crypto_sha256(sjwt_crypto_span message, uint8_t digest[32]);

/* Zeroes data[0..len) in a way that the compiler cannot remove. */
void sjwt_crypto_wipe(void *data, size_t len);

/* ------------------------------------------------------------------------
 * What a library that reads documents implements, as the functions of the same names. */
typedef struct sjwt_crypto_documents {
    sjwt_crypto_status (*read)(sjwt_crypto_span document, bool with_private,
                               sjwt_crypto_key_buffer *buffer, sjwt_crypto_private_key *key);
    sjwt_crypto_status (*write_pem)(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *key,
                                    char *pem, size_t size, size_t *len);
    sjwt_crypto_status (*sha256)(sjwt_crypto_span message, uint8_t digest[32]);
} sjwt_crypto_documents;

/* ------------------------------------------------------------------------
 * What a signer implements. Every member but documents is mandatory. The bit in signs is
 * clear for an algorithm that the library lacks. The caller has checked types,
 * lengths and sizes.
 */
typedef struct sjwt_crypto_signer {
    const char *name;

    /* SJWT_CRYPTO_BIT(alg) is set for each algorithm that the signer signs with and
     * generates keys for. Declared, not probed. ECDSA with a purely random nonce is not
     * allowed: two signatures with the same nonce reveal the key. */
    uint32_t signs;

    /* The ECDSA algorithms that take the nonce of RFC 6979. Signing needs no random
     * number, and the same message gives the same signature. */
    uint32_t rfc6979;

    /* As sjwt_crypto_backend.init. */
    sjwt_crypto_status (*init)(void);

    /* Writes exactly len octets, the algorithm's signature length for this key.
     * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_NO_MEMORY or
     * SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*sign)(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                               sjwt_crypto_span message, uint8_t *signature, size_t len);

    /* bits is never 0 for RSA and HMAC, always 0 for the others. Fills only the spans
     * of *key; the caller has set type and curve. Returns SJWT_CRYPTO_OK,
     * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*generate)(sjwt_crypto_alg alg, size_t bits, sjwt_crypto_key_buffer *buffer,
                                   sjwt_crypto_private_key *key);

    /* Never called for HMAC. Fills only the spans of *public_key; the caller has set
     * type and curve. Returns the same statuses as sign. */
    sjwt_crypto_status (*derive_public)(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                        sjwt_crypto_key_buffer *buffer,
                                        sjwt_crypto_key_octets *public_key);

    /* NULL: the library reads no documents. */
    const sjwt_crypto_documents *documents;
} sjwt_crypto_signer;

#endif
