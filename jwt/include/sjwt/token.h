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

/* A token that was verified; there is no other kind. Immutable. */
typedef struct sjwt_token sjwt_token;

SJWT_API void sjwt_token_free(sjwt_token *token);

/* The decoded octets, verified, NUL-terminated beyond *len; the token's own. */
SJWT_API const char *sjwt_token_header(const sjwt_token *token, size_t *len);
SJWT_API const char *sjwt_token_payload(const sjwt_token *token, size_t *len);

/* The algorithm's name and the backend that verified; constant strings. */
SJWT_API const char *sjwt_token_algorithm(const sjwt_token *token);
SJWT_API const char *sjwt_token_backend(const sjwt_token *token);
/* The header's kid, NUL-terminated, or NULL; the token's own. */
SJWT_API const char *sjwt_token_key_id(const sjwt_token *token);
/* Which of the policy's issuers verified it. */
SJWT_API size_t sjwt_token_issuer_index(const sjwt_token *token);

/* Registered times as microseconds since the epoch, held to int64's range;
 * false where the claim is absent. */
SJWT_API bool sjwt_token_expires_at(const sjwt_token *token, int64_t *microseconds);
SJWT_API bool sjwt_token_not_before(const sjwt_token *token, int64_t *microseconds);
SJWT_API bool sjwt_token_issued_at(const sjwt_token *token, int64_t *microseconds);
/* The last microsecond at which sjwt_verify() accepts a token whose exp is expires_at, with a
 * leeway in seconds: their sum, held to int64's range. */
SJWT_API int64_t sjwt_valid_until(int64_t expires_at, uint32_t leeway);
/* jti where it is a 64-bit integer. */
SJWT_API bool sjwt_token_integer_id(const sjwt_token *token, int64_t *jti);

#ifdef __cplusplus
}
#endif

#endif
