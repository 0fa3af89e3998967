/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/claims.h - the values of a verified token's claims (RFC 7519 section 4).
 *
 * A claim is a member of the payload's outermost object. Its name is compared
 * octet for octet, after unescaping. A token that sjwt_jws_verify() made has no
 * claims: each function answers as if the claim were absent.
 *
 * The functions allocate nothing and change nothing: several threads may read
 * the same token. Every pointer that they return is owned by the token and valid
 * until sjwt_token_free().
 */
#ifndef SJWT_CLAIMS_H
#define SJWT_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sjwt/export.h>
#include <sjwt/token.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The type of a claim's value. ABSENT: there is no such claim; NULL: it is there,
 * and its value is null. */
typedef enum sjwt_json_type {
    SJWT_JSON_ABSENT,
    SJWT_JSON_NULL,
    SJWT_JSON_BOOLEAN,
    SJWT_JSON_NUMBER,
    SJWT_JSON_STRING,
    SJWT_JSON_ARRAY,
    SJWT_JSON_OBJECT
} sjwt_json_type;

SJWT_API sjwt_json_type sjwt_token_claim_type(const sjwt_token *token, const char *name);

/* A string, unescaped: NUL-terminated UTF-8, which holds no U+0000. NULL where the
 * claim is no string. */
SJWT_API const char *sjwt_token_claim_string(const sjwt_token *token, const char *name);

/* A number without fraction and exponent that fits into int64, exactly. Else
 * false, and *out is unchanged: also for 1.0 and 1e3. */
SJWT_API bool sjwt_token_claim_integer(const sjwt_token *token, const char *name, int64_t *out);

/* A number, as the nearest double: above 2^53 an integer may be rounded.
 * sjwt_token_claim_json() has its exact digits. False where the claim is no
 * number, and *out is unchanged. */
SJWT_API bool sjwt_token_claim_number(const sjwt_token *token, const char *name, double *out);

/* true or false. False where the claim is neither, and *out is unchanged. */
SJWT_API bool sjwt_token_claim_boolean(const sjwt_token *token, const char *name, bool *out);

/*
 * An array of strings, as of "aud", "roles" or "groups": how many, and the n-th
 * (0, 1, ...) as sjwt_token_claim_string() returns one. A single string counts as
 * an array of one, as in "aud" (RFC 7519 section 4.1.3). False where the claim is
 * neither, also where one element is no string; *count is then 0. Item n is NULL
 * where there is none. Reading an item takes time in proportion to n.
 */
SJWT_API bool sjwt_token_claim_strings(const sjwt_token *token, const char *name, size_t *count);
SJWT_API const char *sjwt_token_claim_strings_item(const sjwt_token *token, const char *name,
                                                   size_t n);

/* The JSON text of a value of any type, exactly as it stands in the payload and
 * without blanks around it: *len octets, not NUL-terminated. NULL where the claim
 * is absent; *len is then 0. */
SJWT_API const char *sjwt_token_claim_json(const sjwt_token *token, const char *name, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
