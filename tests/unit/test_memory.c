/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory at every allocation in turn, the allocator's and the JSON
 * parser's: always SJWT_NO_MEMORY, never a leak, and nothing is left half made. */
#include "support.h"

#include <cjson/cJSON.h>

#include "fake_backend.h"

#define EDDSA "{\"alg\":\"EdDSA\"}"

/* What the parser allocates, counted alike. */
static counting parser;

static void *parser_allocate(size_t size)
{
    return counting_allocate(&parser, size);
}

static void parser_release(void *pointer)
{
    if (pointer != NULL)
        counting_release(&parser, pointer);
}

static int hook_parser(void **state)
{
    cJSON_Hooks hooks = {parser_allocate, parser_release};

    (void)state;
    memset(&parser, 0, sizeof(parser));
    cJSON_InitHooks(&hooks);
    return 0;
}

static int unhook_parser(void **state)
{
    (void)state;
    cJSON_InitHooks(NULL);
    return 0;
}

/* One whole use of the core; what it makes it also frees. */
typedef sjwt_status use(const sjwt_allocator *allocator, sjwt_error *error);

/* Runs once to count, then fails each allocation in turn. */
static void torture(use *run, sjwt_status wanted, size_t at_least)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_error error;

    memset(&parser, 0, sizeof(parser));
    assert_status(run(&allocator, &error), wanted, "with all the memory");
    assert_int_equal(memory.live, 0);
    assert_int_equal(parser.live, 0);
    size_t calls = memory.calls;
    size_t parser_calls = parser.calls;
    assert_true(calls >= at_least);

    for (size_t n = 1; n <= calls; n++) {
        memory = (counting){.fail_at = n};
        memset(&error, 0, sizeof(error));
        assert_status(run(&allocator, &error), SJWT_NO_MEMORY, "the allocator fails");
        assert_int_equal(error.status, SJWT_NO_MEMORY);
        assert_int_equal(memory.live, 0);
        assert_int_equal(parser.live, 0);
    }
    memory = (counting){0};
    for (size_t n = 1; n <= parser_calls; n++) {
        parser = (counting){.fail_at = n};
        memset(&error, 0, sizeof(error));
        assert_status(run(&allocator, &error), SJWT_NO_MEMORY, "the parser's memory fails");
        assert_int_equal(error.status, SJWT_NO_MEMORY);
        assert_int_equal(memory.live, 0);
        assert_int_equal(parser.live, 0);
    }
}

static const char *key_text;

static sjwt_status parse_keys(const sjwt_allocator *allocator, sjwt_error *error)
{
    sjwt_keyset *keys;

    sjwt_status status = sjwt_keyset_parse(allocator, key_text, strlen(key_text), &keys, error);
    assert_int_equal(keys != NULL, status == SJWT_OK);
    sjwt_keyset_free(keys);
    return status;
}

static sjwt_status parse_public_jwk(const sjwt_allocator *allocator, sjwt_error *error)
{
    sjwt_keyset *keys;

    sjwt_status status =
        sjwt_keyset_parse_public_jwk(allocator, key_text, strlen(key_text), &keys, error);
    assert_int_equal(keys != NULL, status == SJWT_OK);
    sjwt_keyset_free(keys);
    return status;
}

static void test_keys(void **state)
{
    (void)state;
    /* text, key, set, the set's two lists; of a set also the table of repeated keys */
    key_text = "{" OKP_KEY ",\"kid\":\"a\",\"d\":\"x\",\"key_ops\":[\"verify\"]}";
    torture(parse_keys, SJWT_OK, 5);
    torture(parse_public_jwk, SJWT_OK, 5);
    key_text = "{\"keys\":[{" OKP_KEY ",\"kid\":\"a\"},{" RSA_KEY
               ",\"kid\":\"a\"},{\"kid\":\"b\"},{" OCT_KEY "},7,{" EC_KEY
               ",\"kid\":\"c\",\"use\":\"enc\"}]}";
    torture(parse_keys, SJWT_OK, 10);
    /* members enough to be sorted, on two levels */
    key_text =
        "{" OKP_KEY ",\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,"
        "\"10\":10,\"11\":11,\"12\":12,\"13\":13,\"o\":{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,"
        "\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"10\":10,\"11\":11,\"12\":12,\"13\":13}}";
    torture(parse_keys, SJWT_OK, 8);
}

/* Failing memory must not turn one error into another. */
static void test_refused_keys(void **state)
{
    (void)state;
    key_text = "{\"keys\":[{" OKP_KEY ",\"kid\":\"a\"},{" OKP_KEY ",\"kid\":\"a\"}]}";
    torture(parse_keys, SJWT_OK, 9);
    key_text = "{\"keys\":[{\"kid\":\"a\"},{\"kid\":\"b\"},{\"kid\":\"c\"}]}";
    torture(parse_keys, SJWT_JWK_NONE_USABLE, 10);
    key_text = "{\"kty\":\"oct\",\"k\":\"Sw\"}";
    torture(parse_keys, SJWT_JWK_KEY_REFUSED, 2);
    key_text = "{\"a\":[1,{\"b\":2,\"b\":3}]}";
    torture(parse_keys, SJWT_JWK_MALFORMED, 1);
}

static sjwt_status parse_issuers(const sjwt_allocator *allocator, sjwt_error *error)
{
    sjwt_issuers *issuers;

    sjwt_status status = sjwt_issuers_parse(allocator, key_text, strlen(key_text), &issuers, error);
    assert_int_equal(issuers != NULL, status == SJWT_OK);
    sjwt_issuers_free(issuers);
    return status;
}

static void test_issuers(void **state)
{
    (void)state;
    /* text, entries, two names, a path, three lists, a key set of four and the
     * list to be sorted */
    key_text = "{\"issuers\":[{\"issuer\":\"a\",\"jwks_file\":\"b\",\"audiences\":[\"c\",\"d\"],"
               "\"required_claims\":[\"e\"],\"algorithms\":[\"ES256\"],\"token_types\":[\"f\"]},"
               "{\"issuer\":\"b\",\"jwks\":{" OKP_KEY "}}]}";
    torture(parse_issuers, SJWT_OK, 13);
    key_text = "{\"issuers\":[{\"issuer\":\"a\",\"jwks_file\":\"b\"},"
               "{\"issuer\":\"a\",\"jwks\":{" OKP_KEY "}}]}";
    torture(parse_issuers, SJWT_ISSUERS_INVALID, 10);
    key_text = "{\"issuers\":[{\"issuer\":\"a\",\"audiences\":[\"c\"],\"jwks\":{\"keys\":[{" OKP_KEY
               ",\"kid\":\"1\"},{" OKP_KEY ",\"kid\":\"1\"}]}}]}";
    torture(parse_issuers, SJWT_OK, 13);
    key_text = "{\"issuers\":[{\"issuer\":\"a\",\"issuer\":\"a\"}]}";
    torture(parse_issuers, SJWT_ISSUERS_MALFORMED, 1);
}

static sjwt_keyset *okp;
static const char *payload;
static char letter;
static sjwt_policy policy;

static sjwt_status verify(const sjwt_allocator *allocator, sjwt_error *error)
{
    char signature[64];
    sjwt_token *token;

    memset(signature, letter, sizeof(signature));
    char *text = compact(EDDSA, payload, signature, sizeof(signature));
    sjwt_status status = sjwt_verify(allocator, text, strlen(text), &policy, &token, error);
    assert_int_equal(token != NULL, status == SJWT_OK);
    sjwt_token_free(token);
    free(text);
    return status;
}

static sjwt_status verify_jws(const sjwt_allocator *allocator, sjwt_error *error)
{
    char signature[64];
    sjwt_token *token;

    memset(signature, letter, sizeof(signature));
    char *text = compact(EDDSA, payload, signature, sizeof(signature));
    sjwt_status status = sjwt_jws_verify(allocator, text, strlen(text), &policy, &token, error);
    assert_int_equal(token != NULL, status == SJWT_OK);
    sjwt_token_free(token);
    free(text);
    return status;
}

static void test_tokens(void **state)
{
    sjwt_issuer_policy issuers[] = {{.issuer = "a"}, {.issuer = "b"}};

    (void)state;
    okp = keys_of("{" OKP_KEY "}");
    issuers[0].keys = issuers[1].keys = okp;
    issuers[0].algorithms = issuers[1].algorithms = sjwt_all_algorithms();
    policy = (sjwt_policy){.issuers = issuers, .issuer_count = 1};
    letter = 'K';
    payload = "{\"iss\":\"a\",\"exp\":1,\"o\":{\"id\":\"x\"},\"aud\":[\"us\",\"them\"]}";
    torture(verify, SJWT_OK, 1);
    torture(verify_jws, SJWT_OK, 1);
    policy.issuer_count = 2;
    torture(verify, SJWT_OK, 1);
    payload = "{\"iss\":\"c\"}";
    torture(verify, SJWT_ISSUER_REFUSED, 1);
    payload = "{\"iss\":\"a\",\"exp\":\"x\"}";
    torture(verify, SJWT_EXP_INVALID, 1);
    /* two lists of numbers, then the names to sort */
    payload =
        "{\"iss\":\"a\",\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,"
        "\"10\":10,\"11\":11,\"12\":12,\"13\":13,\"14\":14,\"15\":15,\"16\":16,\"17\":17,"
        "\"18\":18,\"19\":19,\"20\":20,\"21\":21,\"22\":22,\"23\":23,\"24\":24,\"25\":25}";
    torture(verify, SJWT_OK, 4);
    letter = 'x';
    torture(verify, SJWT_SIGNATURE_INVALID, 4);
    sjwt_keyset_free(okp);
}

static sjwt_status decode(const sjwt_allocator *allocator, sjwt_error *error)
{
    char *header, *shown;
    size_t header_len, shown_len;

    sjwt_status status = sjwt_decode_unverified(allocator, "e30.e30.", 8, &header, &header_len,
                                                &shown, &shown_len, error);
    assert_int_equal(header != NULL, status == SJWT_OK);
    assert_int_equal(shown != NULL, status == SJWT_OK);
    if (status == SJWT_OK) {
        allocator->release(allocator->context, header);
        allocator->release(allocator->context, shown);
    }
    return status;
}

static void test_decode(void **state)
{
    (void)state;
    torture(decode, SJWT_OK, 2);
}

/* The budget of a token: a block for the token, one for its header, which is not kept, and one
 * for its claims. The parser makes what is in the array. */
static void test_a_token_is_three_allocations(void **state)
{
    sjwt_issuer_policy issuer_policy = {.algorithms = sjwt_all_algorithms()};
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_error error;

    (void)state;
    okp = keys_of("{" OKP_KEY "}");
    issuer_policy.keys = okp;
    policy = (sjwt_policy){.issuers = &issuer_policy, .issuer_count = 1};
    letter = 'K';
    payload =
        "{\"iss\":\"a\",\"sub\":\"b\",\"aud\":[\"c\"],\"exp\":1,\"nbf\":0,\"iat\":0,\"jti\":1}";
    assert_status(verify(&allocator, &error), SJWT_OK, payload);
    assert_int_equal(memory.calls, 3);
    sjwt_keyset_free(okp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys, hook_parser, unhook_parser),
        cmocka_unit_test_setup_teardown(test_refused_keys, hook_parser, unhook_parser),
        cmocka_unit_test_setup_teardown(test_issuers, hook_parser, unhook_parser),
        cmocka_unit_test_setup_teardown(test_tokens, hook_parser, unhook_parser),
        cmocka_unit_test_setup_teardown(test_decode, hook_parser, unhook_parser),
        cmocka_unit_test(test_a_token_is_three_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
