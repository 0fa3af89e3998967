/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/revocation.h - lines of a list of revoked tokens, and the claims that they name.
 *
 * The list is JSON Lines: each line is one object, and a line feed ends it. Each line but
 * the last one revokes tokens; the last one is {"end":true}, so that a list that was cut
 * is noticed. The caller reads the lines, and compares.
 */
#ifndef SJWT_REVOCATION_H
#define SJWT_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/export.h>
#include <sjwt/memory.h>
#include <sjwt/policy.h>
#include <sjwt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* By which claim a token is revoked. */
typedef enum sjwt_revoked_by {
    SJWT_REVOKED_BY_JTI,
    SJWT_REVOKED_BY_SID,
    SJWT_REVOKED_BY_SUB,
    SJWT_REVOKED_BY_COUNT
} sjwt_revoked_by;

/* "jti", "sid" or "sub". */
SJWT_API const char *sjwt_revoked_by_name(sjwt_revoked_by by);

/* One line. Does not change once it is parsed. */
typedef struct sjwt_revocation {
    bool is_end;        /* the last line; no other member is set */
    const char *issuer; /* the exact "iss"; "": of tokens without one */
    sjwt_revoked_by by;
    sjwt_string_list values; /* at least one, none of them empty */
    /* In seconds since 1970, at least 0. */
    bool has_issued_before; /* else tokens of any "iat", and without one */
    int64_t issued_before;  /* tokens with an "iat" below this, and tokens without "iat" */
    bool has_until;         /* else for ever */
    int64_t until;          /* from then on the line revokes nothing */
} sjwt_revocation;

/*
 * Parses one line, without its line feed:
 *
 *   {"iss": "https://a", "jti": "b" or ["b", …], "issued_before": 1700000000, "until": 1700000000}
 *   {"end": true}
 *
 * "iss" and one of "jti", "sid" and "sub" are needed. A value is a string that is not empty;
 * a claim that is a number is named by its digits. SJWT_OK, SJWT_REVOCATION_TOO_LARGE (more than
 * SJWT_MAX_REVOCATION_LINE octets), SJWT_REVOCATION_MALFORMED (not strict JSON),
 * SJWT_REVOCATION_INVALID (detail says what is wrong) or SJWT_NO_MEMORY. position counts
 * from the line's first octet.
 */
SJWT_API sjwt_status sjwt_revocation_parse(const sjwt_allocator *allocator, const char *line,
                                           size_t len, sjwt_revocation **out, sjwt_error *error);

SJWT_API void sjwt_revocation_free(sjwt_revocation *revocation);

/* The claims of a token by which it can be revoked. */
typedef struct sjwt_revocable {
    const char *issuer;                        /* "" where "iss" is no string */
    const char *values[SJWT_REVOKED_BY_COUNT]; /* NULL where the claim is neither a string nor a
                                                  number; a number as the payload writes it */
    bool has_issued_at;
    int64_t issued_at; /* microseconds since 1970, limited to the range of int64 */
} sjwt_revocable;

/* Reads them from len octets of a token's payload. SJWT_OK, SJWT_PAYLOAD_JSON or
 * SJWT_NO_MEMORY. */
SJWT_API sjwt_status sjwt_revocable_parse(const sjwt_allocator *allocator, const char *payload,
                                          size_t len, sjwt_revocable **out, sjwt_error *error);

SJWT_API void sjwt_revocable_free(sjwt_revocable *revocable);

#ifdef __cplusplus
}
#endif

#endif
