/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - private keys and signed tokens, for the command-line tool and the tests.
 *
 * Never linked into the extension. The conventions are those of sjwt.h. Every copy
 * of private key material is wiped before its memory is freed. There
 * is one exception: if the JSON parser runs out of memory, it frees what it has read
 * without wiping it.
 */
#ifndef PG_SESSION_JWT_JWT_SIGN_H
#define PG_SESSION_JWT_JWT_SIGN_H

#include <sjwt/keyset.h>
#include <sjwt/memory.h>
#include <sjwt/status.h>

/* A key to sign with: private, or a shared secret. Immutable. */
typedef struct sjwt_private_key sjwt_private_key;

/*
 * Parses one private JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). All
 * members of its type are needed, public and private; an RSA key has two primes
 * and its CRT members (RFC 7518 section 6.3.2). "use" and "key_ops", if present,
 * must allow signing. The signer checks that the two halves belong together when the
 * key is used.
 *
 * SJWT_OK, SJWT_NO_MEMORY or one of the JWK_... statuses.
 */
sjwt_status sjwt_private_key_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                                   sjwt_private_key **out, sjwt_error *error);

/*
 * Makes a new key for the algorithm called alg. bits: the size of an RSA modulus
 * or a shared secret, a multiple of 8; 0 for the usual size, and for all other types.
 * kid (NUL-terminated UTF-8) may be NULL: none.
 *
 * SJWT_OK, SJWT_ALG_UNKNOWN, SJWT_ALG_UNSUPPORTED, SJWT_KID_INVALID (not UTF-8),
 * SJWT_JWK_KEY_REFUSED (no such size), SJWT_NO_MEMORY or SJWT_INTERNAL.
 */
sjwt_status sjwt_private_key_generate(const sjwt_allocator *allocator, const char *alg, size_t bits,
                                      const char *kid, sjwt_private_key **out, sjwt_error *error);

/*
 * Reads a key from PEM (RFC 7468) or DER: a public or private key, or a certificate, of which only
 * the key is read. with_private: its private half, which the document must have then; else the
 * key cannot sign, and only sjwt_private_key_print_public() takes it.
 *
 * alg may be NULL: none. kid (NUL-terminated UTF-8) may be NULL: the thumbprint of RFC 7638.
 *
 * SJWT_OK, SJWT_JWK_MALFORMED (no such key in the document), SJWT_JWK_KEY_REFUSED (alg is for other
 * keys, or the size is), SJWT_ALG_UNKNOWN, SJWT_KID_INVALID, SJWT_JWK_UNSUPPORTED (no library of
 * this build reads documents), SJWT_NO_MEMORY or SJWT_INTERNAL.
 */
sjwt_status sjwt_private_key_read_document(const sjwt_allocator *allocator, const char *document,
                                           size_t len, bool with_private, const char *alg,
                                           const char *kid, sjwt_private_key **out,
                                           sjwt_error *error);

/* The public keys of a set as PEM, one after the other; freed with the allocator.
 * SJWT_OK, SJWT_JWK_SYMMETRIC, SJWT_JWK_KEY_REFUSED, SJWT_ALG_UNSUPPORTED (no library of this build
 * writes PEM), SJWT_NO_MEMORY or SJWT_INTERNAL. */
sjwt_status sjwt_keyset_print_pem(const sjwt_allocator *allocator, const sjwt_keyset *keys,
                                  char **pem, size_t *len, sjwt_error *error);

void sjwt_private_key_free(sjwt_private_key *key);

/* Returns the algorithm that the key signs with by default: its "alg", or else its
 * curve's, RS256 for RSA and HS256 for a secret. A constant string. */
const char *sjwt_private_key_algorithm(const sjwt_private_key *key);

/*
 * The key as JWK text (RFC 7517 section 4), NUL-terminated beyond *len, on one
 * line without a newline; freed with sjwt_secret_text_free(). The public
 * text has the same "kid", "alg" and "use"; a shared secret has none
 * (SJWT_JWK_SYMMETRIC), nor has a key whose halves do not belong together
 * (SJWT_JWK_KEY_REFUSED). SJWT_NO_MEMORY, SJWT_INTERNAL or, for the public text,
 * SJWT_ALG_UNSUPPORTED are other errors.
 */
sjwt_status sjwt_private_key_print(const sjwt_private_key *key, char **json, size_t *len,
                                   sjwt_error *error);
sjwt_status sjwt_private_key_print_public(const sjwt_private_key *key, char **json, size_t *len,
                                          sjwt_error *error);

/* Wipes and frees a text that was made with key; text may be NULL. */
void sjwt_secret_text_free(const sjwt_private_key *key, char *text, size_t len);

/* The header of a token to be made. All NULL is {"alg":…} with the key's "kid". */
typedef struct sjwt_jws_header {
    const char *alg;   /* NULL: sjwt_private_key_algorithm() */
    const char *kid;   /* NULL: the key's, if any */
    const char *typ;   /* NULL: none */
    const char *exact; /* if not NULL, the header is exactly these octets, */
    size_t exact_len;  /* and the token is still signed with alg */
} sjwt_jws_header;

/*
 * Makes a compact JWS (RFC 7515 section 5.1) of any payload. *token is
 * NUL-terminated beyond *token_len and freed with the allocator.
 *
 * SJWT_OK, SJWT_ALG_UNKNOWN, SJWT_ALG_MISMATCH, SJWT_ALG_UNSUPPORTED, SJWT_JWK_KEY_REFUSED
 * (too short for alg, or its halves do not belong together), SJWT_KID_INVALID,
 * SJWT_HEADER_JSON (typ is not UTF-8), SJWT_NO_MEMORY, SJWT_INTERNAL.
 */
sjwt_status sjwt_jws_sign(const sjwt_allocator *allocator, const sjwt_private_key *key,
                          const sjwt_jws_header *header, const char *payload, size_t len,
                          char **token, size_t *token_len, sjwt_error *error);

/* The same for a claims set (RFC 7519 section 7.1). SJWT_PAYLOAD_JSON if claims is
 * not a strict JSON object, SJWT_TOO_LARGE if the token would have more than
 * SJWT_MAX_TOKEN_SIZE octets. */
sjwt_status sjwt_sign(const sjwt_allocator *allocator, const sjwt_private_key *key,
                      const sjwt_jws_header *header, const char *claims, size_t len, char **token,
                      size_t *token_len, sjwt_error *error);

#endif
