/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.h - the registered claims of RFC 7519 section 4.1 against a policy.
 */
#ifndef PG_SESSION_JWT_JWT_CLAIMS_H
#define PG_SESSION_JWT_JWT_CLAIMS_H

#include "jwt/json.h"
#include <sjwt/policy.h>
#include <sjwt/status.h>
#include <sjwt/token.h>

/* The index of the policy's issuer whose name is exactly "iss". SJWT_OK,
 * SJWT_ISSUER_MISSING or SJWT_ISSUER_REFUSED. */
sjwt_status sjwt_claims_find_issuer(const sjwt_json *claims, const sjwt_policy *policy,
                                    size_t *index, sjwt_error *error);

/* Holds the token's claims against policy and issuer_policy, in the order of
 * sjwt_verify(), and keeps the times and the integer jti in token. */
sjwt_status sjwt_claims_check(const sjwt_policy *policy, const sjwt_issuer_policy *issuer_policy,
                              sjwt_token *token, sjwt_error *error);

#endif
