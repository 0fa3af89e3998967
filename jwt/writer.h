/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - a growing text, for the JSON that signing writes. The text may hold private
 * key material: memory is wiped before it is freed.
 */
#ifndef PG_SESSION_JWT_JWT_WRITER_H
#define PG_SESSION_JWT_JWT_WRITER_H

#include "crypto/crypto.h"
#include <sjwt/memory.h>
#include <sjwt/status.h>

typedef struct sjwt_writer {
    sjwt_allocator allocator;
    char *text; /* NUL-terminated beyond len, unless failed */
    size_t len;
    size_t size;
    bool failed; /* no memory: nothing more is written */
} sjwt_writer;

/* allocator may be NULL. */
void sjwt_writer_start(sjwt_writer *writer, const sjwt_allocator *allocator);

/* Appends text unchanged. */
void sjwt_writer_put(sjwt_writer *writer, const char *text, size_t len);

/* Appends octets in base64url (RFC 7515 section 2). */
void sjwt_writer_put_base64url(sjwt_writer *writer, sjwt_crypto_span octets);

/* Appends '{' or ',' as needed, then a member: a string, which is escaped (RFC 8259
 * section 7), or octets in base64url. name must need no escapes. */
void sjwt_writer_member(sjwt_writer *writer, const char *name, const char *value);
void sjwt_writer_member_octets(sjwt_writer *writer, const char *name, sjwt_crypto_span octets);

/* Returns the text so far; it is valid until the next append. */
sjwt_crypto_span sjwt_writer_octets(const sjwt_writer *writer);

/* Passes the text to the caller, or wipes it and returns SJWT_NO_MEMORY. The writer
 * is empty afterwards. */
sjwt_status sjwt_writer_finish(sjwt_writer *writer, char **text, size_t *len);

/* Wipes and frees the text. */
void sjwt_writer_discard(sjwt_writer *writer);

#endif
