/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sjwt/claim_rules.h - the values that claims of a token must have.
 */
#ifndef SJWT_CLAIM_RULES_H
#define SJWT_CLAIM_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <sjwt/export.h>
#include <sjwt/memory.h>
#include <sjwt/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A string, or else true or false. */
typedef struct sjwt_claim_value {
    const char *string; /* NUL-terminated; NULL: a boolean */
    bool boolean;
} sjwt_claim_value;

/* The claim of this name is one of the values, or an array that contains one of them. */
typedef struct sjwt_claim_rule {
    const char *name; /* NUL-terminated */
    const sjwt_claim_value *values;
    size_t count;
    bool any_value; /* the claim must only be present and not null; count is then 0 */
} sjwt_claim_rule;

/* A token must be as each of the rules says. Does not change once it is parsed. */
typedef struct sjwt_claim_rules {
    const sjwt_claim_rule *items;
    size_t count;
} sjwt_claim_rules;

/*
 * Parses an object of claims and their values:
 *
 *   {"azp": ["a", "b"], "tenant": "x", "email_verified": true, "tid": "*"}
 *
 * A value is a string, true or false, or an array of these. "*" alone means any value. Refused
 * are an empty object, name or array, other values, "*" in an array, more than
 * SJWT_MAX_CLAIM_RULES claims, and more than SJWT_MAX_CLAIM_VALUES values of one.
 *
 * SJWT_OK, SJWT_CLAIM_RULES_MALFORMED (not strict JSON; position), SJWT_CLAIM_RULES_INVALID
 * (detail and position; also a text of more than SJWT_MAX_KEYSET_SIZE octets) or
 * SJWT_NO_MEMORY. The caller frees *out.
 */
SJWT_API sjwt_status sjwt_claim_rules_parse(const sjwt_allocator *allocator, const char *json,
                                            size_t len, sjwt_claim_rules **out, sjwt_error *error);

/* allocator: the one that *rules was parsed with. */
SJWT_API void sjwt_claim_rules_free(const sjwt_allocator *allocator, sjwt_claim_rules *rules);

/*
 * May a policy have this issuer with these rules (NULL: none)? An issuer with braces is a
 * pattern: "https://login.example/{tid}/v2.0" stands for the issuers that have the value of
 * the token's claim "tid" in that place. The value is a string of 1 to 255 letters, digits,
 * "-", ".", "_" and "~". A rule must say which values the claim may have, "*" for any.
 *
 * SJWT_OK or SJWT_CLAIM_RULES_INVALID (detail). sjwt_verify() trusts no issuer by a pattern
 * that is refused here.
 */
SJWT_API sjwt_status sjwt_issuer_check(const char *issuer, const sjwt_claim_rules *rules,
                                       sjwt_error *error);

/* May the issuer, which sjwt_issuer_check() accepts with these rules, be more than one? */
SJWT_API bool sjwt_issuer_is_several(const char *issuer, const sjwt_claim_rules *rules);

#ifdef __cplusplus
}
#endif

#endif
