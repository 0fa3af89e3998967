/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/verify.h>

#include "jwt/claims.h"
#include "jwt/error.h"
#include "jwt/jws.h"
#include "jwt/memory.h"
#include "jwt/token.h"

/* The state of one verification. */
typedef struct verification {
    const sjwt_policy *policy;
    sjwt_signature_check signature_check;
    sjwt_jws_object jws;
    sjwt_status payload_status;
    sjwt_error payload_error;
    bool payload_was_read;
} verification;

/* Decodes and parses the payload at most once: some policies need its issuer
 * before its signature is checked. Its errors are reported after that check
 * only. */
static sjwt_status read_payload(verification *v)
{
    sjwt_error *error = &v->payload_error;
    size_t position;

    if (v->payload_was_read)
        return v->payload_status;
    v->payload_was_read = true;
    v->payload_status = sjwt_jws_decode_payload(&v->jws, error);
    if (v->payload_status != SJWT_OK)
        return v->payload_status;
    sjwt_token *token = v->jws.token;
    v->payload_status = sjwt_json_parse(&token->allocator, token->payload, token->payload_len,
                                        SJWT_PAYLOAD_JSON, &token->claims, &position);
    if (v->payload_status != SJWT_OK)
        sjwt_fail(error, v->payload_status, position, NULL);
    else if (!sjwt_json_is_object(token->claims.root))
        v->payload_status = sjwt_fail(error, SJWT_PAYLOAD_JSON, 0, NULL);
    return v->payload_status;
}

/* The policy for the token's issuer. */
static sjwt_status find_issuer(verification *v, const sjwt_issuer_policy **issuer_policy,
                               sjwt_error *error)
{
    const sjwt_policy *policy = v->policy;
    size_t index = 0;

    if (policy->issuer_count == 0)
        return sjwt_fail(error, SJWT_ISSUER_REFUSED, 0, NULL);
    if (policy->issuer_count > 1 || policy->issuers[0].issuer != NULL) {
        sjwt_status status = read_payload(v);
        if (status == SJWT_OK)
            status = sjwt_claims_find_issuer(&v->jws.token->claims, policy, &index, error);
        else if (status == SJWT_NO_MEMORY)
            sjwt_fail(error, status, 0, NULL);
        else if (policy->issuer_count == 1)
            status = SJWT_OK; /* reported after the signature */
        else
            status = sjwt_fail(error, SJWT_ISSUER_REFUSED, 0, NULL);
        if (status != SJWT_OK)
            return status;
    }
    v->jws.token->issuer_index = index;
    *issuer_policy = &policy->issuers[index];
    return SJWT_OK;
}

static sjwt_status check_payload(verification *v, const sjwt_issuer_policy *issuer_policy,
                                 sjwt_error *error)
{
    sjwt_status status = read_payload(v);

    if (status != SJWT_OK) {
        if (error != NULL)
            *error = v->payload_error;
        return status;
    }
    return sjwt_claims_check(v->policy, issuer_policy, v->jws.token, error);
}

static sjwt_status verify(verification *v, sjwt_error *error)
{
    const sjwt_issuer_policy *issuer_policy = NULL;
    sjwt_status status;

    /* A single issuer's policy checks the header before the issuer is compared. */
    if (v->policy->issuer_count == 1 &&
        (status = sjwt_jws_check_header(&v->jws, &v->policy->issuers[0], error)) != SJWT_OK)
        return status;
    if ((status = find_issuer(v, &issuer_policy, error)) != SJWT_OK)
        return status;
    if (v->policy->issuer_count > 1 &&
        (status = sjwt_jws_check_header(&v->jws, issuer_policy, error)) != SJWT_OK)
        return status;
    status = v->signature_check == SJWT_SIGNATURE_ALREADY_VERIFIED
                 ? sjwt_jws_check_key_id(&v->jws, issuer_policy, error)
                 : sjwt_jws_check_signature(&v->jws, issuer_policy, error);
    if (status != SJWT_OK) {
        if (status == SJWT_KEY_NOT_FOUND && error != NULL)
            error->issuer_index = v->jws.token->issuer_index;
        return status;
    }
    return check_payload(v, issuer_policy, error);
}

/* Hands the token over to the caller. */
static void take_token(sjwt_jws_object *jws, sjwt_token **out)
{
    *out = jws->token;
    jws->token = NULL;
}

sjwt_status sjwt_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                        const sjwt_policy *policy, sjwt_token **out, sjwt_error *error)
{
    return sjwt_verify_with(SJWT_SIGNATURE_VERIFY, allocator, token, len, policy, out, error);
}

sjwt_status sjwt_verify_with(sjwt_signature_check signature_check, const sjwt_allocator *allocator,
                             const char *token, size_t len, const sjwt_policy *policy,
                             sjwt_token **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    verification v = {.policy = policy, .signature_check = signature_check};

    *out = NULL;
    sjwt_status status =
        sjwt_jws_open(&resolved, token, len, policy->max_token_size, &v.jws, error);
    if (status != SJWT_OK)
        return status;
    status = verify(&v, error);
    if (status == SJWT_OK)
        take_token(&v.jws, out);
    sjwt_jws_close(&v.jws);
    return status;
}

sjwt_status sjwt_jws_verify(const sjwt_allocator *allocator, const char *token, size_t len,
                            const sjwt_policy *policy, sjwt_token **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_status status;
    sjwt_jws_object jws;

    *out = NULL;
    if (policy->issuer_count == 0)
        return sjwt_fail(error, SJWT_KEY_NOT_FOUND, 0, NULL);
    status = sjwt_jws_open(&resolved, token, len, policy->max_token_size, &jws, error);
    if (status != SJWT_OK)
        return status;
    if ((status = sjwt_jws_check_header(&jws, policy->issuers, error)) == SJWT_OK &&
        (status = sjwt_jws_check_signature(&jws, policy->issuers, error)) == SJWT_OK &&
        (status = sjwt_jws_decode_payload(&jws, error)) == SJWT_OK)
        take_token(&jws, out);
    sjwt_jws_close(&jws);
    return status;
}
