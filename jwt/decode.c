#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/jws.h"
#include "jwt/memory.h"

#include <string.h>

static jwt_status decode_part(const jwt_allocator *allocator, crypto_span part, size_t offset,
                              jwt_status wrong, char **out, size_t *out_len, jwt_error *error)
{
    size_t position;

    *out_len = JWT_BASE64URL_DECODED_LEN(part.len);
    *out = jwt_allocate(allocator, *out_len + 1);
    if (*out == NULL)
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    if (!jwt_base64url_decode((const char *)part.data, part.len, (uint8_t *)*out, &position))
        return jwt_fail(error, wrong, offset + position, NULL);
    (*out)[*out_len] = '\0';
    return JWT_OK;
}

static jwt_status check_header_json(const jwt_allocator *allocator, const char *header, size_t len,
                                    jwt_error *error)
{
    jwt_json json;
    size_t position;

    jwt_status status = jwt_json_parse(allocator, header, len, JWT_HEADER_JSON, &json, &position);
    if (status != JWT_OK)
        return jwt_fail(error, status, position, NULL);
    if (!jwt_json_is_object(json.root))
        status = jwt_fail(error, JWT_HEADER_JSON, 0, NULL);
    jwt_json_free(&json);
    return status;
}

jwt_status jwt_decode_unverified(const jwt_allocator *allocator, const char *token, size_t len,
                                 char **header, size_t *header_len, char **payload,
                                 size_t *payload_len, jwt_error *error)
{
    jwt_allocator resolved = jwt_allocator_resolve(allocator);
    crypto_span header_text, payload_text, signature_text;
    jwt_status status;

    *header = NULL;
    *payload = NULL;
    if (len > JWT_MAX_TOKEN_SIZE)
        return jwt_fail(error, JWT_TOO_LARGE, 0, NULL);
    status = jws_split(token, len, &header_text, &payload_text, &signature_text, error);
    if (status != JWT_OK)
        return status;
    if ((status = decode_part(&resolved, header_text, 0, JWT_HEADER_ENCODING, header, header_len,
                              error)) == JWT_OK &&
        (status = check_header_json(&resolved, *header, *header_len, error)) == JWT_OK &&
        (status = decode_part(&resolved, payload_text, header_text.len + 1, JWT_PAYLOAD_ENCODING,
                              payload, payload_len, error)) == JWT_OK)
        return JWT_OK;
    jwt_release(&resolved, *header);
    jwt_release(&resolved, *payload);
    *header = NULL;
    *payload = NULL;
    return status;
}

bool jwt_looks_like_token(const char *text, size_t len)
{
    static const char start[] = "eyJ";
    size_t next = 0;

    if (len < strlen(start) || memcmp(text, start, strlen(start)) != 0)
        return false;
    for (int dots = 0; dots < 2; dots++) {
        next += jwt_base64url_span(text + next, len - next);
        if (next == len || text[next] != '.')
            return false;
        next++;
    }
    return next + jwt_base64url_span(text + next, len - next) == len;
}
