/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/token.h - a verified token and its claims.
 */
#ifndef SJWT_TOKEN_H
#define SJWT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A verified token; there are no others. It does not change. */
typedef struct sjwt_token sjwt_token;

SJWT_API void sjwt_token_free(sjwt_token *token);

/* The decoded header and payload: *len octets with a NUL after them, owned by the token. */
SJWT_API const char *sjwt_token_header(const sjwt_token *token, size_t *len);
SJWT_API const char *sjwt_token_payload(const sjwt_token *token, size_t *len);

/* The names of the algorithm and of the backend that verified it; constant strings. */
SJWT_API const char *sjwt_token_algorithm(const sjwt_token *token);
SJWT_API const char *sjwt_token_backend(const sjwt_token *token);
/* The header's kid, NUL-terminated and owned by the token; NULL if there is none. */
SJWT_API const char *sjwt_token_key_id(const sjwt_token *token);
/* The index of the policy's issuer that the token was verified for. */
SJWT_API size_t sjwt_token_issuer_index(const sjwt_token *token);

/* exp, nbf and iat in microseconds since 1970, limited to the range of int64. False if the
 * claim is absent. */
SJWT_API bool sjwt_token_expires_at(const sjwt_token *token, int64_t *microseconds);
SJWT_API bool sjwt_token_not_before(const sjwt_token *token, int64_t *microseconds);
SJWT_API bool sjwt_token_issued_at(const sjwt_token *token, int64_t *microseconds);
/* The last microsecond at which sjwt_verify() accepts a token whose exp is expires_at, with a
 * leeway in seconds: their sum, limited to the range of int64. */
SJWT_API int64_t sjwt_valid_until(int64_t expires_at, uint32_t leeway);
/* jti, if it is a 64-bit integer; else false. */
SJWT_API bool sjwt_token_integer_id(const sjwt_token *token, int64_t *jti);

#ifdef __cplusplus
}
#endif

#endif
