/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim_rules.h - the values that claims must have, and issuers whose name has one of them.
 */
#ifndef PG_SESSION_JWT_JWT_CLAIM_RULES_H
#define PG_SESSION_JWT_JWT_CLAIM_RULES_H

#include "jwt/json.h"
#include <sjwt/claim_rules.h>
#include <sjwt/memory.h>

/* Where a text is not as it must be, and how: what is a constant. */
typedef struct sjwt_claim_rules_fault {
    const sjwt_json_value *at;
    const char *what;
} sjwt_claim_rules_fault;

/* Reads rules out of a parsed text. SJWT_OK, SJWT_CLAIM_RULES_INVALID (then *fault is set) or
 * SJWT_NO_MEMORY. */
sjwt_status sjwt_claim_rules_read(const sjwt_allocator *allocator, const sjwt_json_value *value,
                                  sjwt_claim_rules **out, sjwt_claim_rules_fault *fault);

/*
 * Are the token's claims as the rules say? rules may be NULL: there are none. SJWT_OK,
 * SJWT_CLAIM_MISSING or SJWT_CLAIM_REFUSED: detail is the claim's name, claim_index the
 * place of its rule, counted from first_index.
 */
sjwt_status sjwt_claim_rules_check(const sjwt_json_value *claims, const sjwt_claim_rules *rules,
                                   size_t first_index, sjwt_error *error);

/* Is the text a pattern, valid or not? It has a brace. */
bool sjwt_issuer_is_pattern(const char *issuer);

/* What is wrong with the pattern; NULL: nothing, or it is none. A constant string. */
const char *sjwt_issuer_pattern_fault(const char *pattern, const sjwt_claim_rules *rules);

/* Is issuer the pattern with the values of these claims? */
bool sjwt_issuer_matches(const char *pattern, const sjwt_claim_rules *rules, const char *issuer,
                         const sjwt_json_value *claims);

#endif
