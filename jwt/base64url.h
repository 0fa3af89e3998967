/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url.h - the encoding of JOSE (RFC 4648 section 5 without padding, RFC
 * 7515 section 2), one text for one octet string and no other.
 */
#ifndef PG_SESSION_JWT_JWT_BASE64URL_H
#define PG_SESSION_JWT_JWT_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many octets len characters stand for. */
#define SJWT_BASE64URL_DECODED_LEN(len) ((len) / 4 * 3 + (len) % 4 * 3 / 4)
/* How many characters stand for len octets. */
#define SJWT_BASE64URL_ENCODED_LEN(len) ((len) / 3 * 4 + ((len) % 3 * 4 + 2) / 3)

/*
 * Decodes text[0..len) into out, which has room for
 * SJWT_BASE64URL_DECODED_LEN(len) octets. False for anything but the one right
 * encoding: padding, "+" or "/", blanks, a length that no octets have, bits set
 * beyond the last octet. *position (may be NULL) is then the first character
 * that cannot be, or len.
 */
bool sjwt_base64url_decode(const char *text, size_t len, uint8_t *out, size_t *position);

/* How many characters text[0..len) begins with that are of the alphabet. */
size_t sjwt_base64url_span(const char *text, size_t len);

/* Writes SJWT_BASE64URL_ENCODED_LEN(len) characters, and no NUL. */
void sjwt_base64url_encode(const uint8_t *octets, size_t len, char *out);

#endif
