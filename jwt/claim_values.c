/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/claims.h>

#include "jwt/json.h"
#include "jwt/token.h"

static const sjwt_json_value *find_claim(const sjwt_token *token, const char *name)
{
    return sjwt_json_member(token->claims.root, name);
}

sjwt_json_type sjwt_token_claim_type(const sjwt_token *token, const char *name)
{
    const sjwt_json_value *claim = find_claim(token, name);
    bool boolean;

    if (claim == NULL)
        return SJWT_JSON_ABSENT;
    if (sjwt_json_string(claim) != NULL)
        return SJWT_JSON_STRING;
    if (sjwt_json_is_number(claim))
        return SJWT_JSON_NUMBER;
    if (sjwt_json_boolean(claim, &boolean))
        return SJWT_JSON_BOOLEAN;
    if (sjwt_json_is_array(claim))
        return SJWT_JSON_ARRAY;
    return sjwt_json_is_object(claim) ? SJWT_JSON_OBJECT : SJWT_JSON_NULL;
}

const char *sjwt_token_claim_string(const sjwt_token *token, const char *name)
{
    return sjwt_json_string(find_claim(token, name));
}

bool sjwt_token_claim_integer(const sjwt_token *token, const char *name, int64_t *out)
{
    const sjwt_json_number *number = sjwt_json_find_number(&token->claims, name);

    return number != NULL && sjwt_json_number_int64(&token->claims, number, out);
}

bool sjwt_token_claim_number(const sjwt_token *token, const char *name, double *out)
{
    const sjwt_json_value *claim = find_claim(token, name);

    if (!sjwt_json_is_number(claim))
        return false;
    *out = sjwt_json_double(claim);
    return true;
}

bool sjwt_token_claim_boolean(const sjwt_token *token, const char *name, bool *out)
{
    return sjwt_json_boolean(find_claim(token, name), out);
}

bool sjwt_token_claim_strings(const sjwt_token *token, const char *name, size_t *count)
{
    const sjwt_json_value *claim = find_claim(token, name);
    size_t strings = 0;

    *count = 0;
    if (sjwt_json_string(claim) != NULL) {
        strings = 1;
    } else if (sjwt_json_is_array(claim)) {
        for (const sjwt_json_value *item = sjwt_json_first(claim); item != NULL;
             item = sjwt_json_next(item)) {
            if (sjwt_json_string(item) == NULL)
                return false;
            strings++;
        }
    } else {
        return false;
    }
    *count = strings;
    return true;
}

const char *sjwt_token_claim_strings_item(const sjwt_token *token, const char *name, size_t n)
{
    const sjwt_json_value *claim = find_claim(token, name);
    const sjwt_json_value *item;

    if (!sjwt_json_is_array(claim))
        return n == 0 ? sjwt_json_string(claim) : NULL;
    for (item = sjwt_json_first(claim); item != NULL && n > 0; item = sjwt_json_next(item))
        n--;
    return item == NULL ? NULL : sjwt_json_string(item);
}

const char *sjwt_token_claim_json(const sjwt_token *token, const char *name, size_t *len)
{
    const sjwt_json_value *claim = find_claim(token, name);

    *len = 0;
    return claim == NULL ? NULL : sjwt_json_text(&token->claims, claim, len);
}
