/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/decode.h>

#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/jws.h"
#include "jwt/memory.h"

#include <string.h>

static sjwt_status decode_part(const sjwt_allocator *allocator, sjwt_crypto_span part,
                               size_t offset, sjwt_status wrong, char **out, size_t *out_len,
                               sjwt_error *error)
{
    size_t position;

    *out_len = SJWT_BASE64URL_DECODED_LEN(part.len);
    *out = sjwt_allocate(allocator, *out_len + 1);
    if (*out == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    if (!sjwt_base64url_decode((const char *)part.data, part.len, (uint8_t *)*out, &position))
        return sjwt_fail(error, wrong, offset + position, NULL);
    (*out)[*out_len] = '\0';
    return SJWT_OK;
}

static sjwt_status check_header_json(const sjwt_allocator *allocator, const char *header,
                                     size_t len, sjwt_error *error)
{
    sjwt_json json;
    size_t position;

    sjwt_status status =
        sjwt_json_parse(allocator, header, len, SJWT_HEADER_JSON, &json, &position);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, position, NULL);
    if (!sjwt_json_is_object(json.root))
        status = sjwt_fail(error, SJWT_HEADER_JSON, 0, NULL);
    sjwt_json_free(&json);
    return status;
}

sjwt_status sjwt_decode_unverified(const sjwt_allocator *allocator, const char *token, size_t len,
                                   char **header, size_t *header_len, char **payload,
                                   size_t *payload_len, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_crypto_span header_text, payload_text, signature_text;
    sjwt_status status;

    *header = NULL;
    *payload = NULL;
    if (len > SJWT_MAX_TOKEN_SIZE)
        return sjwt_fail(error, SJWT_TOO_LARGE, 0, NULL);
    status = sjwt_jws_split(token, len, &header_text, &payload_text, &signature_text, error);
    if (status != SJWT_OK) {
        sjwt_jws_explain(token, len, status, error);
        return status;
    }
    if ((status = decode_part(&resolved, header_text, 0, SJWT_HEADER_ENCODING, header, header_len,
                              error)) == SJWT_OK &&
        (status = check_header_json(&resolved, *header, *header_len, error)) == SJWT_OK &&
        (status = decode_part(&resolved, payload_text, header_text.len + 1, SJWT_PAYLOAD_ENCODING,
                              payload, payload_len, error)) == SJWT_OK)
        return SJWT_OK;
    sjwt_jws_explain(token, len, status, error);
    sjwt_release(&resolved, *header);
    sjwt_release(&resolved, *payload);
    *header = NULL;
    *payload = NULL;
    return status;
}

bool sjwt_looks_like_token(const char *text, size_t len)
{
    static const char start[] = "eyJ";
    size_t next = 0;

    if (len < strlen(start) || memcmp(text, start, strlen(start)) != 0)
        return false;
    for (int dots = 0; dots < 2; dots++) {
        next += sjwt_base64url_span(text + next, len - next);
        if (next == len || text[next] != '.')
            return false;
        next++;
    }
    return next + sjwt_base64url_span(text + next, len - next) == len;
}
