/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwk.h - keys and key sets, as the core's own files see them.
 */
#ifndef PG_SESSION_JWT_JWT_JWK_H
#define PG_SESSION_JWT_JWT_JWK_H

#include <sjwt/keyset.h>
#include "jwt/json.h"
#include "crypto/crypto.h"

/* What a JWK says besides its octets; kid belongs to the parsed text. */
typedef struct sjwt_jwk_profile {
    sjwt_crypto_key_type type;
    sjwt_crypto_curve curve;
    const char *kid;                  /* or NULL */
    const sjwt_crypto_algorithm *alg; /* NULL: there is no "alg" */
} sjwt_jwk_profile;

/*
 * Reads a JWK's profile. "use" and "key_ops", where they are present, must be for
 * signatures and for the operation ("verify" or "sign"). SJWT_OK, or the JWK_…
 * status that says what is wrong; error may be NULL.
 */
sjwt_status sjwt_jwk_read_profile(const sjwt_json_value *jwk, const char *operation,
                                  sjwt_jwk_profile *out, sjwt_error *error);

/* A JWK's member. NULL if it is absent, or null: some issuers write null for what they do
 * not have. */
const sjwt_json_value *sjwt_jwk_member(const sjwt_json_value *jwk, const char *name);

/*
 * Read octets in two steps, so that the memory for all of a key can be taken between them.
 * is_integer: a number, whose leading zero octets are left out (RFC 7518 section 2 forbids
 * them, and some issuers write them). name is a constant.
 *
 * The first gives the member's encoded text, which belongs to the parsed text. The second
 * decodes it into buf, which has room for SJWT_BASE64URL_DECODED_LEN() of it. SJWT_OK or
 * SJWT_JWK_MEMBER_INVALID (detail: the member and what is wrong with it).
 */
sjwt_status sjwt_jwk_read_text(const sjwt_json_value *jwk, const char *name, bool is_integer,
                               const char **out, sjwt_error *error);
sjwt_status sjwt_jwk_decode(const char *text, const char *name, bool is_integer, uint8_t *buf,
                            sjwt_crypto_span *out, sjwt_error *error);

/* Is the algorithm for keys of this type and curve? */
bool sjwt_jwk_fits(const sjwt_jwk_profile *profile, const sjwt_crypto_algorithm *algorithm);

/* "kty" and "crv"; constant strings. NULL for SJWT_CRYPTO_CURVE_NONE. */
const char *sjwt_key_type_name(sjwt_crypto_key_type type);
const char *sjwt_curve_name(sjwt_crypto_curve curve);

/* A key's state for one algorithm. Only sjwt_key_prepare() and sjwt_key_free() use it. */
typedef struct sjwt_key_slot sjwt_key_slot;

/* A verification key of a set. One block of memory holds all of it but the handles of
 * the crypto libraries. */
typedef struct sjwt_key {
    size_t size;                   /* of the block */
    size_t index;                  /* of the JWK in "keys"; 0 for a single JWK */
    sjwt_algorithm_set algorithms; /* those that its type and lengths fit, and this build has */
    const char *kid;               /* NUL-terminated, or NULL */
    uint64_t hash;                 /* of octets and kid */
    sjwt_crypto_key_octets octets; /* borrows from the end of the block */
    sjwt_key_slot *slots;          /* one for each of algorithms, in the order of their numbers */
} sjwt_key;

/*
 * Reads one JWK (RFC 7517 section 4) out of a parsed text. No crypto library is
 * asked. SJWT_OK, the JWK_… status that says why it is not usable, or
 * SJWT_NO_MEMORY. error may be NULL. *out is given back with sjwt_key_free().
 */
sjwt_status sjwt_key_read(const sjwt_allocator *allocator, const sjwt_json_value *jwk,
                          sjwt_key **out, sjwt_error *error);

/* The octets of the key's one or two members, in the order of sjwt_key_view. */
void sjwt_key_get_octets(const sjwt_key *key, sjwt_crypto_span out[2]);

/* Have both the same octets, kid and algorithms? */
bool sjwt_key_is_same(const sjwt_key *left, const sjwt_key *right);

/*
 * The key prepared for alg, which is one of its algorithms. It is prepared at the
 * first call; what a library says against it is remembered, but not that there was
 * no memory, or that the library failed. Several threads may call this for one key.
 *
 * SJWT_OK: *out is good until the key is freed. SJWT_JWK_KEY_REFUSED (the library
 * refuses the key), SJWT_JWK_UNSUPPORTED (it lacks the algorithm), SJWT_NO_MEMORY
 * or SJWT_INTERNAL.
 */
sjwt_status sjwt_key_prepare(const sjwt_key *key, sjwt_crypto_alg alg, sjwt_crypto_key *out);

/*
 * Prepares the key for its algorithms: for all of them, or until one is good.
 * SJWT_OK: one is good at least. SJWT_JWK_KEY_REFUSED, SJWT_JWK_UNSUPPORTED (detail:
 * the algorithm), SJWT_NO_MEMORY or SJWT_INTERNAL. error may be NULL.
 */
sjwt_status sjwt_key_prepare_all(const sjwt_key *key, sjwt_error *error);
sjwt_status sjwt_key_prepare_any(const sjwt_key *key, sjwt_error *error);

/* The key's algorithms without those for which it was refused when it was prepared. */
sjwt_algorithm_set sjwt_key_usable_algorithms(const sjwt_key *key);

/* Releases the handles, and zeroes the key: it may be a shared secret. */
void sjwt_key_free(const sjwt_allocator *allocator, sjwt_key *key);

/*
 * Reads a JWK or a JWK Set out of a parsed text, as sjwt_keyset_parse() does.
 * Positions in *error are 0.
 */
sjwt_status sjwt_keyset_read(const sjwt_allocator *allocator, const sjwt_json_value *root,
                             sjwt_keyset **out, sjwt_error *error);

/* All keys of the set, in order, also those that were refused when they were prepared:
 * n is below sjwt_keyset_size(). */
size_t sjwt_keyset_size(const sjwt_keyset *keys);
const sjwt_key *sjwt_keyset_get(const sjwt_keyset *keys, size_t n);

/* What sjwt_key_usable_algorithms() says of its keys, together. */
sjwt_algorithm_set sjwt_keyset_usable_algorithms(const sjwt_keyset *keys);

/* Which keys of a set may verify a token. Its members are keyset.c's. */
typedef struct sjwt_candidates {
    const sjwt_keyset *keys;
    sjwt_crypto_alg alg;
    const char *kid; /* borrowed; NULL: keys with any kid or none */
    bool kid_known;  /* the set has keys of this kid, of whatever algorithm; else those without
                        a kid are the candidates */
    size_t next;
} sjwt_candidates;

/* Starts to go through the keys that may verify a token of this kid (NULL: none) and alg. */
void sjwt_keyset_find(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg,
                      sjwt_candidates *out);

/* The next of them, in the order of the set; NULL after the last one. A key that was refused
 * when it was prepared is among them. */
const sjwt_key *sjwt_candidates_next(sjwt_candidates *candidates);

#endif
