/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a token's claims, of each JSON type. */
#include "fake_token.h"

/* A token of this payload; whose claims are read, where not of a JWS alone. */
static sjwt_token *verified(const char *payload, bool with_claims)
{
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = sjwt_all_algorithms()};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_token *token;

    char *text = signed_by('K', EDDSA, payload);
    assert_status((with_claims ? sjwt_verify : sjwt_jws_verify)(NULL, text, strlen(text), &policy,
                                                                &token, NULL),
                  SJWT_OK, payload);
    free(text);
    return token;
}

static void assert_type(const char *payload, sjwt_json_type type)
{
    sjwt_token *token = verified(payload, true);

    if (sjwt_token_claim_type(token, "c") != type)
        fail_msg("%s: type %d", payload, (int)sjwt_token_claim_type(token, "c"));
    sjwt_token_free(token);
}

static void test_types(void **state)
{
    (void)state;
    assert_type("{}", SJWT_JSON_ABSENT);
    assert_type("{\"C\":1,\"a\":{\"c\":1}}", SJWT_JSON_ABSENT);
    assert_type("{\"c\":null}", SJWT_JSON_NULL);
    assert_type("{\"c\":true}", SJWT_JSON_BOOLEAN);
    assert_type("{\"c\":false}", SJWT_JSON_BOOLEAN);
    assert_type("{\"c\":0}", SJWT_JSON_NUMBER);
    assert_type("{\"c\":\"\"}", SJWT_JSON_STRING);
    assert_type("{\"c\":[]}", SJWT_JSON_ARRAY);
    assert_type("{\"c\":{}}", SJWT_JSON_OBJECT);
    assert_type("{\"\\u0063\":{}}", SJWT_JSON_OBJECT);
}

static void test_strings(void **state)
{
    sjwt_token *token = verified("{\"a\":1,\"b\":\"\\u00e9\\\"\xC3\xA9\",\"c\":null,"
                                 "\"d\":\"\",\"e\":[\"x\"],\"A\":\"upper\"}",
                                 true);

    (void)state;
    assert_null(sjwt_token_claim_string(token, "a"));
    assert_string_equal(sjwt_token_claim_string(token, "b"), "\xC3\xA9\"\xC3\xA9");
    assert_null(sjwt_token_claim_string(token, "c"));
    assert_string_equal(sjwt_token_claim_string(token, "d"), "");
    assert_null(sjwt_token_claim_string(token, "e"));
    assert_string_equal(sjwt_token_claim_string(token, "A"), "upper");
    assert_null(sjwt_token_claim_string(token, "B"));
    sjwt_token_free(token);
}

static void test_integers(void **state)
{
    static const struct {
        const char *name;
        bool is_integer;
        int64_t value;
    } rows[] = {
        {"a", true, 0},        {"b", true, INT64_MAX}, {"c", true, INT64_MIN},
        {"d", false, 0},       {"e", false, 0},        {"f", false, 0},
        {"g", false, 0},       {"h", false, 0},        {"i", true, INT64_C(9007199254740993)},
        {"missing", false, 0},
    };
    sjwt_token *token = verified("{\"a\":-0,\"b\":9223372036854775807,\"c\":-9223372036854775808,"
                                 "\"d\":9223372036854775808,\"e\":1.0,\"f\":1e3,\"g\":\"1\","
                                 "\"h\":null,\"i\":9007199254740993}",
                                 true);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 77;
        if (sjwt_token_claim_integer(token, rows[i].name, &value) != rows[i].is_integer ||
            value != (rows[i].is_integer ? rows[i].value : 77))
            fail_msg("%s: %lld", rows[i].name, (long long)value);
    }
    sjwt_token_free(token);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *name;
        double value;
    } rows[] = {{"a", 0}, {"b", -1.5}, {"c", 2.5e300}, {"d", 9007199254740992.0}};
    sjwt_token *token = verified(
        "{\"a\":0,\"b\":-1.5,\"c\":25e299,\"d\":9007199254740993,\"e\":\"1\",\"f\":true}", true);
    double value = 77;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(sjwt_token_claim_number(token, rows[i].name, &value));
        if (value < rows[i].value || value > rows[i].value)
            fail_msg("%s: %g", rows[i].name, value);
    }
    assert_false(sjwt_token_claim_number(token, "e", &value));
    assert_false(sjwt_token_claim_number(token, "f", &value));
    assert_false(sjwt_token_claim_number(token, "missing", &value));
    sjwt_token_free(token);
}

static void test_booleans(void **state)
{
    sjwt_token *token =
        verified("{\"t\":true,\"f\":false,\"n\":null,\"s\":\"true\",\"i\":1}", true);
    bool value = false;

    (void)state;
    assert_true(sjwt_token_claim_boolean(token, "t", &value));
    assert_true(value);
    assert_true(sjwt_token_claim_boolean(token, "f", &value));
    assert_false(value);
    value = true;
    assert_false(sjwt_token_claim_boolean(token, "n", &value));
    assert_false(sjwt_token_claim_boolean(token, "s", &value));
    assert_false(sjwt_token_claim_boolean(token, "i", &value));
    assert_false(sjwt_token_claim_boolean(token, "missing", &value));
    assert_true(value);
    sjwt_token_free(token);
}

static void test_arrays_of_strings(void **state)
{
    sjwt_token *token = verified("{\"a\":[],\"b\":[\"x\",\"\\u0079\",\"\"],\"c\":\"lone\","
                                 "\"d\":[\"x\",1],\"e\":{\"x\":\"y\"},\"f\":[[\"x\"]],\"g\":null}",
                                 true);
    static const char *const others[] = {"d", "e", "f", "g", "missing"};
    size_t count = 77;

    (void)state;
    assert_true(sjwt_token_claim_strings(token, "a", &count));
    assert_int_equal(count, 0);
    assert_null(sjwt_token_claim_strings_item(token, "a", 0));
    assert_true(sjwt_token_claim_strings(token, "b", &count));
    assert_int_equal(count, 3);
    assert_string_equal(sjwt_token_claim_strings_item(token, "b", 0), "x");
    assert_string_equal(sjwt_token_claim_strings_item(token, "b", 1), "y");
    assert_string_equal(sjwt_token_claim_strings_item(token, "b", 2), "");
    assert_null(sjwt_token_claim_strings_item(token, "b", 3));
    assert_true(sjwt_token_claim_strings(token, "c", &count));
    assert_int_equal(count, 1);
    assert_string_equal(sjwt_token_claim_strings_item(token, "c", 0), "lone");
    assert_null(sjwt_token_claim_strings_item(token, "c", 1));
    for (size_t i = 0; i < COUNT(others); i++) {
        count = 77;
        assert_false(sjwt_token_claim_strings(token, others[i], &count));
        assert_int_equal(count, 0);
    }
    assert_null(sjwt_token_claim_strings_item(token, "d", 1));
    assert_null(sjwt_token_claim_strings_item(token, "e", 0));
    assert_null(sjwt_token_claim_strings_item(token, "missing", 0));
    sjwt_token_free(token);
}

static void test_json_texts(void **state)
{
    /* Each is the whole of a member's value, between names and values that look alike. */
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "-1.50e+02",
        "\"\"",
        "\"a\\\\\"",
        "\"\\\"c\\\":1,\\u00e9\xC3\xA9}]\"",
        "[]",
        "[ 1 , [\"]\"] , {\"c\":\"}\"}\n]",
        "{}",
        "{ \"c\" : [{\"x\\\"}\" : null}, \"{\"] }",
    };
    char payload[256];
    size_t len;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (int last = 0; last < 2; last++) {
            snprintf(payload, sizeof(payload), " {\"b\":[{\"c\":2},\"c\"],\n\"c\" :\t%s %s} ",
                     texts[i], last ? "" : ",\"d\":\"c\"");
            sjwt_token *token = verified(payload, true);
            const char *text = sjwt_token_claim_json(token, "c", &len);
            assert_non_null(text);
            if (len != strlen(texts[i]) || memcmp(text, texts[i], len) != 0)
                fail_msg("%.*s instead of %s", (int)len, text, texts[i]);
            len = 77;
            assert_null(sjwt_token_claim_json(token, "missing", &len));
            assert_int_equal(len, 0);
            sjwt_token_free(token);
        }
    }
}

static void test_no_claims(void **state)
{
    sjwt_token *token = verified("{\"c\":\"x\"}", false);
    size_t len;
    int64_t integer;
    double number;
    bool boolean;

    (void)state;
    assert_int_equal(sjwt_token_claim_type(token, "c"), SJWT_JSON_ABSENT);
    assert_null(sjwt_token_claim_string(token, "c"));
    assert_false(sjwt_token_claim_integer(token, "c", &integer));
    assert_false(sjwt_token_claim_number(token, "c", &number));
    assert_false(sjwt_token_claim_boolean(token, "c", &boolean));
    assert_false(sjwt_token_claim_strings(token, "c", &len));
    assert_null(sjwt_token_claim_strings_item(token, "c", 0));
    assert_null(sjwt_token_claim_json(token, "c", &len));
    sjwt_token_free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),      cmocka_unit_test(test_strings),
        cmocka_unit_test(test_integers),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_booleans),   cmocka_unit_test(test_arrays_of_strings),
        cmocka_unit_test(test_json_texts), cmocka_unit_test(test_no_claims),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
