/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/logout_token.h>
#include <sjwt/claims.h>
#include <sjwt/verify.h>

#include "jwt/claims.h"
#include "jwt/error.h"
#include "jwt/jws.h"
#include "jwt/memory.h"
#include "jwt/token.h"

#include <string.h>

#define MICROSECONDS 1000000

static sjwt_status refuse(sjwt_error *error, const char *what)
{
    return sjwt_fail(error, SJWT_LOGOUT_INVALID, 0, what);
}

/* ---- the header ---------------------------------------------------------- */

static sjwt_status check_type(const sjwt_token *token, sjwt_error *error)
{
    static const char *const items[] = {"logout+jwt", "JWT"};
    const sjwt_string_list accepted = {items, sizeof(items) / sizeof(items[0])};
    sjwt_json header;

    sjwt_status status = sjwt_json_parse(&token->allocator, token->header, token->header_len,
                                         SJWT_HEADER_JSON, &header, NULL);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, NULL);
    const sjwt_json_value *member = sjwt_json_member(header.root, "typ");
    if (member != NULL && !sjwt_jws_is_accepted_type(sjwt_json_string(member), &accepted))
        status = refuse(error, "'typ' is neither \"logout+jwt\" nor \"JWT\"");
    sjwt_json_free(&header);
    return status;
}

/* ---- the claims ---------------------------------------------------------- */

static bool is_present(const sjwt_json_value *claim)
{
    return claim != NULL && !sjwt_json_is_null(claim);
}

static bool is_filled_string(const sjwt_json_value *claim)
{
    const char *string = sjwt_json_string(claim);

    return string != NULL && string[0] != '\0';
}

static sjwt_status check_claims(const sjwt_token *token, const sjwt_policy *policy,
                                sjwt_error *error)
{
    const sjwt_json_value *claims = token->claims.root;
    const sjwt_json_value *sid = sjwt_json_member(claims, "sid");
    const sjwt_json_value *sub = sjwt_json_member(claims, "sub");
    const int64_t leeway = (int64_t)policy->leeway * MICROSECONDS;

    if (!is_filled_string(sjwt_json_member(claims, "iss")))
        return refuse(error, "'iss' is not a string, or is empty");
    if (!token->issued_at.is_present || !token->expires_at.is_present)
        return refuse(error, "'iat' or 'exp' is missing");
    if (token->issued_at.microseconds > policy->now + leeway)
        return refuse(error, "'iat' is ahead");
    if (!is_present(sjwt_json_member(claims, "aud")))
        return refuse(error, "'aud' is missing");
    if (!is_filled_string(sjwt_json_member(claims, "jti")))
        return refuse(error, "'jti' is not a string, or is empty");
    if (sjwt_json_member(claims, "nonce") != NULL)
        return refuse(error, "'nonce' is present");
    if (!is_present(sid) && !is_present(sub))
        return refuse(error, "both 'sid' and 'sub' are missing");
    if ((is_present(sid) && !is_filled_string(sid)) || (is_present(sub) && !is_filled_string(sub)))
        return refuse(error, "'sid' or 'sub' is not a string, or is empty");
    return SJWT_OK;
}

/* ---- verification -------------------------------------------------------- */

/* What holds for an issuer's Logout Tokens. */
static sjwt_issuer_policy logout_policy(const sjwt_issuer_policy *issuer)
{
    sjwt_issuer_policy policy = *issuer;

    policy.types = (sjwt_string_list){0};
    policy.required_claims = (sjwt_string_list){0};
    policy.claims = NULL;
    policy.max_lifetime = 0;
    policy.session_key = false;
    return policy;
}

static sjwt_status verify(const sjwt_allocator *allocator, const char *token, size_t len,
                          const sjwt_policy *policy, sjwt_token **out, sjwt_error *error)
{
    sjwt_status status = sjwt_verify(allocator, token, len, policy, out, error);

    if (status != SJWT_OK)
        return status;
    if ((status = check_type(*out, error)) != SJWT_OK ||
        (status = check_claims(*out, policy, error)) != SJWT_OK) {
        sjwt_token_free(*out);
        *out = NULL;
    }
    return status;
}

sjwt_status sjwt_verify_logout_token(const sjwt_allocator *allocator, const char *token, size_t len,
                                     const sjwt_policy *policy, sjwt_token **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_policy own = *policy;

    *out = NULL;
    if (policy->issuer_count == 0)
        return sjwt_fail(error, SJWT_ISSUER_REFUSED, 0, NULL);
    sjwt_issuer_policy *issuers = sjwt_allocate(&resolved, policy->issuer_count * sizeof(*issuers));
    if (issuers == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    for (size_t i = 0; i < policy->issuer_count; i++)
        issuers[i] = logout_policy(&policy->issuers[i]);
    own.issuers = issuers;
    own.last_jti = NULL;
    own.is_logout = true;
    sjwt_status status = verify(&resolved, token, len, &own, out, error);
    sjwt_release(&resolved, issuers);
    return status;
}
