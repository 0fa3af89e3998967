/*
 * crypto.h - does this signature over these bytes belong to this key?
 *
 * The contract between the JOSE core (the caller) and a crypto library (a
 * backend). It knows no JSON, no token and no PostgreSQL.
 *
 * One thread of a process at a time may call the functions here and in sign.h,
 * whatever the keys: the registries keep which libraries are ready, and a
 * library may keep its keys in a table of its own. A program with threads puts
 * a lock of its own around the calls.
 *
 * Two readers: a caller needs the types and the functions of the first part;
 * who adds a crypto library implements the struct of the last part
 * (crypto/README.md walks through it).
 */
#ifndef PG_SESSION_JWT_CRYPTO_H
#define PG_SESSION_JWT_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that belong to somebody else. data may be NULL only where len is 0. */
typedef struct sjwt_crypto_span {
    const uint8_t *data;
    size_t len;
} sjwt_crypto_span;

/* What came of a question. Never merged into a yes or no: who asked must be
 * able to tell a forged token from a key that cannot work. */
typedef enum sjwt_crypto_status {
    SJWT_CRYPTO_OK = 0,
    SJWT_CRYPTO_BAD_SIGNATURE, /* well asked, and the signature is not the key's */
    SJWT_CRYPTO_BAD_KEY,       /* wrong type, curve or length, too weak, not on the curve */
    SJWT_CRYPTO_UNSUPPORTED,   /* no backend of this build serves the algorithm */
    SJWT_CRYPTO_NO_MEMORY,
    SJWT_CRYPTO_INTERNAL /* the library failed in a way that says nothing of key or signature */
} sjwt_crypto_status;

/* Signature and MAC algorithms of RFC 7518 section 3.1, RFC 8037 section 3.1
 * and RFC 8812 section 3.2. EdDSA means Ed25519 here; RFC 9864's name for it,
 * "Ed25519", is a second name of the same entry. */
typedef enum sjwt_crypto_alg {
    SJWT_CRYPTO_ALG_EDDSA,
    SJWT_CRYPTO_ALG_ES256,
    SJWT_CRYPTO_ALG_ES384,
    SJWT_CRYPTO_ALG_ES512,
    SJWT_CRYPTO_ALG_ES256K,
    SJWT_CRYPTO_ALG_RS256,
    SJWT_CRYPTO_ALG_RS384,
    SJWT_CRYPTO_ALG_RS512,
    SJWT_CRYPTO_ALG_PS256,
    SJWT_CRYPTO_ALG_PS384,
    SJWT_CRYPTO_ALG_PS512,
    SJWT_CRYPTO_ALG_HS256,
    SJWT_CRYPTO_ALG_HS384,
    SJWT_CRYPTO_ALG_HS512,
    SJWT_CRYPTO_ALG_COUNT
} sjwt_crypto_alg;

/* A set of algorithms is the sum of its members' bits. */
#define SJWT_CRYPTO_BIT(alg) (UINT32_C(1) << (alg))

/* RFC 7517 section 4.1, "kty". */
typedef enum sjwt_crypto_key_type {
    SJWT_CRYPTO_KEY_OKP,
    SJWT_CRYPTO_KEY_EC,
    SJWT_CRYPTO_KEY_RSA,
    SJWT_CRYPTO_KEY_OCT
} sjwt_crypto_key_type;

/* RFC 7518 section 6.2.1.1, RFC 8037 section 2, RFC 8812 section 3.1, "crv". */
typedef enum sjwt_crypto_curve {
    SJWT_CRYPTO_CURVE_NONE,
    SJWT_CRYPTO_CURVE_ED25519,
    SJWT_CRYPTO_CURVE_P256,
    SJWT_CRYPTO_CURVE_P384,
    SJWT_CRYPTO_CURVE_P521,
    SJWT_CRYPTO_CURVE_SECP256K1
} sjwt_crypto_curve;

/*
 * A verification key as borrowed octets, big-endian where they are a number.
 * Which spans are filled follows from type:
 *   OKP  x (the encoded point, RFC 8032)
 *   EC   x, y (exactly the curve's field length, leading zeros kept)
 *   RSA  n, e (no leading zeros)
 *   OCT  k (the shared secret)
 */
typedef struct sjwt_crypto_key {
    sjwt_crypto_key_type type;
    sjwt_crypto_curve curve;
    sjwt_crypto_span x, y;
    sjwt_crypto_span n, e;
    sjwt_crypto_span k;
} sjwt_crypto_key;

/* One row of the algorithm table (algorithm.c), the one place that knows an
 * algorithm's names, key and sizes. */
typedef struct sjwt_crypto_algorithm {
    sjwt_crypto_alg alg;
    const char *name;              /* RFC 7518's "alg", as printed */
    const char *alias;             /* a second accepted name, or NULL */
    sjwt_crypto_key_type key_type; /* the one family that may serve it */
    sjwt_crypto_curve curve;       /* SJWT_CRYPTO_CURVE_NONE for RSA and HMAC */
    size_t signature_len;          /* octets; 0: as long as the RSA modulus */
    size_t coordinate_len;         /* octets of x (and y); 0: no coordinates */
    size_t min_key_bits;           /* RSA: of the modulus; HMAC: of the secret */
    size_t max_key_bits;           /* likewise */
} sjwt_crypto_algorithm;

/* The row of alg, never NULL; alg must be below SJWT_CRYPTO_ALG_COUNT. */
const sjwt_crypto_algorithm *sjwt_crypto_algorithm_get(sjwt_crypto_alg alg);

/* The row whose name or alias is exactly name[0..len) (case-sensitive, RFC 7515
 * section 4.1.1), or NULL. "none" has no row. */
const sjwt_crypto_algorithm *sjwt_crypto_algorithm_find(const char *name, size_t len);

/* The algorithms whose keys are public: all but HMAC's. */
uint32_t sjwt_crypto_public_key_algorithms(void);

/* The algorithms that a backend of this build verifies. */
uint32_t sjwt_crypto_verifiable_algorithms(void);

/* The name of the backend that verifies alg in this build, or NULL. */
const char *sjwt_crypto_backend_name(sjwt_crypto_alg alg);

/* The names of the build's backends, in order of preference, separated by
 * ", "; a constant string. */
const char *sjwt_crypto_backend_names(void);

/*
 * May this key serve this algorithm? Type, curve and lengths by the table
 * (RSA 2048 to 4096 bits, an odd modulus and an odd public exponent from 3 up,
 * RFC 7518 sections 3.3 and 3.5, RFC 8017 section 3.1, and of at most 64 bits,
 * since a longer one makes each verification slow; HMAC key no shorter than the
 * hash, RFC 7518 section 3.2, and no longer than 8191 octets), then
 * by the backend (the point is on the curve and not of small order).
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_UNSUPPORTED, SJWT_CRYPTO_NO_MEMORY or
 * SJWT_CRYPTO_INTERNAL. Table errors come before SJWT_CRYPTO_UNSUPPORTED.
 *
 * This function and the next ready a backend's library at its first use in the
 * process.
 */
sjwt_crypto_status sjwt_crypto_check_key(sjwt_crypto_alg alg, const sjwt_crypto_key *key);

/*
 * Does signature, in JOSE's form (RFC 7518 section 3: R||S for ECDSA, the
 * octets of RFC 8032 for EdDSA, the MAC for HMAC), over message belong to key?
 *
 * The key's and the signature's form are checked against the table before a
 * backend is asked, whether or not sjwt_crypto_check_key() was called. A signature
 * of any other than the exact length is SJWT_CRYPTO_BAD_SIGNATURE. Nothing is kept
 * of the arguments. Returns any sjwt_crypto_status; SJWT_CRYPTO_UNSUPPORTED comes before
 * the signature is looked at.
 */
sjwt_crypto_status sjwt_crypto_verify_signature(sjwt_crypto_alg alg, const sjwt_crypto_key *key,
                                                sjwt_crypto_span message,
                                                sjwt_crypto_span signature);

/* ------------------------------------------------------------------------
 * What a backend implements. Every member is mandatory; what a library cannot
 * do is a cleared bit in verifies, answered by the registry and never asked.
 * A backend logs nothing, never aborts, and keeps nothing between calls but
 * what init made.
 */
typedef struct sjwt_crypto_backend {
    const char *name;

    /* SJWT_CRYPTO_BIT(alg) is set for each algorithm served. Declared, not probed:
     * constant for the life of the process. */
    uint32_t verifies;

    /* Readies the library. Called before the first verify or check_key in a
     * process, never at load time (a state made before a fork would be
     * shared); must be idempotent. SJWT_CRYPTO_OK, SJWT_CRYPTO_NO_MEMORY or
     * SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*init)(void);

    /* What only the library can know of a key: is the point on the curve, does
     * the key import? Type and lengths have been checked. SJWT_CRYPTO_OK,
     * SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*check_key)(sjwt_crypto_alg alg, const sjwt_crypto_key *key);

    /* The verdict. Type, lengths and the signature's exact length have been
     * checked; MACs are compared in constant time. Every handle of the library
     * is given back on every path. SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_SIGNATURE,
     * SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*verify)(sjwt_crypto_alg alg, const sjwt_crypto_key *key,
                                 sjwt_crypto_span message, sjwt_crypto_span signature);
} sjwt_crypto_backend;

#endif
