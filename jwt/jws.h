/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jws.h - the compact serialization of RFC 7515, its header and its signature.
 */
#ifndef PG_SESSION_JWT_JWT_JWS_H
#define PG_SESSION_JWT_JWT_JWS_H

#include "jwt/json.h"
#include <sjwt/memory.h>
#include <sjwt/policy.h>
#include <sjwt/status.h>
#include <sjwt/token.h>
#include "crypto/crypto.h"

/* A compact JWS, split but not yet verified. */
typedef struct sjwt_jws_object {
    sjwt_token *token;                      /* header and signature decoded, payload not */
    sjwt_json header;                       /* of token's octets */
    sjwt_crypto_span message;               /* what was signed; borrowed from the text */
    sjwt_crypto_span payload_text;          /* still encoded; borrowed from the text */
    size_t payload_offset;                  /* in the text */
    const sjwt_crypto_algorithm *algorithm; /* NULL: the header names none */
} sjwt_jws_object;

/* The three parts of text, still encoded. SJWT_OK or SJWT_MALFORMED. */
sjwt_status sjwt_jws_split(const char *text, size_t len, sjwt_crypto_span *header,
                           sjwt_crypto_span *payload, sjwt_crypto_span *signature,
                           sjwt_error *error);

/* Sets the detail of *error, which has this status, where the text's form explains it. */
void sjwt_jws_explain(const char *text, size_t len, sjwt_status status, sjwt_error *error);

/*
 * Takes a JWS of at most max_size octets apart (0: SJWT_MAX_TOKEN_SIZE) and
 * refuses what is invalid under any policy: bad encodings of header and signature,
 * a header that is not strict JSON, critical extensions, an unknown algorithm.
 * text is borrowed until sjwt_jws_close(), which is harmless after a failure.
 */
sjwt_status sjwt_jws_open(const sjwt_allocator *allocator, const char *text, size_t len,
                          size_t max_size, sjwt_jws_object *out, sjwt_error *error);

/* Gives back all, also the token where it has not been taken (set to NULL). */
void sjwt_jws_close(sjwt_jws_object *jws);

/* Decodes the payload into the token. SJWT_OK or SJWT_PAYLOAD_ENCODING. */
sjwt_status sjwt_jws_decode_payload(sjwt_jws_object *jws, sjwt_error *error);

/* Is type, which may be NULL, in the list? Without regard to case and to a leading
 * "application/"; each is in an empty list. */
bool sjwt_jws_is_accepted_type(const char *type, const sjwt_string_list *accepted);

/* Does the policy allow the header's algorithm and type, and does this build have the
 * algorithm? */
sjwt_status sjwt_jws_check_header(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                  sjwt_error *error);

/* Has the policy a key that the header may mean? Keeps the header's kid in the token. */
sjwt_status sjwt_jws_check_key_id(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                  sjwt_error *error);

/* The same, and is the signature by one of these keys? */
sjwt_status sjwt_jws_check_signature(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                     sjwt_error *error);

#endif
