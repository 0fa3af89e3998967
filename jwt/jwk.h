/*
 * jwk.h - the keys of a set as jws.c sees them.
 */
#ifndef PG_SESSION_JWT_JWT_JWK_H
#define PG_SESSION_JWT_JWT_JWK_H

#include "jwt/jwt.h"
#include "jwt/json.h"
#include "crypto/crypto.h"

/* What a JWK says of itself besides its octets; the string is the tree's. */
typedef struct jwt_jwk_profile {
    crypto_key_type type;
    crypto_curve curve;
    const char *kid;             /* or NULL */
    const crypto_algorithm *alg; /* NULL: not said */
} jwt_jwk_profile;

/*
 * Reads it, without the octets. "use" and "key_ops", where there, must be for
 * signatures and for the operation ("verify" or "sign"). JWT_OK, or the JWK_…
 * status that says what is wrong; error may be NULL.
 */
jwt_status jwt_jwk_read_profile(const jwt_json_value *jwk, const char *operation,
                                jwt_jwk_profile *out, jwt_error *error);

/* Is the algorithm for keys of this type and curve? */
bool jwt_jwk_fits(const jwt_jwk_profile *profile, const crypto_algorithm *algorithm);

/* "kty" and "crv"; constant strings, of no curve NULL. */
const char *jwt_key_type_name(crypto_key_type type);
const char *jwt_curve_name(crypto_curve curve);

/* A usable verification key. One block of memory holds all of it. */
typedef struct jwt_key {
    size_t size;                  /* of the block */
    jwt_algorithm_set algorithms; /* those it may serve, and this build does */
    const char *kid;              /* NUL-terminated, or NULL */
    crypto_key key;               /* borrows from octets */
    uint8_t octets[];
} jwt_key;

/*
 * Reads one JWK (RFC 7517 section 4) out of a parsed text. JWT_OK, the JWK_…
 * status that says why it is not usable, JWT_NO_MEMORY, or JWT_INTERNAL when
 * the backend failed. error may be NULL. *out is given back with jwt_key_free().
 */
jwt_status jwt_key_read(const jwt_allocator *allocator, const jwt_json_value *jwk, jwt_key **out,
                        jwt_error *error);

/* Zeroes the key first: it may be a shared secret. */
void jwt_key_free(const jwt_allocator *allocator, jwt_key *key);

/*
 * Reads a JWK or a JWK Set out of a parsed text, as jwt_keyset_parse() does.
 * Positions in *error are 0.
 */
jwt_status jwt_keyset_read(const jwt_allocator *allocator, const jwt_json_value *root,
                           jwt_keyset **out, jwt_error *error);

/* The keys of the set in order: n is below jwt_keyset_count(). */
const jwt_key *jwt_keyset_get(const jwt_keyset *keys, size_t n);

/* Writes to out the keys that may verify a token of this algorithm, in order,
 * at most JWT_MAX_CANDIDATE_KEYS, and returns how many. kid NULL: any key.
 * *kid_known: does the set have a key of this kid, of whatever algorithm? */
size_t jwt_keyset_select(const jwt_keyset *keys, const char *kid, crypto_alg alg,
                         const jwt_key **out, bool *kid_known);

#endif
