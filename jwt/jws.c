#include "jwt/jws.h"
#include "jwt/ascii.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/token.h"

#include <string.h>

static size_t decoded_len(crypto_span text)
{
    return JWT_BASE64URL_DECODED_LEN(text.len);
}

/* Decodes a part that starts at this offset of the token. */
static jwt_status decode(crypto_span text, size_t offset, void *out, jwt_status wrong,
                         jwt_error *error)
{
    size_t position;

    if (!jwt_base64url_decode((const char *)text.data, text.len, out, &position))
        return jwt_fail(error, wrong, offset + position, NULL);
    return JWT_OK;
}

jwt_status jws_split(const char *text, size_t len, crypto_span *header, crypto_span *payload,
                     crypto_span *signature, jwt_error *error)
{
    const char *first = len == 0 ? NULL : memchr(text, '.', len);
    if (first == NULL)
        return jwt_fail(error, JWT_MALFORMED, 0, NULL);
    size_t rest = len - (size_t)(first + 1 - text);
    const char *second = memchr(first + 1, '.', rest);
    if (second == NULL)
        return jwt_fail(error, JWT_MALFORMED, 0, NULL);
    rest = len - (size_t)(second + 1 - text);
    const char *third = memchr(second + 1, '.', rest);
    if (third != NULL)
        return jwt_fail(error, JWT_MALFORMED, (size_t)(third - text), NULL);
    *header = (crypto_span){(const uint8_t *)text, (size_t)(first - text)};
    *payload = (crypto_span){(const uint8_t *)first + 1, (size_t)(second - first - 1)};
    *signature = (crypto_span){(const uint8_t *)second + 1, rest};
    return JWT_OK;
}

/* Room for the parts, each but the signature with a NUL, and for the kid, which
 * is shorter than the header. */
static jwt_token *make_token(const jwt_allocator *allocator, crypto_span header,
                             crypto_span payload, crypto_span signature)
{
    size_t header_len = decoded_len(header);
    size_t payload_len = decoded_len(payload);
    size_t signature_len = decoded_len(signature);

    jwt_token *token = jwt_allocate(allocator, sizeof(*token) + 2 * header_len + 1 + payload_len +
                                                   1 + signature_len);
    if (token == NULL)
        return NULL;
    memset(token, 0, sizeof(*token));
    token->allocator = *allocator;
    token->header = (char *)token->octets;
    token->header_len = header_len;
    token->payload = token->header + header_len + 1;
    token->payload_len = payload_len;
    token->signature = (uint8_t *)token->payload + payload_len + 1;
    token->signature_len = signature_len;
    return token;
}

/* What is refused whatever the policy, and the algorithm's name. */
static jwt_status read_header(jws_object *jws, jwt_error *error)
{
    const jwt_json_value *root = jws->header.root;

    if (!jwt_json_is_object(root))
        return jwt_fail(error, JWT_HEADER_JSON, 0, NULL);
    if (jwt_json_member(root, "crit") != NULL)
        return jwt_fail(error, JWT_CRITICAL_HEADER, 0, "crit");
    if (jwt_json_member(root, "b64") != NULL)
        return jwt_fail(error, JWT_CRITICAL_HEADER, 0, "b64");

    const jwt_json_value *alg = jwt_json_member(root, "alg");
    if (alg == NULL)
        return JWT_OK;
    const char *name = jwt_json_string(alg);
    jws->algorithm = name == NULL ? NULL : crypto_algorithm_find(name, strlen(name));
    return jws->algorithm != NULL ? JWT_OK : jwt_fail(error, JWT_ALG_UNKNOWN, 0, NULL);
}

jwt_status jws_open(const jwt_allocator *allocator, const char *text, size_t len, size_t max_size,
                    jws_object *out, jwt_error *error)
{
    crypto_span header = {NULL, 0}, signature = {NULL, 0};
    jwt_status status;
    size_t position;

    memset(out, 0, sizeof(*out));
    if (len > (max_size != 0 ? max_size : JWT_MAX_TOKEN_SIZE))
        return jwt_fail(error, JWT_TOO_LARGE, 0, NULL);
    status = jws_split(text, len, &header, &out->payload_text, &signature, error);
    if (status != JWT_OK)
        return status;
    out->payload_offset = header.len + 1;
    out->message = (crypto_span){header.data, header.len + 1 + out->payload_text.len};

    jwt_token *token = make_token(allocator, header, out->payload_text, signature);
    if (token == NULL)
        return jwt_fail(error, JWT_NO_MEMORY, 0, NULL);
    out->token = token;
    if ((status = decode(signature, len - signature.len, token->signature, JWT_SIGNATURE_ENCODING,
                         error)) == JWT_OK &&
        (status = decode(header, 0, token->header, JWT_HEADER_ENCODING, error)) == JWT_OK) {
        token->header[token->header_len] = '\0';
        status = jwt_json_parse(allocator, token->header, token->header_len, JWT_HEADER_JSON,
                                &out->header, &position);
        if (status != JWT_OK)
            jwt_fail(error, status, position, NULL);
        else
            status = read_header(out, error);
    }
    if (status != JWT_OK)
        jws_close(out);
    return status;
}

void jws_close(jws_object *jws)
{
    jwt_json_free(&jws->header);
    jwt_token_free(jws->token);
    jws->token = NULL;
}

jwt_status jws_decode_payload(jws_object *jws, jwt_error *error)
{
    jwt_token *token = jws->token;
    jwt_status status =
        decode(jws->payload_text, jws->payload_offset, token->payload, JWT_PAYLOAD_ENCODING, error);

    if (status == JWT_OK)
        token->payload[token->payload_len] = '\0';
    return status;
}

/* An agreed key that leaves but one algorithm stands in for a header without. */
static const crypto_algorithm *only_algorithm(const jwt_keyset *keys)
{
    const crypto_algorithm *only = NULL;

    for (unsigned n = 0; n < CRYPTO_ALG_COUNT; n++) {
        if ((jwt_keyset_algorithms(keys) & CRYPTO_BIT(n)) == 0)
            continue;
        if (only != NULL)
            return NULL;
        only = crypto_algorithm_get((crypto_alg)n);
    }
    return only;
}

/* start is in lower case. */
static bool starts_with(const char *text, const char *start)
{
    for (; *start != '\0'; text++, start++) {
        if (jwt_lower(*text) != *start)
            return false;
    }
    return true;
}

static const char *media_subtype(const char *type)
{
    static const char prefix[] = "application/";

    return starts_with(type, prefix) ? type + sizeof(prefix) - 1 : type;
}

static bool is_same_type(const char *left, const char *right)
{
    left = media_subtype(left);
    right = media_subtype(right);
    while (*left != '\0' && jwt_lower(*left) == jwt_lower(*right)) {
        left++;
        right++;
    }
    return *left == *right;
}

static bool is_accepted_type(const char *type, const jwt_string_list *accepted)
{
    if (accepted->count == 0)
        return true;
    for (size_t i = 0; type != NULL && i < accepted->count; i++) {
        if (is_same_type(type, accepted->items[i]))
            return true;
    }
    return false;
}

jwt_status jws_check_header(jws_object *jws, const jwt_trust *trust, jwt_error *error)
{
    if (jws->algorithm == NULL && trust->agreed_key && trust->keys != NULL)
        jws->algorithm = only_algorithm(trust->keys);
    if (jws->algorithm == NULL)
        return jwt_fail(error, JWT_ALG_MISSING, 0, NULL);

    const crypto_algorithm *algorithm = jws->algorithm;
    if ((trust->algorithms & CRYPTO_BIT(algorithm->alg)) == 0)
        return jwt_fail(error, JWT_ALG_NOT_ALLOWED, 0, algorithm->name);
    jws->token->algorithm = algorithm->name;
    jws->token->backend = crypto_backend_name(algorithm->alg);
    if (jws->token->backend == NULL)
        return jwt_fail(error, JWT_ALG_UNSUPPORTED, 0, algorithm->name);

    const char *type = jwt_json_string(jwt_json_member(jws->header.root, "typ"));
    if (!is_accepted_type(type, &trust->types))
        return jwt_fail(error, JWT_TYPE_REFUSED, 0, NULL);
    return JWT_OK;
}

/* Reads "kid" and keeps it in the token. */
static jwt_status read_key_id(jws_object *jws, const jwt_trust *trust, jwt_error *error)
{
    const jwt_json_value *value = jwt_json_member(jws->header.root, "kid");
    const char *kid = jwt_json_string(value);

    if (kid == NULL)
        return value == NULL || trust->agreed_key ? JWT_OK
                                                  : jwt_fail(error, JWT_KID_INVALID, 0, NULL);
    char *room = (char *)jws->token->signature + jws->token->signature_len;
    memcpy(room, kid, strlen(kid) + 1);
    jws->token->key_id = room;
    return JWT_OK;
}

static bool has_right_length(const crypto_algorithm *algorithm, const jwt_key *key, size_t len)
{
    return len == (algorithm->signature_len != 0 ? algorithm->signature_len : key->key.n.len);
}

static jwt_status status_of(crypto_status status)
{
    switch (status) {
    case CRYPTO_OK:
        return JWT_OK;
    case CRYPTO_BAD_SIGNATURE:
        return JWT_SIGNATURE_INVALID;
    case CRYPTO_UNSUPPORTED:
        return JWT_ALG_UNSUPPORTED;
    case CRYPTO_NO_MEMORY:
        return JWT_NO_MEMORY;
    case CRYPTO_BAD_KEY: /* it was good when it was parsed */
    case CRYPTO_INTERNAL:
        break;
    }
    return JWT_INTERNAL;
}

jwt_status jws_check_signature(jws_object *jws, const jwt_trust *trust, jwt_error *error)
{
    const jwt_key *candidates[JWT_MAX_CANDIDATE_KEYS];
    crypto_span signature = {jws->token->signature, jws->token->signature_len};
    bool kid_known;

    jwt_status status = read_key_id(jws, trust, error);
    if (status != JWT_OK)
        return status;
    if (trust->keys == NULL)
        return jwt_fail(error, JWT_KEY_NOT_FOUND, 0, NULL);
    const char *kid = trust->agreed_key ? NULL : jws->token->key_id;
    size_t count = jwt_keyset_select(trust->keys, kid, jws->algorithm->alg, candidates, &kid_known);
    if (count == 0)
        return jwt_fail(error, kid == NULL || kid_known ? JWT_ALG_MISMATCH : JWT_KEY_NOT_FOUND, 0,
                        NULL);

    status = JWT_SIGNATURE_ENCODING;
    for (size_t i = 0; i < count; i++) {
        if (!has_right_length(jws->algorithm, candidates[i], signature.len))
            continue;
        status = status_of(crypto_verify_signature(jws->algorithm->alg, &candidates[i]->key,
                                                   jws->message, signature));
        if (status == JWT_OK)
            return JWT_OK;
        if (status != JWT_SIGNATURE_INVALID)
            break;
    }
    return jwt_fail(error, status, 0, NULL);
}
