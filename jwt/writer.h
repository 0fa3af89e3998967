/*
 * writer.h - text that grows, for the few fixed shapes of JSON that signing
 * makes. It may hold private key material: each piece of memory is wiped before
 * it is given back.
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

/* Text as it is. */
void sjwt_writer_put(sjwt_writer *writer, const char *text, size_t len);

/* Octets in base64url (RFC 7515 section 2). */
void sjwt_writer_put_base64url(sjwt_writer *writer, sjwt_crypto_span octets);

/* '{' or ',' as needed, then a member: a string, escaped (RFC 8259 section 7),
 * or octets in base64url. name needs no escapes. */
void sjwt_writer_member(sjwt_writer *writer, const char *name, const char *value);
void sjwt_writer_member_octets(sjwt_writer *writer, const char *name, sjwt_crypto_span octets);

/* The text so far, borrowed until more is written. */
sjwt_crypto_span sjwt_writer_octets(const sjwt_writer *writer);

/* Hands the text over, or wipes it and returns SJWT_NO_MEMORY. The writer is
 * empty afterwards. */
sjwt_status sjwt_writer_finish(sjwt_writer *writer, char **text, size_t *len);

/* Wipes and gives back what was written. */
void sjwt_writer_discard(sjwt_writer *writer);

#endif
