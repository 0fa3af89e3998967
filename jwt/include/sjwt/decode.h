/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/decode.h - decodes a token without verifying it.
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
 * Decodes a token for display, without verifying it. *header and *payload are
 * NUL-terminated copies, which the caller frees with the allocator's release, or
 * with free(). The header is a strict JSON object; the payload is any octets. The
 * signature is not decoded. On failure both are NULL.
 *
 * SJWT_OK, SJWT_TOO_LARGE (more than SJWT_MAX_TOKEN_SIZE octets, whatever the
 * policy), SJWT_MALFORMED, SJWT_HEADER_ENCODING, SJWT_HEADER_JSON,
 * SJWT_PAYLOAD_ENCODING or SJWT_NO_MEMORY.
 */
SJWT_API sjwt_status sjwt_decode_unverified(const sjwt_allocator *allocator, const char *token,
                                            size_t len, char **header, size_t *header_len,
                                            char **payload, size_t *payload_len, sjwt_error *error);

/* Does the text look like a token: three parts in base64url, of which the first begins
 * like an encoded JSON object ("eyJ")? For a hint in a message about a mistaken
 * argument only. */
SJWT_API bool sjwt_looks_like_token(const char *text, size_t len);

#ifdef __cplusplus
}
#endif

#endif
