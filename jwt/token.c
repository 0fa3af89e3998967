/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/token.h"
#include "jwt/memory.h"

void sjwt_token_free(sjwt_token *token)
{
    if (token == NULL)
        return;
    sjwt_allocator allocator = token->allocator;
    sjwt_json_free(&token->claims);
    sjwt_release(&allocator, token);
}

const char *sjwt_token_header(const sjwt_token *token, size_t *len)
{
    *len = token->header_len;
    return token->header;
}

const char *sjwt_token_payload(const sjwt_token *token, size_t *len)
{
    *len = token->payload_len;
    return token->payload;
}

const char *sjwt_token_algorithm(const sjwt_token *token)
{
    return token->algorithm;
}

const char *sjwt_token_backend(const sjwt_token *token)
{
    return token->backend;
}

const char *sjwt_token_key_id(const sjwt_token *token)
{
    return token->key_id;
}

size_t sjwt_token_issuer_index(const sjwt_token *token)
{
    return token->issuer_index;
}

static bool get_time(const sjwt_time *time, int64_t *microseconds)
{
    if (time->is_present)
        *microseconds = time->microseconds;
    return time->is_present;
}

bool sjwt_token_expires_at(const sjwt_token *token, int64_t *microseconds)
{
    return get_time(&token->expires_at, microseconds);
}

bool sjwt_token_not_before(const sjwt_token *token, int64_t *microseconds)
{
    return get_time(&token->not_before, microseconds);
}

bool sjwt_token_issued_at(const sjwt_token *token, int64_t *microseconds)
{
    return get_time(&token->issued_at, microseconds);
}

bool sjwt_token_integer_id(const sjwt_token *token, int64_t *jti)
{
    if (token->has_integer_id)
        *jti = token->integer_id;
    return token->has_integer_id;
}
