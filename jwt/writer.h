/*
 * writer.h - text that grows, for the few fixed shapes of JSON that signing
 * makes. It may hold private key material: each piece of memory is wiped before
 * it is given back.
 */
#ifndef PG_SESSION_JWT_JWT_WRITER_H
#define PG_SESSION_JWT_JWT_WRITER_H

#include "crypto/crypto.h"
#include "jwt/jwt.h"

typedef struct jwt_writer {
    jwt_allocator allocator;
    char *text; /* NUL-terminated beyond len, unless failed */
    size_t len;
    size_t size;
    bool failed; /* no memory: nothing more is written */
} jwt_writer;

/* allocator may be NULL. */
void jwt_writer_start(jwt_writer *writer, const jwt_allocator *allocator);

/* Text as it is. */
void jwt_writer_put(jwt_writer *writer, const char *text, size_t len);

/* Octets in base64url (RFC 7515 section 2). */
void jwt_writer_put_base64url(jwt_writer *writer, crypto_span octets);

/* '{' or ',' as needed, then a member: a string, escaped (RFC 8259 section 7),
 * or octets in base64url. name needs no escapes. */
void jwt_writer_member(jwt_writer *writer, const char *name, const char *value);
void jwt_writer_member_octets(jwt_writer *writer, const char *name, crypto_span octets);

/* The text so far, borrowed until more is written. */
crypto_span jwt_writer_octets(const jwt_writer *writer);

/* Hands the text over, or wipes it and returns JWT_NO_MEMORY. The writer is
 * empty afterwards. */
jwt_status jwt_writer_finish(jwt_writer *writer, char **text, size_t *len);

/* Wipes and gives back what was written. */
void jwt_writer_discard(jwt_writer *writer);

#endif
