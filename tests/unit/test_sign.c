/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys and signing (jwt/sign.h): cases that the tool's tests cannot reach, each
 * allocation failing in turn, and no private octet in freed memory.
 */
#include "support.h"

#include "crypto/sign.h"
#include "jwt/memory.h"
#include "jwt/sign.h"
#include "jwt/writer.h"

/* RFC 7515 appendix A.1 and A.1.1. */
static const char hmac_secret[] =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
static const char hmac_jwk[] =
    "{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
    "1qS0gZH75aKtMN3Yj0iPS4"
    "hcgUuTwjAzZr1Z9CAow\"}";
static const char hmac_header[] = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
static const char hmac_payload[] =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
static const char hmac_token[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQog"
    "Imh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/* ---- an allocator that inspects freed memory ---------------------------- */

typedef struct watch {
    counting count;
    uint8_t secrets[4][64];
    size_t lengths[4];
    size_t secret_count;
} watch;

typedef struct block {
    size_t size;
    max_align_t data[];
} block;

static void *watching_allocate(void *context, size_t size)
{
    watch *w = context;
    block *b = counting_allocate(&w->count, sizeof(block) + size);

    if (b == NULL)
        return NULL;
    b->size = size;
    /* so that unwritten octets are inspected too */
    memset(b->data, 0xa5, size);
    return b->data;
}

static bool holds(const uint8_t *data, size_t size, const uint8_t *secret, size_t len)
{
    for (size_t i = 0; i + len <= size; i++) {
        if (memcmp(data + i, secret, len) == 0)
            return true;
    }
    return false;
}

static void watching_release(void *context, void *pointer)
{
    watch *w = context;
    block *b = (block *)(void *)((char *)pointer - offsetof(block, data));

    for (size_t i = 0; i < w->secret_count; i++) {
        /* sixteen octets from its middle: the first octets may be overwritten */
        if (holds(pointer, b->size, w->secrets[i] + w->lengths[i] / 2, 16))
            fail_msg("a block of %zu octets is given back with a secret in it", b->size);
    }
    counting_release(&w->count, b);
}

static sjwt_allocator watching_allocator(watch *w)
{
    return (sjwt_allocator){watching_allocate, watching_release, w};
}

static void watch_for(watch *w, const void *secret, size_t len)
{
    assert_in_range(len, 24, sizeof(w->secrets[0]));
    assert_in_range(w->secret_count, 0, COUNT(w->secrets) - 1);
    memcpy(w->secrets[w->secret_count], secret, len);
    w->lengths[w->secret_count++] = len;
}

/* The text and the octets of the secret. */
static void watch_for_member(watch *w, const char *encoded_text)
{
    uint8_t octets[64];
    size_t len = strlen(encoded_text) < 64 ? strlen(encoded_text) : 64;

    watch_for(w, encoded_text, len);
    assert_true(sjwt_base64url_decode(encoded_text, len, octets, NULL));
    watch_for(w, octets, SJWT_BASE64URL_DECODED_LEN(len));
}

/* ---- one of each -------------------------------------------------------- */

static sjwt_private_key *parse(const sjwt_allocator *allocator, const char *json)
{
    sjwt_private_key *key;
    sjwt_error error;

    assert_status(sjwt_private_key_parse(allocator, json, strlen(json), &key, &error), SJWT_OK,
                  error.detail);
    return key;
}

static bool is_signable(sjwt_crypto_alg alg)
{
    return (sjwt_crypto_signable_algorithms() & SJWT_CRYPTO_BIT(alg)) != 0 &&
           sjwt_crypto_probe(alg) != SJWT_CRYPTO_UNSUPPORTED;
}

static const sjwt_jws_header exact = {.exact = hmac_header, .exact_len = sizeof(hmac_header) - 1};

static void test_known_token(void **state)
{
    sjwt_private_key *key = parse(NULL, hmac_jwk);
    bool in_build = is_signable(SJWT_CRYPTO_ALG_HS256);
    sjwt_error error;
    char *token;
    size_t len;

    (void)state;
    assert_string_equal(sjwt_private_key_algorithm(key), "HS256");
    assert_status(
        sjwt_sign(NULL, key, &exact, hmac_payload, sizeof(hmac_payload) - 1, &token, &len, &error),
        in_build ? SJWT_OK : SJWT_ALG_UNSUPPORTED, "RFC 7515 A.1");
    if (in_build) {
        assert_string_equal(token, hmac_token);
        assert_int_equal(len, sizeof(hmac_token) - 1);
    } else {
        assert_null(token);
    }
    free(token);
    sjwt_private_key_free(key);
}

static void test_outputs_are_null_on_failure(void **state)
{
    sjwt_private_key *key = (sjwt_private_key *)state;
    char *text = (char *)state;
    size_t len;

    assert_status(sjwt_private_key_parse(NULL, "{", 1, &key, NULL), SJWT_JWK_MALFORMED, "parse");
    assert_null(key);
    key = (sjwt_private_key *)state;
    assert_status(sjwt_private_key_generate(NULL, "none", 0, NULL, &key, NULL), SJWT_ALG_UNKNOWN,
                  "generate");
    assert_null(key);

    key = parse(NULL, hmac_jwk);
    assert_status(sjwt_private_key_print_public(key, &text, &len, NULL), SJWT_JWK_SYMMETRIC,
                  "public");
    assert_null(text);
    text = (char *)state;
    assert_status(sjwt_sign(NULL, key, &exact, "[]", 2, &text, &len, NULL), SJWT_PAYLOAD_JSON,
                  "sign");
    assert_null(text);
    text = (char *)state;
    assert_status(
        sjwt_jws_sign(NULL, key, &(sjwt_jws_header){.alg = "RS256"}, "", 0, &text, &len, NULL),
        SJWT_ALG_MISMATCH, "sign with another type's algorithm");
    assert_null(text);
    sjwt_private_key_free(key);
    sjwt_private_key_free(NULL);
    sjwt_secret_text_free(NULL, NULL, 0);
}

/* The MAC takes 43 octets, and the dots take two. With a header of two octets the token
 * has the greatest size for sjwt_verify(); with a header of three it has one octet more. */
static void test_the_largest_token(void **state)
{
    const size_t claims_len = (SJWT_MAX_TOKEN_SIZE - 43 - 2 - 3) / 4 * 3;
    counting c = {0};
    sjwt_allocator allocator = counting_allocator(&c);
    sjwt_jws_header header = {.exact = "{ }", .exact_len = 2};
    sjwt_private_key *key;
    char *claims, *token;
    size_t len;

    (void)state;
    if (!is_signable(SJWT_CRYPTO_ALG_HS256))
        skip();
    key = parse(NULL, hmac_jwk);
    claims = allocate_or_fail(claims_len);
    memset(claims, ' ', claims_len);
    claims[0] = '{';
    claims[1] = '}';
    assert_status(sjwt_sign(&allocator, key, &header, claims, claims_len, &token, &len, NULL),
                  SJWT_OK, "the largest");
    assert_int_equal(len, SJWT_MAX_TOKEN_SIZE);
    counting_release(&c, token);
    header.exact_len = 3;
    assert_status(sjwt_jws_sign(&allocator, key, &header, claims, claims_len, &token, &len, NULL),
                  SJWT_OK, "any octets");
    assert_int_equal(len, SJWT_MAX_TOKEN_SIZE + 1);
    counting_release(&c, token);
    assert_status(sjwt_sign(&allocator, key, &header, claims, claims_len, &token, &len, NULL),
                  SJWT_TOO_LARGE, "one octet more");
    assert_null(token);
    assert_int_equal(c.live, 0);
    sjwt_private_key_free(key);
    free(claims);
}

static void test_too_large(void **state)
{
    sjwt_private_key *key;
    sjwt_error error;
    char *text = allocate_or_fail(SJWT_MAX_KEYSET_SIZE + 1);

    (void)state;
    memset(text, ' ', SJWT_MAX_KEYSET_SIZE + 1);
    memcpy(text, hmac_jwk, sizeof(hmac_jwk) - 1);
    assert_status(sjwt_private_key_parse(NULL, text, SJWT_MAX_KEYSET_SIZE, &key, &error), SJWT_OK,
                  "as large as may be");
    sjwt_private_key_free(key);
    assert_status(sjwt_private_key_parse(NULL, text, SJWT_MAX_KEYSET_SIZE + 1, &key, &error),
                  SJWT_JWK_TOO_LARGE, "one octet more");
    free(text);
}

/* The verification key of an octet key is the key itself. */
static void assert_verifies(const sjwt_private_key *key, const char *token, size_t len)
{
    sjwt_error error;
    char *json;
    size_t json_len;
    sjwt_keyset *keys;
    sjwt_token *verified;

    sjwt_status status = sjwt_private_key_print_public(key, &json, &json_len, &error);
    if (status == SJWT_JWK_SYMMETRIC)
        status = sjwt_private_key_print(key, &json, &json_len, &error);
    assert_status(status, SJWT_OK, "print");
    assert_int_equal(strlen(json), json_len);
    assert_status(sjwt_keyset_parse(NULL, json, json_len, &keys, &error), SJWT_OK, json);
    sjwt_secret_text_free(key, json, json_len);

    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = sjwt_all_algorithms()};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    assert_status(sjwt_jws_verify(NULL, token, len, &policy, &verified, &error), SJWT_OK, token);
    sjwt_token_free(verified);
    sjwt_keyset_free(keys);
}

static void test_every_algorithm(void **state)
{
    (void)state;
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        const char *names[] = {sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg)->name,
                               sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg)->alias};
        bool in_build = is_signable((sjwt_crypto_alg)alg);

        for (size_t i = 0; i < COUNT(names) && names[i] != NULL; i++) {
            sjwt_private_key *key;
            sjwt_error error;
            char *token;
            size_t len;

            assert_status(sjwt_private_key_generate(NULL, names[i], 0, "a \"kid\"", &key, &error),
                          in_build ? SJWT_OK : SJWT_ALG_UNSUPPORTED, names[i]);
            if (!in_build)
                continue;
            assert_string_equal(sjwt_private_key_algorithm(key), names[i]);
            assert_status(
                sjwt_jws_sign(NULL, key, &(sjwt_jws_header){0}, "x", 1, &token, &len, &error),
                SJWT_OK, names[i]);
            assert_verifies(key, token, len);
            free(token);
            sjwt_private_key_free(key);
        }
    }
}

/* ---- memory ------------------------------------------------------------- */

/* Runs each operation with a fresh allocator, whose context selects the call that fails.
 * Returns the first status that is not SJWT_OK. */
static sjwt_status use_key(const sjwt_allocator *allocator, const char *json)
{
    sjwt_jws_header header = {.kid = "kid", .typ = "typ"};
    sjwt_private_key *key = NULL;
    sjwt_error error = {.status = SJWT_OK};
    char *text, *token;
    size_t len;

    sjwt_status status =
        json != NULL ? sjwt_private_key_parse(allocator, json, strlen(json), &key, &error)
                     : sjwt_private_key_generate(allocator, "HS256", 0, "kid", &key, &error);
    if (status == SJWT_OK)
        status = sjwt_private_key_print(key, &text, &len, &error);
    if (status == SJWT_OK) {
        sjwt_secret_text_free(key, text, len);
        status = sjwt_sign(allocator, key, &header, hmac_payload, sizeof(hmac_payload) - 1, &token,
                           &len, &error);
    }
    if (status == SJWT_OK)
        allocator->release(allocator->context, token);
    if (status == SJWT_OK) {
        status = sjwt_private_key_print_public(key, &text, &len, &error);
        if (status == SJWT_OK)
            sjwt_secret_text_free(key, text, len);
        else if (status == SJWT_JWK_SYMMETRIC)
            status = SJWT_OK;
    }
    assert_true(status == SJWT_OK || status == error.status);
    sjwt_private_key_free(key);
    return status;
}

static void torture(const char *json, const char *secret)
{
    size_t calls = 0;

    for (size_t fail_at = 1; calls == 0 || fail_at <= calls; fail_at++) {
        watch w = {.count = {.fail_at = calls == 0 ? 0 : fail_at}};
        sjwt_allocator allocator = watching_allocator(&w);

        if (secret != NULL)
            watch_for_member(&w, secret);
        sjwt_status status = use_key(&allocator, json);
        assert_int_equal(w.count.live, 0);
        if (calls > 0) {
            assert_status(status, SJWT_NO_MEMORY, "without memory");
            continue;
        }
        assert_status(status, SJWT_OK, "with memory");
        calls = w.count.calls;
        assert_true(calls > 5);
        fail_at = 0;
    }
}

static void test_no_memory_for_a_secret(void **state)
{
    (void)state;
    if (!is_signable(SJWT_CRYPTO_ALG_HS256))
        skip();
    torture(hmac_jwk, hmac_secret);
    torture(NULL, NULL);
}

static void test_no_memory_for_a_key_pair(void **state)
{
    const char *fast = NULL;
    sjwt_private_key *key;
    char *json;
    size_t len;

    (void)state;
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT && fast == NULL; alg++) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg);

        if (is_signable(row->alg) && row->coordinate_len != 0)
            fast = row->name;
    }
    if (fast == NULL)
        skip();
    assert_status(sjwt_private_key_generate(NULL, fast, 0, NULL, &key, NULL), SJWT_OK, fast);
    assert_status(sjwt_private_key_print(key, &json, &len, NULL), SJWT_OK, fast);

    char *d = strstr(json, "\"d\":\"");
    char secret[64];
    assert_non_null(d);
    assert_int_equal(sscanf(d + 5, "%63[^\"]", secret), 1);
    torture(json, secret);
    sjwt_secret_text_free(key, json, len);
    sjwt_private_key_free(key);
}

/* A key that is refused late leaves no secret in memory either. */
static void test_refused_keys_are_wiped(void **state)
{
    char *json = allocate_or_fail(2 * sizeof(hmac_jwk));
    watch w = {0};
    sjwt_allocator allocator = watching_allocator(&w);
    sjwt_private_key *key;

    (void)state;
    snprintf(json, 2 * sizeof(hmac_jwk), "{\"k\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AB\"}",
             hmac_secret, hmac_secret);
    watch_for_member(&w, hmac_secret);
    assert_status(sjwt_private_key_parse(&allocator, json, strlen(json), &key, NULL),
                  SJWT_JWK_MEMBER_INVALID, "a bad exponent");
    assert_int_equal(w.count.live, 0);
    free(json);
}

/* A buffer is wiped when the text outgrows it, and when the text is abandoned. */
static void test_growing_text_is_wiped(void **state)
{
    (void)state;
    for (size_t fail_at = 0; fail_at <= 2; fail_at++) {
        watch w = {.count = {.fail_at = fail_at}};
        sjwt_allocator allocator = watching_allocator(&w);
        sjwt_writer writer;
        char *text = NULL;
        size_t len = 0;

        watch_for_member(&w, hmac_secret);
        sjwt_writer_start(&writer, &allocator);
        sjwt_writer_member(&writer, "k", hmac_secret);
        for (int i = 0; i < 600; i++)
            sjwt_writer_put(&writer, "x", 1);
        assert_status(sjwt_writer_finish(&writer, &text, &len),
                      fail_at == 0 ? SJWT_OK : SJWT_NO_MEMORY, "finish");
        assert_int_equal(w.count.live, fail_at == 0 ? 1 : 0);
        if (fail_at > 0)
            continue;
        assert_int_equal(len, strlen("{\"k\":\"\"") + strlen(hmac_secret) + 600);
        assert_int_equal(strlen(text), len);
        sjwt_wipe(text, len);
        watching_release(&w, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_token),
        cmocka_unit_test(test_outputs_are_null_on_failure),
        cmocka_unit_test(test_the_largest_token),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_every_algorithm),
        cmocka_unit_test(test_no_memory_for_a_secret),
        cmocka_unit_test(test_no_memory_for_a_key_pair),
        cmocka_unit_test(test_refused_keys_are_wiped),
        cmocka_unit_test(test_growing_text_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
