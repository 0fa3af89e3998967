/*
 * jws.h - the compact serialization of RFC 7515, its header and its signature.
 */
#ifndef PG_SESSION_JWT_JWT_JWS_H
#define PG_SESSION_JWT_JWT_JWS_H

#include "jwt/json.h"
#include "jwt/jwt.h"
#include "crypto/crypto.h"

/* A compact JWS, taken apart but not yet believed. */
typedef struct jws_object {
    jwt_token *token;                  /* header and signature decoded, payload not */
    jwt_json header;                   /* of token's octets */
    crypto_span message;               /* what was signed; borrowed from the text */
    crypto_span payload_text;          /* still encoded; borrowed from the text */
    size_t payload_offset;             /* in the text */
    const crypto_algorithm *algorithm; /* NULL: the header names none */
} jws_object;

/* The three parts of text, still encoded. JWT_OK or JWT_MALFORMED. */
jwt_status jws_split(const char *text, size_t len, crypto_span *header, crypto_span *payload,
                     crypto_span *signature, jwt_error *error);

/*
 * Takes a JWS of at most max_size octets apart (0: JWT_MAX_TOKEN_SIZE) and
 * refuses what no trust could make good: bad encodings of header and signature,
 * a header that is not strict JSON, critical extensions, an unknown algorithm.
 * text is borrowed until jws_close(), which is harmless after a failure.
 */
jwt_status jws_open(const jwt_allocator *allocator, const char *text, size_t len, size_t max_size,
                    jws_object *out, jwt_error *error);

/* Gives back all, also the token where it has not been taken (set to NULL). */
void jws_close(jws_object *jws);

/* Decodes the payload into the token. JWT_OK or JWT_PAYLOAD_ENCODING. */
jwt_status jws_decode_payload(jws_object *jws, jwt_error *error);

/* Does the header fit the trust: is the algorithm allowed and served, the type
 * accepted? */
jwt_status jws_check_header(jws_object *jws, const jwt_trust *trust, jwt_error *error);

/* Is the signature of a key of the trust that the header may mean? */
jwt_status jws_check_signature(jws_object *jws, const jwt_trust *trust, jwt_error *error);

#endif
