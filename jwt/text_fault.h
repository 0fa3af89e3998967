/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text_fault.h - what a refused text has that its maker did not mean, for a message.
 */
#ifndef PG_SESSION_JWT_JWT_TEXT_FAULT_H
#define PG_SESSION_JWT_JWT_TEXT_FAULT_H

#include <stddef.h>

/* What a text that is refused as a compact JWS has beside the token, or instead of it: an
 * authentication scheme, quotes, blanks, a byte order mark. A constant string; NULL if there
 * is nothing that this function knows. */
const char *sjwt_token_text_fault(const char *text, size_t len);

/* The same for a text that is refused as JSON: a byte order mark, another format. */
const char *sjwt_json_text_fault(const char *text, size_t len);

#endif
