/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/keyset.h - verification keys, parsed from a JWK or a JWK Set (RFC 7517).
 */
#ifndef SJWT_KEYSET_H
#define SJWT_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/algorithms.h>
#include <sjwt/export.h>
#include <sjwt/limits.h>
#include <sjwt/memory.h>
#include <sjwt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One or more verification keys. A set does not change once it is parsed, so that several
 * issuers and several threads may share it.
 *
 * Parsing looks at a key's type, curve and lengths. What only a crypto library can tell
 * (is the point on the curve?) is asked when the key is prepared: at the first token that
 * needs it, or by sjwt_keyset_prepare_all(). A key is prepared once for each algorithm.
 * That the library refuses a key is remembered; that there was no memory is not.
 */
typedef struct sjwt_keyset sjwt_keyset;

/*
 * Parses a JWK or a JWK Set (RFC 7517 sections 4 and 5). Private members are
 * never kept. A member that is null is absent. In a set, a key that is not usable (unknown
 * kty or curve, wrong length, "use" or "key_ops" that exclude verification, an algorithm
 * this build lacks …) is skipped and counted, and so is one whose octets, kid and algorithms
 * an earlier key has (SJWT_JWK_REPEATED). Several keys may have one kid. Errors are a single
 * JWK that is not usable, a set without a usable key (SJWT_JWK_NONE_USABLE), and one with
 * more than SJWT_MAX_KEYS usable keys (SJWT_JWK_TOO_MANY).
 *
 * Other failures: SJWT_JWK_TOO_LARGE (more than SJWT_MAX_KEYSET_SIZE octets),
 * SJWT_JWK_MALFORMED (not strict JSON; position), SJWT_JWK_NOT_A_KEY_SET (neither a "kty"
 * nor an array "keys"), SJWT_NO_MEMORY; and why a single JWK is
 * not usable: SJWT_JWK_MEMBER_INVALID, SJWT_JWK_KTY_UNKNOWN, SJWT_JWK_CRV_UNKNOWN,
 * SJWT_JWK_USE_REFUSED, SJWT_JWK_ALG_UNKNOWN, SJWT_JWK_ALG_MISMATCH, SJWT_JWK_UNSUPPORTED
 * (detail: the algorithm), SJWT_JWK_KEY_REFUSED (RSA has 2048 to 4096 bits and an exponent of
 * at most 64 bits, leading zero octets aside; a secret is no shorter than its hash, RFC 7518
 * section 3). detail names the member and what is wrong with it: "n" must be odd.
 */
SJWT_API sjwt_status sjwt_keyset_parse(const sjwt_allocator *allocator, const char *json,
                                       size_t len, sjwt_keyset **out, sjwt_error *error);

/*
 * Parses exactly one JWK with a public key. For a key that others may read.
 *
 * SJWT_OK, SJWT_JWK_TOO_LARGE, SJWT_JWK_MALFORMED, SJWT_JWK_NOT_A_KEY (a set, no object or no
 * "kty"), SJWT_JWK_SYMMETRIC (a shared secret), SJWT_NO_MEMORY, or why
 * the key is not usable, as sjwt_keyset_parse() says it of a single JWK.
 */
SJWT_API sjwt_status sjwt_keyset_parse_public_jwk(const sjwt_allocator *allocator, const char *json,
                                                  size_t len, sjwt_keyset **out, sjwt_error *error);

/* Also releases what was prepared. */
SJWT_API void sjwt_keyset_free(sjwt_keyset *keys);

/*
 * One set with the keys of several, at least one, in order; a key that an earlier set has
 * counts once. It borrows: the sets must outlive it and must not change. A key is prepared
 * once for all sets that have it. SJWT_OK or SJWT_NO_MEMORY.
 */
SJWT_API sjwt_status sjwt_keyset_join(const sjwt_allocator *allocator,
                                      const sjwt_keyset *const *sets, size_t count,
                                      sjwt_keyset **out, sjwt_error *error);

/*
 * Prepare the set's keys now: all of them for all their algorithms, or in order until one
 * key is usable. For those who tell in advance what the first token would show.
 *
 * SJWT_OK: one key at least is usable. Else the status and detail that
 * sjwt_keyset_parse() would have for such keys (SJWT_JWK_NONE_USABLE, or of a single JWK
 * SJWT_JWK_KEY_REFUSED or SJWT_JWK_UNSUPPORTED), SJWT_NO_MEMORY or SJWT_INTERNAL.
 * To prepare all of SJWT_MAX_KEYS keys may take a second.
 */
SJWT_API sjwt_status sjwt_keyset_prepare_all(const sjwt_keyset *keys, sjwt_error *error);
SJWT_API sjwt_status sjwt_keyset_prepare_any(const sjwt_keyset *keys, sjwt_error *error);

/* How many usable keys: those parsed, less those that were refused when they were
 * prepared. The algorithms that the keys parsed serve, together. */
SJWT_API size_t sjwt_keyset_count(const sjwt_keyset *keys);
SJWT_API sjwt_algorithm_set sjwt_keyset_algorithms(const sjwt_keyset *keys);

/* How many members of "keys" are of no use: skipped by parsing, or refused when they
 * were prepared. A repeated key is one of them. */
SJWT_API size_t sjwt_keyset_skipped_count(const sjwt_keyset *keys);

/* The n-th of them, in order: its index in "keys", its kid (NUL-terminated, owned by
 * the set; NULL where it has none that is a string) and why: status and detail of *why.
 * False when there is no n-th. Kept for the first 100. */
SJWT_API bool sjwt_keyset_skipped(const sjwt_keyset *keys, size_t n, size_t *index,
                                  const char **kid, sjwt_error *why);

/* Octets that belong to somebody else. */
typedef struct sjwt_octets {
    const uint8_t *data; /* may be NULL only where len is 0 */
    size_t len;
} sjwt_octets;

/*
 * All of a key that decides over a signature. Which octets, big-endian where
 * they are a number: OKP: x. EC: x and y. RSA: n and e, without leading zeros. oct:
 * the shared secret. An unused entry has the length 0.
 */
typedef struct sjwt_key_view {
    const char *kid;               /* NUL-terminated UTF-8, or NULL */
    sjwt_algorithm_set algorithms; /* those that it serves; of one key type and one curve */
    sjwt_octets octets[2];
} sjwt_key_view;

/* The n-th key parsed (0, 1, ...) in the order of the set, also one that was refused when
 * it was prepared; all of *out is owned by the set. False when there is no n-th. For a
 * digest of the set: do not copy the octets, which may be a secret. */
SJWT_API bool sjwt_keyset_key(const sjwt_keyset *keys, size_t n, sjwt_key_view *out);

#ifdef __cplusplus
}
#endif

#endif
