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
typedef struct crypto_span {
    const uint8_t *data;
    size_t len;
} crypto_span;

/* What came of a question. Never merged into a yes or no: who asked must be
 * able to tell a forged token from a key that cannot work. */
typedef enum crypto_status {
    CRYPTO_OK = 0,
    CRYPTO_BAD_SIGNATURE, /* well asked, and the signature is not the key's */
    CRYPTO_BAD_KEY,       /* wrong type, curve or length, too weak, not on the curve */
    CRYPTO_UNSUPPORTED,   /* no backend of this build serves the algorithm */
    CRYPTO_NO_MEMORY,
    CRYPTO_INTERNAL /* the library failed in a way that says nothing of key or signature */
} crypto_status;

/* Signature and MAC algorithms of RFC 7518 section 3.1, RFC 8037 section 3.1
 * and RFC 8812 section 3.2. EdDSA means Ed25519 here; RFC 9864's name for it,
 * "Ed25519", is a second name of the same entry. */
typedef enum crypto_alg {
    CRYPTO_ALG_EDDSA,
    CRYPTO_ALG_ES256,
    CRYPTO_ALG_ES384,
    CRYPTO_ALG_ES512,
    CRYPTO_ALG_ES256K,
    CRYPTO_ALG_RS256,
    CRYPTO_ALG_RS384,
    CRYPTO_ALG_RS512,
    CRYPTO_ALG_PS256,
    CRYPTO_ALG_PS384,
    CRYPTO_ALG_PS512,
    CRYPTO_ALG_HS256,
    CRYPTO_ALG_HS384,
    CRYPTO_ALG_HS512,
    CRYPTO_ALG_COUNT
} crypto_alg;

/* A set of algorithms is the sum of its members' bits. */
#define CRYPTO_BIT(alg) (UINT32_C(1) << (alg))

/* RFC 7517 section 4.1, "kty". */
typedef enum crypto_key_type {
    CRYPTO_KEY_OKP,
    CRYPTO_KEY_EC,
    CRYPTO_KEY_RSA,
    CRYPTO_KEY_OCT
} crypto_key_type;

/* RFC 7518 section 6.2.1.1, RFC 8037 section 2, RFC 8812 section 3.1, "crv". */
typedef enum crypto_curve {
    CRYPTO_CURVE_NONE,
    CRYPTO_CURVE_ED25519,
    CRYPTO_CURVE_P256,
    CRYPTO_CURVE_P384,
    CRYPTO_CURVE_P521,
    CRYPTO_CURVE_SECP256K1
} crypto_curve;

/*
 * A verification key as borrowed octets, big-endian where they are a number.
 * Which spans are filled follows from type:
 *   OKP  x (the encoded point, RFC 8032)
 *   EC   x, y (exactly the curve's field length, leading zeros kept)
 *   RSA  n, e (no leading zeros)
 *   OCT  k (the shared secret)
 */
typedef struct crypto_key {
    crypto_key_type type;
    crypto_curve curve;
    crypto_span x, y;
    crypto_span n, e;
    crypto_span k;
} crypto_key;

/* One row of the algorithm table (algorithm.c), the one place that knows an
 * algorithm's names, key and sizes. */
typedef struct crypto_algorithm {
    crypto_alg alg;
    const char *name;         /* RFC 7518's "alg", as printed */
    const char *alias;        /* a second accepted name, or NULL */
    crypto_key_type key_type; /* the one family that may serve it */
    crypto_curve curve;       /* CRYPTO_CURVE_NONE for RSA and HMAC */
    size_t signature_len;     /* octets; 0: as long as the RSA modulus */
    size_t coordinate_len;    /* octets of x (and y); 0: no coordinates */
    size_t min_key_bits;      /* RSA: of the modulus; HMAC: of the secret */
    size_t max_key_bits;      /* likewise */
} crypto_algorithm;

/* The row of alg, never NULL; alg must be below CRYPTO_ALG_COUNT. */
const crypto_algorithm *crypto_algorithm_get(crypto_alg alg);

/* The row whose name or alias is exactly name[0..len) (case-sensitive, RFC 7515
 * section 4.1.1), or NULL. "none" has no row. */
const crypto_algorithm *crypto_algorithm_find(const char *name, size_t len);

/* The algorithms whose keys are public: all but HMAC's. */
uint32_t crypto_public_key_algorithms(void);

/* The algorithms that a backend of this build verifies. */
uint32_t crypto_verifiable_algorithms(void);

/* The name of the backend that verifies alg in this build, or NULL. */
const char *crypto_backend_name(crypto_alg alg);

/* The names of the build's backends, in order of preference, separated by
 * ", "; a constant string. */
const char *crypto_backend_names(void);

/*
 * May this key serve this algorithm? Type, curve and lengths by the table
 * (RSA 2048 to 4096 bits, an odd modulus and an odd public exponent from 3 up,
 * RFC 7518 sections 3.3 and 3.5, RFC 8017 section 3.1, and of at most 64 bits,
 * since a longer one makes each verification slow; HMAC key no shorter than the
 * hash, RFC 7518 section 3.2, and no longer than 8191 octets), then
 * by the backend (the point is on the curve and not of small order).
 *
 * Returns CRYPTO_OK, CRYPTO_BAD_KEY, CRYPTO_UNSUPPORTED, CRYPTO_NO_MEMORY or
 * CRYPTO_INTERNAL. Table errors come before CRYPTO_UNSUPPORTED.
 *
 * This function and the next ready a backend's library at its first use in the
 * process.
 */
crypto_status crypto_check_key(crypto_alg alg, const crypto_key *key);

/*
 * Does signature, in JOSE's form (RFC 7518 section 3: R||S for ECDSA, the
 * octets of RFC 8032 for EdDSA, the MAC for HMAC), over message belong to key?
 *
 * The key's and the signature's form are checked against the table before a
 * backend is asked, whether or not crypto_check_key() was called. A signature
 * of any other than the exact length is CRYPTO_BAD_SIGNATURE. Nothing is kept
 * of the arguments. Returns any crypto_status; CRYPTO_UNSUPPORTED comes before
 * the signature is looked at.
 */
crypto_status crypto_verify_signature(crypto_alg alg, const crypto_key *key, crypto_span message,
                                      crypto_span signature);

/* ------------------------------------------------------------------------
 * What a backend implements. Every member is mandatory; what a library cannot
 * do is a cleared bit in verifies, answered by the registry and never asked.
 * A backend logs nothing, never aborts, and keeps nothing between calls but
 * what init made.
 */
typedef struct crypto_backend {
    const char *name;

    /* CRYPTO_BIT(alg) is set for each algorithm served. Declared, not probed:
     * constant for the life of the process. */
    uint32_t verifies;

    /* Readies the library. Called before the first verify or check_key in a
     * process, never at load time (a state made before a fork would be
     * shared); must be idempotent. CRYPTO_OK, CRYPTO_NO_MEMORY or
     * CRYPTO_INTERNAL. */
    crypto_status (*init)(void);

    /* What only the library can know of a key: is the point on the curve, does
     * the key import? Type and lengths have been checked. CRYPTO_OK,
     * CRYPTO_BAD_KEY, CRYPTO_NO_MEMORY or CRYPTO_INTERNAL. */
    crypto_status (*check_key)(crypto_alg alg, const crypto_key *key);

    /* The verdict. Type, lengths and the signature's exact length have been
     * checked; MACs are compared in constant time. Every handle of the library
     * is given back on every path. CRYPTO_OK, CRYPTO_BAD_SIGNATURE,
     * CRYPTO_BAD_KEY, CRYPTO_NO_MEMORY or CRYPTO_INTERNAL. */
    crypto_status (*verify)(crypto_alg alg, const crypto_key *key, crypto_span message,
                            crypto_span signature);
} crypto_backend;

#endif
