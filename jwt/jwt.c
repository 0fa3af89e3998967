#include "jwt/claims.h"
#include "jwt/error.h"
#include "jwt/jws.h"
#include "jwt/memory.h"
#include "jwt/token.h"

/* A token on its way. */
typedef struct verification {
    const jwt_policy *policy;
    jws_object jws;
    jwt_status payload_status;
    jwt_error payload_error;
    bool payload_was_read;
} verification;

/* Decodes and parses the payload at most once: some policies need its issuer
 * before its signature is checked. What is wrong with it may only be told
 * after. */
static jwt_status read_payload(verification *v)
{
    jwt_error *error = &v->payload_error;
    size_t position;

    if (v->payload_was_read)
        return v->payload_status;
    v->payload_was_read = true;
    v->payload_status = jws_decode_payload(&v->jws, error);
    if (v->payload_status != JWT_OK)
        return v->payload_status;
    jwt_token *token = v->jws.token;
    v->payload_status = jwt_json_parse(&token->allocator, token->payload, token->payload_len,
                                       JWT_PAYLOAD_JSON, &token->claims, &position);
    if (v->payload_status != JWT_OK)
        jwt_fail(error, v->payload_status, position, NULL);
    else if (!jwt_json_is_object(token->claims.root))
        v->payload_status = jwt_fail(error, JWT_PAYLOAD_JSON, 0, NULL);
    return v->payload_status;
}

/* The trust that the token's issuer asks for, where the policy names issuers. */
static jwt_status find_trust(verification *v, const jwt_trust **trust, jwt_error *error)
{
    const jwt_policy *policy = v->policy;
    size_t index = 0;

    if (policy->trust_count == 0)
        return jwt_fail(error, JWT_ISSUER_REFUSED, 0, NULL);
    if (policy->trust_count > 1 || policy->trusts[0].issuer != NULL) {
        jwt_status status = read_payload(v);
        if (status == JWT_OK)
            status = jwt_claims_find_trust(&v->jws.token->claims, policy, &index, error);
        else if (status == JWT_NO_MEMORY)
            jwt_fail(error, status, 0, NULL);
        else if (policy->trust_count == 1)
            status = JWT_OK; /* told after the signature */
        else
            status = jwt_fail(error, JWT_ISSUER_REFUSED, 0, NULL);
        if (status != JWT_OK)
            return status;
    }
    v->jws.token->trust_index = index;
    *trust = &policy->trusts[index];
    return JWT_OK;
}

static jwt_status check_payload(verification *v, const jwt_trust *trust, jwt_error *error)
{
    jwt_status status = read_payload(v);

    if (status != JWT_OK) {
        if (error != NULL)
            *error = v->payload_error;
        return status;
    }
    return jwt_claims_check(v->policy, trust, v->jws.token, error);
}

static jwt_status verify(verification *v, jwt_error *error)
{
    const jwt_trust *trust = NULL;
    jwt_status status;

    /* A lone trust has its say on the header before its issuer is compared. */
    if (v->policy->trust_count == 1 &&
        (status = jws_check_header(&v->jws, &v->policy->trusts[0], error)) != JWT_OK)
        return status;
    if ((status = find_trust(v, &trust, error)) != JWT_OK)
        return status;
    if (v->policy->trust_count > 1 && (status = jws_check_header(&v->jws, trust, error)) != JWT_OK)
        return status;
    if ((status = jws_check_signature(&v->jws, trust, error)) != JWT_OK) {
        if (status == JWT_KEY_NOT_FOUND && error != NULL)
            error->trust_index = v->jws.token->trust_index;
        return status;
    }
    return check_payload(v, trust, error);
}

/* Hands the token over to the caller. */
static void take_token(jws_object *jws, jwt_token **out)
{
    *out = jws->token;
    jws->token = NULL;
}

jwt_status jwt_verify(const jwt_allocator *allocator, const char *token, size_t len,
                      const jwt_policy *policy, jwt_token **out, jwt_error *error)
{
    jwt_allocator resolved = jwt_allocator_resolve(allocator);
    verification v = {.policy = policy};

    *out = NULL;
    jwt_status status = jws_open(&resolved, token, len, policy->max_token_size, &v.jws, error);
    if (status != JWT_OK)
        return status;
    status = verify(&v, error);
    if (status == JWT_OK)
        take_token(&v.jws, out);
    jws_close(&v.jws);
    return status;
}

jwt_status jws_verify(const jwt_allocator *allocator, const char *token, size_t len,
                      const jwt_policy *policy, jwt_token **out, jwt_error *error)
{
    jwt_allocator resolved = jwt_allocator_resolve(allocator);
    jwt_status status;
    jws_object jws;

    *out = NULL;
    if (policy->trust_count == 0)
        return jwt_fail(error, JWT_KEY_NOT_FOUND, 0, NULL);
    status = jws_open(&resolved, token, len, policy->max_token_size, &jws, error);
    if (status != JWT_OK)
        return status;
    if ((status = jws_check_header(&jws, policy->trusts, error)) == JWT_OK &&
        (status = jws_check_signature(&jws, policy->trusts, error)) == JWT_OK &&
        (status = jws_decode_payload(&jws, error)) == JWT_OK)
        take_token(&jws, out);
    jws_close(&jws);
    return status;
}

void jwt_token_free(jwt_token *token)
{
    if (token == NULL)
        return;
    jwt_allocator allocator = token->allocator;
    jwt_json_free(&token->claims);
    jwt_release(&allocator, token);
}

const char *jwt_token_header(const jwt_token *token, size_t *len)
{
    *len = token->header_len;
    return token->header;
}

const char *jwt_token_payload(const jwt_token *token, size_t *len)
{
    *len = token->payload_len;
    return token->payload;
}

const char *jwt_token_algorithm(const jwt_token *token)
{
    return token->algorithm;
}

const char *jwt_token_backend(const jwt_token *token)
{
    return token->backend;
}

const char *jwt_token_key_id(const jwt_token *token)
{
    return token->key_id;
}

size_t jwt_token_trust_index(const jwt_token *token)
{
    return token->trust_index;
}

bool jwt_token_claim(const jwt_token *token, const char *name, const char **string)
{
    const jwt_json_value *claim = jwt_json_member(token->claims.root, name);

    *string = jwt_json_string(claim);
    return claim != NULL;
}

static bool get_time(const jwt_time *time, int64_t *microseconds)
{
    if (time->is_present)
        *microseconds = time->microseconds;
    return time->is_present;
}

bool jwt_token_expires_at(const jwt_token *token, int64_t *microseconds)
{
    return get_time(&token->expires_at, microseconds);
}

bool jwt_token_not_before(const jwt_token *token, int64_t *microseconds)
{
    return get_time(&token->not_before, microseconds);
}

bool jwt_token_issued_at(const jwt_token *token, int64_t *microseconds)
{
    return get_time(&token->issued_at, microseconds);
}

bool jwt_token_integer_id(const jwt_token *token, int64_t *jti)
{
    if (token->has_integer_id)
        *jti = token->integer_id;
    return token->has_integer_id;
}
