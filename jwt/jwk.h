/*
 * jwk.h - the keys of a set as jws.c sees them.
 */
#ifndef PG_SESSION_JWT_JWT_JWK_H
#define PG_SESSION_JWT_JWT_JWK_H

#include <sjwt/keyset.h>
#include "jwt/json.h"
#include "crypto/crypto.h"

/* What a JWK says of itself besides its octets; the string is the tree's. */
typedef struct sjwt_jwk_profile {
    sjwt_crypto_key_type type;
    sjwt_crypto_curve curve;
    const char *kid;                  /* or NULL */
    const sjwt_crypto_algorithm *alg; /* NULL: not said */
} sjwt_jwk_profile;

/*
 * Reads it, without the octets. "use" and "key_ops", where there, must be for
 * signatures and for the operation ("verify" or "sign"). SJWT_OK, or the JWK_…
 * status that says what is wrong; error may be NULL.
 */
sjwt_status sjwt_jwk_read_profile(const sjwt_json_value *jwk, const char *operation,
                                  sjwt_jwk_profile *out, sjwt_error *error);

/* Is the algorithm for keys of this type and curve? */
bool sjwt_jwk_fits(const sjwt_jwk_profile *profile, const sjwt_crypto_algorithm *algorithm);

/* "kty" and "crv"; constant strings, of no curve NULL. */
const char *sjwt_key_type_name(sjwt_crypto_key_type type);
const char *sjwt_curve_name(sjwt_crypto_curve curve);

/* A usable verification key. One block of memory holds all of it. */
typedef struct sjwt_key {
    size_t size;                   /* of the block */
    sjwt_algorithm_set algorithms; /* those it may serve, and this build does */
    const char *kid;               /* NUL-terminated, or NULL */
    sjwt_crypto_key key;           /* borrows from octets */
    uint8_t octets[];
} sjwt_key;

/*
 * Reads one JWK (RFC 7517 section 4) out of a parsed text. SJWT_OK, the JWK_…
 * status that says why it is not usable, SJWT_NO_MEMORY, or SJWT_INTERNAL when
 * the backend failed. error may be NULL. *out is given back with sjwt_key_free().
 */
sjwt_status sjwt_key_read(const sjwt_allocator *allocator, const sjwt_json_value *jwk,
                          sjwt_key **out, sjwt_error *error);

/* Zeroes the key first: it may be a shared secret. */
void sjwt_key_free(const sjwt_allocator *allocator, sjwt_key *key);

/*
 * Reads a JWK or a JWK Set out of a parsed text, as sjwt_keyset_parse() does.
 * Positions in *error are 0.
 */
sjwt_status sjwt_keyset_read(const sjwt_allocator *allocator, const sjwt_json_value *root,
                             sjwt_keyset **out, sjwt_error *error);

/* The keys of the set in order: n is below sjwt_keyset_count(). */
const sjwt_key *sjwt_keyset_get(const sjwt_keyset *keys, size_t n);

/* Writes to out the keys that may verify a token of this algorithm, in order,
 * at most SJWT_MAX_CANDIDATE_KEYS, and returns how many. kid NULL: any key.
 * *kid_known: does the set have a key of this kid, of whatever algorithm? */
size_t sjwt_keyset_select(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg,
                          const sjwt_key **out, bool *kid_known);

#endif
