/*
 * sjwt/decode.h - looks at a token without verifying it.
 */
#ifndef SJWT_DECODE_H
#define SJWT_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <sjwt/export.h>
#include <sjwt/limits.h>
#include <sjwt/memory.h>
#include <sjwt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Decodes without verifying anything, for showing to a person. *header and
 * *payload are NUL-terminated copies made by the allocator (release each with
 * it); the header is a strict JSON object, the payload any octets. The third
 * part is not looked at. On failure both are NULL.
 *
 * SJWT_OK, SJWT_TOO_LARGE (more than SJWT_MAX_TOKEN_SIZE octets, whatever a policy
 * says), SJWT_MALFORMED, SJWT_HEADER_ENCODING, SJWT_HEADER_JSON,
 * SJWT_PAYLOAD_ENCODING or SJWT_NO_MEMORY.
 */
SJWT_API sjwt_status sjwt_decode_unverified(const sjwt_allocator *allocator, const char *token,
                                            size_t len, char **header, size_t *header_len,
                                            char **payload, size_t *payload_len, sjwt_error *error);

/* Is this, to all appearances, a token: three parts in base64url, the first of
 * which begins as a JSON object's encoding does ("eyJ")? For a hint to a person
 * who took one thing for the other, and for nothing else. */
SJWT_API bool sjwt_looks_like_token(const char *text, size_t len);

#ifdef __cplusplus
}
#endif

#endif
