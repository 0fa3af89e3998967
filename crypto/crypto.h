/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto.h - does this signature over these octets belong to this key?
 *
 * The contract between the JOSE core (the caller) and a crypto library (a
 * backend). It knows no JSON, no token and no PostgreSQL.
 *
 * A key has two forms. Its octets are what a JWK says, borrowed from the caller.
 * A prepared key is the octets that a backend has checked for one algorithm,
 * with the backend's handle. A key is prepared once, verifies many signatures,
 * and is released by its owner.
 *
 * Threads: several threads may call the functions here at the same time, also
 * with one prepared key. A prepared key is released when no thread uses it.
 * What each backend does for that:
 *   sodium   libsodium keeps no state between calls: nothing is locked.
 *   mbedtls  the key store of the library's PSA API is not safe in 2.28, and in
 *            later versions only if it is built so: a mutex of the backend
 *            lets one thread at a time verify or prepare with it.
 *   openssl  the library locks what its threads share. A verification works on
 *            its own copy of the prepared context.
 * The functions of sign.h are for one thread alone.
 *
 * A library is initialized at its first use in a process, never at load time:
 * a server forks after it has loaded its modules.
 *
 * Two readers: a caller needs the types and the functions of the first part;
 * the author of a backend implements the struct of the last part
 * (crypto/README.md explains it).
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

/* The result of a call. A caller tells a forged token from a key that cannot
 * work and from a library that failed. */
typedef enum sjwt_crypto_status {
    SJWT_CRYPTO_OK = 0,
    SJWT_CRYPTO_BAD_SIGNATURE, /* the key is good, and the signature is not by it */
    SJWT_CRYPTO_BAD_KEY,       /* wrong type, curve or length, too weak, not on the curve */
    SJWT_CRYPTO_UNSUPPORTED, /* no backend of this build, or not this library, has the algorithm */
    SJWT_CRYPTO_NO_MEMORY,
    SJWT_CRYPTO_INTERNAL /* the library failed; key and signature may be good */
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
 * The octets of a verification key, borrowed, big-endian where they are a number.
 * Which spans are filled follows from type:
 *   OKP  x (the encoded point, RFC 8032)
 *   EC   x, y (exactly the curve's field length, leading zeros kept)
 *   RSA  n, e (no leading zeros)
 *   OCT  k (the shared secret)
 */
typedef struct sjwt_crypto_key_octets {
    sjwt_crypto_key_type type;
    sjwt_crypto_curve curve;
    sjwt_crypto_span x, y;
    sjwt_crypto_span n, e;
    sjwt_crypto_span k;
} sjwt_crypto_key_octets;

/*
 * A key that was prepared for one algorithm. A key that serves several
 * algorithms is prepared for each of them by itself: they may have different
 * backends. Made by sjwt_crypto_prepare(); its members are for the backend.
 */
typedef struct sjwt_crypto_key {
    sjwt_crypto_alg alg;
    const sjwt_crypto_key_octets *octets; /* the caller's: it outlives the key */
    void *handle;                         /* the backend's; NULL if it needs none */
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

/*
 * Initializes the library of the backend that verifies alg, and asks whether it has
 * the algorithm. SJWT_CRYPTO_OK, SJWT_CRYPTO_UNSUPPORTED (also where no backend of
 * this build verifies it), SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_probe(sjwt_crypto_alg alg);

/* What the backend that verifies alg says of its library: module and version, or why
 * the library cannot be used. "" where it says nothing. The backend's own string, of
 * the last initialization. */
const char *sjwt_crypto_describe(sjwt_crypto_alg alg);

/* The names of the build's backends, in order of preference, separated by
 * ", "; a constant string. */
const char *sjwt_crypto_backend_names(void);

/*
 * Do the key's type, curve and lengths fit the algorithm? RSA: 2048 to 4096 bits,
 * an odd modulus, and an odd public exponent from 3 up of at most 64 bits, since
 * a longer one makes each verification slow (RFC 7518 sections 3.3 and 3.5,
 * RFC 8017 section 3.1). HMAC: a secret no shorter than the hash (RFC 7518
 * section 3.2) and no longer than 8191 octets.
 *
 * Asks no library and takes no memory: it costs nothing to call it for each key
 * of a large set. Whether the point is on the curve is not known yet.
 *
 * Returns SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY, or else SJWT_CRYPTO_UNSUPPORTED.
 */
sjwt_crypto_status sjwt_crypto_check_octets(sjwt_crypto_alg alg,
                                            const sjwt_crypto_key_octets *octets);

/* What a member of a key must be and is not, for a message: "n" must "have at least" 2048
 * "bits". All constant strings. */
typedef struct sjwt_crypto_fault {
    const char *member; /* NULL: nothing is wrong */
    const char *must;
    size_t number; /* 0: must says all */
    const char *unit;
} sjwt_crypto_fault;

/* The first fault that sjwt_crypto_check_octets() finds in octets of alg's type and curve. */
sjwt_crypto_fault sjwt_crypto_octets_fault(sjwt_crypto_alg alg,
                                           const sjwt_crypto_key_octets *octets);

/* The exact length in octets of a signature by this key, which
 * sjwt_crypto_check_octets() has accepted for alg. */
size_t sjwt_crypto_signature_length(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets);

/*
 * Prepares octets for alg: sjwt_crypto_check_octets(), then the backend's check
 * (the point is on the curve and not of small order, the library imports the
 * key). Initializes the backend's library at its first use in the process.
 *
 * On SJWT_CRYPTO_OK the caller owns *key, must call sjwt_crypto_release() on it,
 * and keeps *octets as they are until then. On failure there is nothing to
 * release. SJWT_CRYPTO_BAD_KEY and SJWT_CRYPTO_UNSUPPORTED are final for these
 * octets; SJWT_CRYPTO_NO_MEMORY and SJWT_CRYPTO_INTERNAL are not.
 */
sjwt_crypto_status sjwt_crypto_prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                       sjwt_crypto_key *key);

/*
 * Does signature, in JOSE's form (RFC 7518 section 3: R||S for ECDSA, the
 * octets of RFC 8032 for EdDSA, the MAC for HMAC), over message belong to key?
 *
 * A signature of any other than the exact length is SJWT_CRYPTO_BAD_SIGNATURE;
 * the backend is not asked. Nothing is kept of the arguments. Returns
 * SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_SIGNATURE, SJWT_CRYPTO_NO_MEMORY or
 * SJWT_CRYPTO_INTERNAL.
 */
sjwt_crypto_status sjwt_crypto_verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                      sjwt_crypto_span signature);

/* Gives back the backend's handle. */
void sjwt_crypto_release(const sjwt_crypto_key *key);

/* ------------------------------------------------------------------------
 * What a backend implements. An algorithm that the library lacks is a cleared bit
 * in verifies; the backend is never asked for it.
 * A backend logs nothing and never aborts. It keeps nothing between calls but
 * what init made and the handles. All but init may be called by several threads
 * at the same time.
 */
typedef struct sjwt_crypto_backend {
    const char *name;

    /* SJWT_CRYPTO_BIT(alg) is set for each algorithm served. Declared, not probed:
     * constant for the life of the process. */
    uint32_t verifies;

    /* Initializes the library. Called by one thread at a time, before the first
     * prepare in a process; after a failure it is called again. It is idempotent.
     * SJWT_CRYPTO_OK, SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*init)(void);

    /* May be NULL. After init: the library's module and its version, or why init
     * failed; one line, the backend's own. */
    const char *(*describe)(void);

    /* May be NULL: all of verifies. Has the library, as it is configured in this
     * process, the algorithm? Called after an init that succeeded. SJWT_CRYPTO_OK,
     * SJWT_CRYPTO_UNSUPPORTED, which prepare says as well, or SJWT_CRYPTO_NO_MEMORY. */
    sjwt_crypto_status (*probe)(sjwt_crypto_alg alg);

    /* Checks what only the library can know of a key: is the point on the curve,
     * does the key import? Type and lengths have been checked. *handle is NULL
     * when called; the backend puts there what it wants to have in verify (a key
     * object of the library, an encoded key), or leaves NULL. The handle may
     * point into *octets, which outlive it. On failure *handle stays NULL.
     * SJWT_CRYPTO_OK, SJWT_CRYPTO_BAD_KEY, SJWT_CRYPTO_UNSUPPORTED (the library as it is
     * configured in this process has not the algorithm), SJWT_CRYPTO_NO_MEMORY or
     * SJWT_CRYPTO_INTERNAL. The first three are remembered, the last two are not. */
    sjwt_crypto_status (*prepare)(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                  void **handle);

    /* The verdict. key was prepared by this backend, for key->alg. The signature
     * has the exact length, and neither pointer is NULL. MACs are compared in
     * constant time. The handle is not changed. SJWT_CRYPTO_OK,
     * SJWT_CRYPTO_BAD_SIGNATURE, SJWT_CRYPTO_NO_MEMORY or SJWT_CRYPTO_INTERNAL. */
    sjwt_crypto_status (*verify)(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                 sjwt_crypto_span signature);

    /* Frees a handle that prepare made; never called with NULL. May itself be NULL
     * where prepare makes no handles. */
    void (*release)(void *handle);
} sjwt_crypto_backend;

#endif
