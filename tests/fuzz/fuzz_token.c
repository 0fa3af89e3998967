/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a token. With a leading '#', the text is a header and, after the first line
 * feed, a payload. Both are encoded and get a signature that the fake backend accepts, so
 * that the target also reaches the claims. A leading '!' and two digits are the statuses that
 * the backend gives when it prepares and when it verifies; a header follows as after '#'.
 */
#include "fuzz.h"

#include "../unit/fake_backend.h"

#include "jwt/base64url.h"
#include <sjwt.h>

static sjwt_keyset *keys;

static void look_at(const sjwt_token *token, const char *text, size_t len)
{
    int64_t number;
    size_t header_len, payload_len;

    must(memchr(text, '\0', len) == NULL);
    const char *header = sjwt_token_header(token, &header_len);
    const char *payload = sjwt_token_payload(token, &payload_len);
    must(strlen(header) == header_len && strlen(payload) == payload_len);
    must(header[0] != '\0' && payload[0] != '\0');
    must(sjwt_token_algorithm(token) != NULL && sjwt_token_backend(token) != NULL);
    if (sjwt_token_expires_at(token, &number))
        must(number >= -60 * INT64_C(1000000));
    if (sjwt_token_not_before(token, &number))
        must(number <= 60 * INT64_C(1000000));
    (void)sjwt_token_issued_at(token, &number);
    (void)sjwt_token_integer_id(token, &number);
    (void)sjwt_token_key_id(token);
}

static void verify(const char *text, size_t len)
{
    static const char *const audience[] = {"us"};
    static const int64_t last = 5;
    sjwt_issuer_policy issuers[2] = {{.issuer = "a", .keys = keys, .algorithms = UINT32_MAX},
                                     {.issuer = "b", .keys = keys, .algorithms = UINT32_MAX}};
    sjwt_policy policy = {.issuers = issuers, .leeway = 60};

    issuers[1].audiences = (sjwt_string_list){audience, 1};
    for (int way = 0; way < 4; way++) {
        sjwt_token *token;
        sjwt_error error;
        issuers[0].issuer = way == 0 ? NULL : "a";
        issuers[0].session_key = way == 1;
        policy.issuer_count = way < 2 ? 1 : 2;
        policy.last_jti = way == 1 ? &last : NULL;
        sjwt_status status =
            (way == 3 ? sjwt_jws_verify : sjwt_verify)(NULL, text, len, &policy, &token, &error);
        must((status == SJWT_OK) == (token != NULL));
        if (token == NULL)
            must(error.status == status);
        else if (way < 3)
            look_at(token, text, len);
        sjwt_token_free(token);
    }

    char *header, *payload;
    size_t header_len, payload_len;
    if (sjwt_decode_unverified(NULL, text, len, &header, &header_len, &payload, &payload_len,
                               NULL) == SJWT_OK)
        must(strlen(header) == header_len);
    free(header);
    free(payload);
    if (sjwt_looks_like_token(text, len))
        must(len >= 5 && memchr(text, '.', len) != NULL);
}

typedef struct given {
    const char *text;
    size_t len;
} given;

static int verify_once(const void *context)
{
    const given *g = context;
    const sjwt_issuer_policy issuer = {.issuer = "a", .keys = keys, .algorithms = UINT32_MAX};
    const sjwt_policy policy = {.issuers = &issuer, .issuer_count = 1};
    sjwt_token *token;

    sjwt_status status = sjwt_verify(NULL, g->text, g->len, &policy, &token, NULL);
    sjwt_token_free(token);
    return (int)status;
}

static int decode_once(const void *context)
{
    const given *g = context;
    char *header, *payload;
    size_t header_len, payload_len;

    sjwt_status status = sjwt_decode_unverified(NULL, g->text, g->len, &header, &header_len,
                                                &payload, &payload_len, NULL);
    free(header);
    free(payload);
    return (int)status;
}

static void verify_and_fail(const char *text, size_t len)
{
    const given g = {text, len};
    const uint32_t choice = hash_of(text, len);

    verify(text, len);
    fail_each_allocation(verify_once, &g, SJWT_NO_MEMORY, choice);
    fail_each_allocation(decode_once, &g, SJWT_NO_MEMORY, choice);
}

/* Encodes at next, and returns the end of the text. */
static char *put(char *next, const void *octets, size_t len)
{
    sjwt_base64url_encode(octets, len, next);
    return next + SJWT_BASE64URL_ENCODED_LEN(len);
}

static void sign_and_verify(const uint8_t *header, size_t header_len, const uint8_t *payload,
                            size_t payload_len)
{
    uint8_t signature[64];
    char *text =
        malloc(SJWT_BASE64URL_ENCODED_LEN(header_len) + SJWT_BASE64URL_ENCODED_LEN(payload_len) +
               SJWT_BASE64URL_ENCODED_LEN(sizeof(signature)) + 2);

    must(text != NULL);
    memset(signature, 'K', sizeof(signature));
    char *next = put(text, header, header_len);
    *next++ = '.';
    next = put(next, payload, payload_len);
    *next++ = '.';
    next = put(next, signature, sizeof(signature));
    verify_and_fail(text, (size_t)(next - text));
    free(text);
}

static void sign_text_and_verify(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    const uint8_t *line_feed = size == 0 ? NULL : memchr(data, '\n', size);
    const uint8_t *payload = line_feed == NULL ? end : line_feed + 1;

    sign_and_verify(data, (size_t)((line_feed == NULL ? end : line_feed) - data), payload,
                    (size_t)(end - payload));
}

/* With keys of its own: what the backend says against a key is remembered. */
static void with_failing_backend(const char *json, const uint8_t *data, size_t size)
{
    sjwt_keyset *usual = keys;

    must(sjwt_keyset_parse(NULL, json, strlen(json), &keys, NULL) == SJWT_OK);
    fake.prepare = (sjwt_crypto_status)(data[1] % (SJWT_CRYPTO_INTERNAL + 1));
    fake.verify = (sjwt_crypto_status)(data[2] % (SJWT_CRYPTO_INTERNAL + 1));
    sign_text_and_verify(data + 3, size - 3);
    must((sjwt_keyset_prepare_all(keys, NULL) == SJWT_OK) == (fake.prepare == SJWT_CRYPTO_OK));
    fake.prepare = fake.verify = SJWT_CRYPTO_OK;
    sjwt_keyset_free(keys);
    keys = usual;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char json[] =
        "{\"keys\":[{" OKP_KEY ",\"kid\":\"a\"},{" EC_KEY "},{" OCT_KEY
        "},{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}]}";

    if (keys == NULL)
        must(sjwt_keyset_parse(NULL, json, strlen(json), &keys, NULL) == SJWT_OK);
    if (size > 3 && data[0] == '!') {
        with_failing_backend(json, data, size);
        return 0;
    }
    if (size == 0 || data[0] != '#') {
        verify_and_fail((const char *)data, size);
        return 0;
    }
    sign_text_and_verify(data + 1, size - 1);
    return 0;
}
