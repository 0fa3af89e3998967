/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/jws.h"
#include "jwt/ascii.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/token.h"

#include <string.h>

static size_t decoded_len(sjwt_crypto_span text)
{
    return SJWT_BASE64URL_DECODED_LEN(text.len);
}

/* Decodes a part that starts at this offset of the token. */
static sjwt_status decode(sjwt_crypto_span text, size_t offset, void *out, sjwt_status wrong,
                          sjwt_error *error)
{
    size_t position;

    if (!sjwt_base64url_decode((const char *)text.data, text.len, out, &position))
        return sjwt_fail(error, wrong, offset + position, NULL);
    return SJWT_OK;
}

sjwt_status sjwt_jws_split(const char *text, size_t len, sjwt_crypto_span *header,
                           sjwt_crypto_span *payload, sjwt_crypto_span *signature,
                           sjwt_error *error)
{
    const char *first = len == 0 ? NULL : memchr(text, '.', len);
    if (first == NULL)
        return sjwt_fail(error, SJWT_MALFORMED, 0, NULL);
    size_t rest = len - (size_t)(first + 1 - text);
    const char *second = memchr(first + 1, '.', rest);
    if (second == NULL)
        return sjwt_fail(error, SJWT_MALFORMED, 0, NULL);
    rest = len - (size_t)(second + 1 - text);
    const char *third = memchr(second + 1, '.', rest);
    if (third != NULL)
        return sjwt_fail(error, SJWT_MALFORMED, (size_t)(third - text), NULL);
    *header = (sjwt_crypto_span){(const uint8_t *)text, (size_t)(first - text)};
    *payload = (sjwt_crypto_span){(const uint8_t *)first + 1, (size_t)(second - first - 1)};
    *signature = (sjwt_crypto_span){(const uint8_t *)second + 1, rest};
    return SJWT_OK;
}

/* Room for the parts, each but the signature with a NUL, and for the kid, which
 * is shorter than the header. */
static sjwt_token *make_token(const sjwt_allocator *allocator, sjwt_crypto_span header,
                              sjwt_crypto_span payload, sjwt_crypto_span signature)
{
    size_t header_len = decoded_len(header);
    size_t payload_len = decoded_len(payload);
    size_t signature_len = decoded_len(signature);

    sjwt_token *token = sjwt_allocate(allocator, sizeof(*token) + 2 * header_len + 1 + payload_len +
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
static sjwt_status read_header(sjwt_jws_object *jws, sjwt_error *error)
{
    const sjwt_json_value *root = jws->header.root;

    if (!sjwt_json_is_object(root))
        return sjwt_fail(error, SJWT_HEADER_JSON, 0, NULL);
    if (sjwt_json_member(root, "crit") != NULL)
        return sjwt_fail(error, SJWT_CRITICAL_HEADER, 0, "crit");
    if (sjwt_json_member(root, "b64") != NULL)
        return sjwt_fail(error, SJWT_CRITICAL_HEADER, 0, "b64");

    const sjwt_json_value *alg = sjwt_json_member(root, "alg");
    if (alg == NULL)
        return SJWT_OK;
    const char *name = sjwt_json_string(alg);
    jws->algorithm = name == NULL ? NULL : sjwt_crypto_algorithm_find(name, strlen(name));
    return jws->algorithm != NULL ? SJWT_OK : sjwt_fail(error, SJWT_ALG_UNKNOWN, 0, NULL);
}

sjwt_status sjwt_jws_open(const sjwt_allocator *allocator, const char *text, size_t len,
                          size_t max_size, sjwt_jws_object *out, sjwt_error *error)
{
    sjwt_crypto_span header = {NULL, 0}, signature = {NULL, 0};
    sjwt_status status;
    size_t position;

    memset(out, 0, sizeof(*out));
    if (len > (max_size != 0 ? max_size : SJWT_MAX_TOKEN_SIZE))
        return sjwt_fail(error, SJWT_TOO_LARGE, 0, NULL);
    status = sjwt_jws_split(text, len, &header, &out->payload_text, &signature, error);
    if (status != SJWT_OK)
        return status;
    out->payload_offset = header.len + 1;
    out->message = (sjwt_crypto_span){header.data, header.len + 1 + out->payload_text.len};

    sjwt_token *token = make_token(allocator, header, out->payload_text, signature);
    if (token == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    out->token = token;
    if ((status = decode(signature, len - signature.len, token->signature, SJWT_SIGNATURE_ENCODING,
                         error)) == SJWT_OK &&
        (status = decode(header, 0, token->header, SJWT_HEADER_ENCODING, error)) == SJWT_OK) {
        token->header[token->header_len] = '\0';
        status = sjwt_json_parse(allocator, token->header, token->header_len, SJWT_HEADER_JSON,
                                 &out->header, &position);
        if (status != SJWT_OK)
            sjwt_fail(error, status, position, NULL);
        else
            status = read_header(out, error);
    }
    if (status != SJWT_OK)
        sjwt_jws_close(out);
    return status;
}

void sjwt_jws_close(sjwt_jws_object *jws)
{
    sjwt_json_free(&jws->header);
    sjwt_token_free(jws->token);
    jws->token = NULL;
}

sjwt_status sjwt_jws_decode_payload(sjwt_jws_object *jws, sjwt_error *error)
{
    sjwt_token *token = jws->token;
    sjwt_status status = decode(jws->payload_text, jws->payload_offset, token->payload,
                                SJWT_PAYLOAD_ENCODING, error);

    if (status == SJWT_OK)
        token->payload[token->payload_len] = '\0';
    return status;
}

/* The algorithm of a session key that has only one: its tokens need no "alg". */
static const sjwt_crypto_algorithm *only_algorithm(const sjwt_keyset *keys)
{
    const sjwt_crypto_algorithm *only = NULL;

    for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
        if ((sjwt_keyset_algorithms(keys) & SJWT_CRYPTO_BIT(n)) == 0)
            continue;
        if (only != NULL)
            return NULL;
        only = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n);
    }
    return only;
}

/* start is in lower case. */
static bool starts_with(const char *text, const char *start)
{
    for (; *start != '\0'; text++, start++) {
        if (sjwt_lower(*text) != *start)
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
    while (*left != '\0' && sjwt_lower(*left) == sjwt_lower(*right)) {
        left++;
        right++;
    }
    return *left == *right;
}

static bool is_accepted_type(const char *type, const sjwt_string_list *accepted)
{
    if (accepted->count == 0)
        return true;
    for (size_t i = 0; type != NULL && i < accepted->count; i++) {
        if (is_same_type(type, accepted->items[i]))
            return true;
    }
    return false;
}

sjwt_status sjwt_jws_check_header(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                  sjwt_error *error)
{
    if (jws->algorithm == NULL && issuer_policy->session_key && issuer_policy->keys != NULL)
        jws->algorithm = only_algorithm(issuer_policy->keys);
    if (jws->algorithm == NULL)
        return sjwt_fail(error, SJWT_ALG_MISSING, 0, NULL);

    const sjwt_crypto_algorithm *algorithm = jws->algorithm;
    if ((issuer_policy->algorithms & SJWT_CRYPTO_BIT(algorithm->alg)) == 0)
        return sjwt_fail(error, SJWT_ALG_NOT_ALLOWED, 0, algorithm->name);
    jws->token->algorithm = algorithm->name;
    jws->token->backend = sjwt_crypto_backend_name(algorithm->alg);
    if (jws->token->backend == NULL)
        return sjwt_fail(error, SJWT_ALG_UNSUPPORTED, 0, algorithm->name);

    const char *type = sjwt_json_string(sjwt_json_member(jws->header.root, "typ"));
    if (!is_accepted_type(type, &issuer_policy->types))
        return sjwt_fail(error, SJWT_TYPE_REFUSED, 0, NULL);
    return SJWT_OK;
}

/* Reads "kid" and keeps it in the token. */
static sjwt_status read_key_id(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                               sjwt_error *error)
{
    const sjwt_json_value *value = sjwt_json_member(jws->header.root, "kid");
    const char *kid = sjwt_json_string(value);

    if (kid == NULL)
        return value == NULL || issuer_policy->session_key
                   ? SJWT_OK
                   : sjwt_fail(error, SJWT_KID_INVALID, 0, NULL);
    char *buf = (char *)jws->token->signature + jws->token->signature_len;
    memcpy(buf, kid, strlen(kid) + 1);
    jws->token->key_id = buf;
    return SJWT_OK;
}

static sjwt_status status_of(sjwt_crypto_status status)
{
    switch (status) {
    case SJWT_CRYPTO_OK:
        return SJWT_OK;
    case SJWT_CRYPTO_BAD_SIGNATURE:
        return SJWT_SIGNATURE_INVALID;
    case SJWT_CRYPTO_UNSUPPORTED:
        return SJWT_ALG_UNSUPPORTED;
    case SJWT_CRYPTO_NO_MEMORY:
        return SJWT_NO_MEMORY;
    case SJWT_CRYPTO_BAD_KEY: /* said when a key is prepared, or never */
    case SJWT_CRYPTO_INTERNAL:
        break;
    }
    return SJWT_INTERNAL;
}

static sjwt_status verify_with(const sjwt_key *key, const sjwt_jws_object *jws,
                               sjwt_crypto_span signature)
{
    sjwt_crypto_key prepared;
    sjwt_status status = sjwt_key_prepare(key, jws->algorithm->alg, &prepared);

    if (status == SJWT_JWK_KEY_REFUSED)
        return SJWT_KEY_REFUSED;
    if (status == SJWT_JWK_UNSUPPORTED)
        return SJWT_ALG_UNSUPPORTED;
    if (status != SJWT_OK)
        return status;
    return status_of(sjwt_crypto_verify(&prepared, jws->message, signature));
}

/* SJWT_OK, or the first of these that is so of a key: there was no memory, or the library
 * failed; the signature is not valid; the key is refused; the signature's length is not that
 * of a signature by the key. */
static sjwt_status try_keys(const sjwt_jws_object *jws, const sjwt_keyset *keys, const char *kid)
{
    sjwt_crypto_span signature = {jws->token->signature, jws->token->signature_len};
    sjwt_crypto_alg alg = jws->algorithm->alg;
    sjwt_status outcome = SJWT_SIGNATURE_ENCODING;
    size_t position = 0, tried = 0;
    const sjwt_key *key;

    while (tried < SJWT_MAX_CANDIDATE_KEYS &&
           (key = sjwt_keyset_next(keys, kid, alg, &position)) != NULL) {
        tried++;
        if (signature.len != sjwt_crypto_signature_length(alg, &key->octets))
            continue;
        sjwt_status status = verify_with(key, jws, signature);
        switch (status) {
        case SJWT_SIGNATURE_INVALID:
            outcome = status;
            break;
        case SJWT_KEY_REFUSED: /* as if it were not there */
        case SJWT_ALG_UNSUPPORTED:
            tried--;
            if (outcome == SJWT_SIGNATURE_ENCODING)
                outcome = status;
            break;
        default:
            return status;
        }
    }
    return outcome;
}

sjwt_status sjwt_jws_check_signature(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                     sjwt_error *error)
{
    const sjwt_keyset *keys = issuer_policy->keys;
    size_t position = 0;

    sjwt_status status = read_key_id(jws, issuer_policy, error);
    if (status != SJWT_OK)
        return status;
    if (keys == NULL)
        return sjwt_fail(error, SJWT_KEY_NOT_FOUND, 0, NULL);
    const char *kid = issuer_policy->session_key ? NULL : jws->token->key_id;
    if (sjwt_keyset_next(keys, kid, jws->algorithm->alg, &position) == NULL)
        status =
            kid == NULL || sjwt_keyset_has_kid(keys, kid) ? SJWT_ALG_MISMATCH : SJWT_KEY_NOT_FOUND;
    else
        status = try_keys(jws, keys, kid);
    if (status == SJWT_OK)
        return SJWT_OK;
    return sjwt_fail(error, status, 0,
                     status == SJWT_INTERNAL ? sjwt_crypto_describe(jws->algorithm->alg) : NULL);
}
