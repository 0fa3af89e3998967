/*
 * sign.h - the other half, for the command-line tool and the tests: make
 * signatures and keys.
 *
 * Never linked into the extension: a server that verifies has no use for a
 * private key. One thread of a process at a time may call the functions here, and
 * no other thread may prepare keys or verify meanwhile.
 *
 * The shape is crypto.h's: first what a caller needs, last what a
 * signer (the signing half of a crypto library) implements.
 *
 * The caller owns every buffer. Whoever fills one with private key material
 * calls sjwt_crypto_wipe() on it before letting go of it; the functions here wipe
 * their own copies on every path, and on failure also what they wrote to the
 * caller's buffers.
 *
 * After fork() both processes may sign, since no signature's security rests on
 * a random number, but at most one of them may generate keys: the state of a
 * library's random generator may be copied, and then both make the same.
 */
#ifndef PG_SESSION_JWT_SIGN_H
#define PG_SESSION_JWT_SIGN_H

#include "crypto/crypto.h"

/* The longest signature of any algorithm in octets: RSA of 4096 bits. */
#define SJWT_CRYPTO_MAX_SIGNATURE_SIZE 512

/* Room for the octets of any key that sjwt_crypto_generate_key() makes. */
#define SJWT_CRYPTO_KEY_BUFFER_SIZE 2400

/* The size of an RSA key when the caller does not say. */
#define SJWT_CRYPTO_DEFAULT_RSA_BITS 2048

/*
 * A private key as borrowed octets, big-endian where they are a number.
 * Which spans are filled follows from public_key.type:
 *   OKP  d (the 32-octet seed, RFC 8032 section 5.1.5)
 *   EC   d (exactly the length of the curve's order, RFC 7518 section 6.2.2.1)
 *   RSA  d, p, q, dp, dq, qi (no leading zeros, RFC 7518 section 6.3.2; all of
 *        them: nothing is computed that the key leaves out)
 *   OCT  none: the secret is public_key.k
 * public_key is filled as crypto.h says; for OKP and EC its coordinates may be
 * left empty, else they must be those of d.
 */
typedef struct sjwt_crypto_private_key {
    sjwt_crypto_key_octets public_key;
    sjwt_crypto_span d;
    sjwt_crypto_span p, q, dp, dq, qi;
} sjwt_crypto_private_key;

/* The octets that the spans of a key made here point into. */
typedef struct sjwt_crypto_key_buffer {
    uint8_t octets[SJWT_CRYPTO_KEY_BUFFER_SIZE];
} sjwt_crypto_key_buffer;

/* The algorithms that a signer of this build signs with. */
uint32_t sjwt_crypto_signable_algorithms(void);

/* Does this build sign alg, an ECDSA algorithm, by RFC 6979, without a random
 * number? */
bool sjwt_crypto_signs_by_rfc6979(sjwt_crypto_alg alg);

/* The name of the signer that signs alg in this build, or NULL. */
const char *sjwt_crypto_signer_name(sjwt_crypto_alg alg);

/*
 * Signs message with key: JOSE's form, as sjwt_crypto_verify() takes it.
 *
 * signature has room for size octets; SJWT_CRYPTO_MAX_SIGNATURE_SIZE is always
 * enough. *len is the signature's exact length, or 0 on failure.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY (as sjwt_crypto_check_octets(); also where the
 * public half is not d's, which for EdDSA would give d away), SJWT_CRYPTO_UNSUPPORTED,
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL (also where size is too small).
 */
sjwt_crypto_status sjwt_crypto_make_signature(sjwt_crypto_alg alg,
                                              const sjwt_crypto_private_key *key,
                                              sjwt_crypto_span message, uint8_t *signature,
                                              size_t size, size_t *len);

/*
 * Makes a new key for alg. bits is the size of an RSA modulus (a multiple of 8
 * from 2048 to 4096) or of an HMAC secret (a multiple of 8, at least the
 * hash's, at most 4096); 0 means SJWT_CRYPTO_DEFAULT_RSA_BITS or the hash's. The size
 * of the others is the curve's, and bits must be 0.
 *
 * *key's spans, the public ones too, point into *buffer.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY (no such size), SJWT_CRYPTO_UNSUPPORTED,
 * SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_generate_key(sjwt_crypto_alg alg, size_t bits,
                                            sjwt_crypto_key_buffer *buffer,
                                            sjwt_crypto_private_key *key);

/*
 * The public half of key. OKP and EC: the coordinates computed from d, in
 * *buffer. RSA: n and e as key has them, checked against its primes and
 * their exponents. An HMAC key has no public half: SJWT_CRYPTO_BAD_KEY.
 *
 * *public_key's spans point into *buffer or where key's point.
 *
 * Returns as sjwt_crypto_make_signature().
 */
sjwt_crypto_status sjwt_crypto_public_from_private(sjwt_crypto_alg alg,
                                                   const sjwt_crypto_private_key *key,
                                                   sjwt_crypto_key_buffer *buffer,
                                                   sjwt_crypto_key_octets *public_key);

/* Zeroes data[0..len) in a way that the compiler cannot leave out. */
void sjwt_crypto_wipe(void *data, size_t len);

/* ------------------------------------------------------------------------
 * What a signer implements. Every member is mandatory; what a library cannot
 * do is a cleared bit in signs. Types, lengths and sizes have been checked.
 */
typedef struct sjwt_crypto_signer {
    const char *name;

    /* SJWT_CRYPTO_BIT(alg) is set for each algorithm that the signer signs with and
     * makes keys for. Declared, not probed. No ECDSA whose nonce is nothing but a
     * random number: two signatures with one nonce give the key away. */
    uint32_t signs;

    /* The ECDSA algorithms whose nonce is RFC 6979's, so that no random number is
     * drawn and a signature is always the same. */
    uint32_t rfc6979;

    /* As sjwt_crypto_backend's. */
    sjwt_crypto_status (*init)(void);

    /* Writes exactly len octets, the algorithm's signature length for this key.
     * SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*sign)(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                               sjwt_crypto_span message, uint8_t *signature, size_t len);

    /* bits is never 0 for RSA and HMAC, always 0 for the others. Fills the spans
     * of *key alone: type and curve are set. SJWT_CRYPTO_OK, SJWT_CRYPTO_NO_MEMORY or
     * SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*generate)(sjwt_crypto_alg alg, size_t bits, sjwt_crypto_key_buffer *buffer,
                                   sjwt_crypto_private_key *key);

    /* Never asked for HMAC. Fills the spans of *public_key alone: type and curve
     * are set. As sign. */
    sjwt_crypto_status (*derive_public)(sjwt_crypto_alg alg, const sjwt_crypto_private_key *key,
                                        sjwt_crypto_key_buffer *buffer,
                                        sjwt_crypto_key_octets *public_key);
} sjwt_crypto_signer;

#endif
