/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/jws.h"
#include "jwt/ascii.h"
#include "jwt/base64url.h"
#include "jwt/error.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/text_fault.h"
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

void sjwt_jws_explain(const char *text, size_t len, sjwt_status status, sjwt_error *error)
{
    const char *fault;

    switch (status) {
    case SJWT_MALFORMED:
    case SJWT_SIGNATURE_ENCODING:
    case SJWT_HEADER_ENCODING:
    case SJWT_HEADER_JSON:
        fault = sjwt_token_text_fault(text, len);
        if (fault != NULL)
            sjwt_fail(error, status, error == NULL ? 0 : error->position, fault);
        break;
    default:
        break;
    }
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

static sjwt_status open_jws(const sjwt_allocator *allocator, const char *text, size_t len,
                            sjwt_jws_object *out, sjwt_error *error)
{
    sjwt_crypto_span header = {NULL, 0}, signature = {NULL, 0};
    sjwt_status status;
    size_t position;

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
                         error)) != SJWT_OK ||
        (status = decode(header, 0, token->header, SJWT_HEADER_ENCODING, error)) != SJWT_OK)
        return status;
    token->header[token->header_len] = '\0';
    status = sjwt_json_parse(allocator, token->header, token->header_len, SJWT_HEADER_JSON,
                             &out->header, &position);
    return status == SJWT_OK ? read_header(out, error) : sjwt_fail(error, status, position, NULL);
}

sjwt_status sjwt_jws_open(const sjwt_allocator *allocator, const char *text, size_t len,
                          size_t max_size, sjwt_jws_object *out, sjwt_error *error)
{
    memset(out, 0, sizeof(*out));
    if (len > (max_size != 0 ? max_size : SJWT_MAX_TOKEN_SIZE))
        return sjwt_fail(error, SJWT_TOO_LARGE, 0, NULL);
    sjwt_status status = open_jws(allocator, text, len, out, error);
    if (status != SJWT_OK) {
        sjwt_jws_explain(text, len, status, error);
        sjwt_jws_close(out);
    }
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

bool sjwt_jws_is_accepted_type(const char *type, const sjwt_string_list *accepted)
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
    if (!sjwt_jws_is_accepted_type(type, &issuer_policy->types))
        return sjwt_fail(error, SJWT_TYPE_REFUSED, 0, NULL);
    return SJWT_OK;
}

/* Reads "kid" and keeps it in the token. One that is null is absent. */
static sjwt_status read_key_id(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                               sjwt_error *error)
{
    const sjwt_json_value *value = sjwt_jwk_member(jws->header.root, "kid");
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

/* Of two outcomes, which says more? They are those of different keys. */
static sjwt_status more_telling(sjwt_status left, sjwt_status right)
{
    static const sjwt_status order[] = {SJWT_SIGNATURE_INVALID, SJWT_KEY_REFUSED,
                                        SJWT_ALG_UNSUPPORTED, SJWT_SIGNATURE_ENCODING};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        if (left == order[i] || right == order[i])
            return order[i];
    }
    return left;
}

/* SJWT_OK, SJWT_NO_MEMORY or SJWT_INTERNAL as soon as a key gives it; else why no key verified
 * the signature. Without candidates: SJWT_KEY_NOT_FOUND. A key whose signatures have another
 * length, and one that is refused, count as not tried. */
static sjwt_status try_keys(const sjwt_jws_object *jws, sjwt_candidates *candidates)
{
    sjwt_crypto_span signature = {jws->token->signature, jws->token->signature_len};
    sjwt_status outcome = SJWT_KEY_NOT_FOUND;
    size_t tried = 0;
    const sjwt_key *key;

    while ((key = sjwt_candidates_next(candidates)) != NULL) {
        sjwt_status status = SJWT_SIGNATURE_ENCODING;
        if (signature.len == sjwt_crypto_signature_length(candidates->alg, &key->octets)) {
            if (tried == SJWT_MAX_CANDIDATE_KEYS)
                return SJWT_KEYS_NOT_ALL_TRIED;
            status = verify_with(key, jws, signature);
            if (status == SJWT_OK || sjwt_status_is_transient(status))
                return status;
            tried += status == SJWT_SIGNATURE_INVALID;
        }
        outcome = more_telling(outcome, status);
    }
    return outcome;
}

/* Why no key verified the signature, in the token's view: it names its key by kid, or not. */
static sjwt_status refuse_keys(const sjwt_candidates *candidates, sjwt_status outcome,
                               sjwt_error *error)
{
    const bool kid_unknown = candidates->kid != NULL && !candidates->kid_known;

    switch (outcome) {
    case SJWT_INTERNAL:
        return sjwt_fail(error, outcome, 0, sjwt_crypto_describe(candidates->alg));
    case SJWT_KEY_NOT_FOUND:
        return sjwt_fail(error, kid_unknown ? SJWT_KEY_NOT_FOUND : SJWT_ALG_MISMATCH, 0, NULL);
    case SJWT_SIGNATURE_INVALID:
    case SJWT_SIGNATURE_ENCODING:
        if (kid_unknown)
            return sjwt_fail(error, SJWT_KEY_NOT_FOUND, 0,
                             "no key has its \"kid\", and the signature is by none without one");
        return sjwt_fail(error, outcome, 0, NULL);
    default:
        return sjwt_fail(error, outcome, 0, NULL);
    }
}

static sjwt_status find_candidates(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                   sjwt_candidates *out, sjwt_error *error)
{
    sjwt_status status = read_key_id(jws, issuer_policy, error);

    if (status != SJWT_OK)
        return status;
    if (issuer_policy->keys == NULL)
        return sjwt_fail(error, SJWT_KEY_NOT_FOUND, 0, NULL);
    sjwt_keyset_find(issuer_policy->keys, issuer_policy->session_key ? NULL : jws->token->key_id,
                     jws->algorithm->alg, out);
    return SJWT_OK;
}

sjwt_status sjwt_jws_check_key_id(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                  sjwt_error *error)
{
    sjwt_candidates candidates;

    sjwt_status status = find_candidates(jws, issuer_policy, &candidates, error);
    if (status != SJWT_OK)
        return status;
    return sjwt_candidates_next(&candidates) != NULL
               ? SJWT_OK
               : refuse_keys(&candidates, SJWT_KEY_NOT_FOUND, error);
}

sjwt_status sjwt_jws_check_signature(sjwt_jws_object *jws, const sjwt_issuer_policy *issuer_policy,
                                     sjwt_error *error)
{
    sjwt_candidates candidates;

    sjwt_status status = find_candidates(jws, issuer_policy, &candidates, error);
    if (status != SJWT_OK)
        return status;
    status = try_keys(jws, &candidates);
    return status == SJWT_OK ? SJWT_OK : refuse_keys(&candidates, status, error);
}
