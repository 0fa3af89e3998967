/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.h - the text of a JWK, a JWK Set or a document of issuers.
 */
#ifndef PG_SESSION_JWT_JWT_DOCUMENT_H
#define PG_SESSION_JWT_JWT_DOCUMENT_H

#include <sjwt/memory.h>
#include <sjwt/status.h>
#include "jwt/json.h"

/*
 * Parses text[0..len), at most SJWT_MAX_KEYSET_SIZE octets of strict JSON. What the
 * parser copies of it is zeroed when it is freed: it may be a shared secret. The caller
 * gives *out back with sjwt_json_free(), also after a failure. SJWT_OK, too_large,
 * malformed (position) or SJWT_NO_MEMORY.
 */
sjwt_status sjwt_document_parse(const sjwt_allocator *allocator, const char *text, size_t len,
                                sjwt_status too_large, sjwt_status malformed, sjwt_json *out,
                                sjwt_error *error);

#endif
