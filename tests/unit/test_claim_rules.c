/* SPDX-License-Identifier: Apache-2.0 */
/* The values that claims must have, issuers that are patterns, and the greatest lifetime. */
#include "fake_token.h"

static sjwt_claim_rules *rules_of(const char *json)
{
    sjwt_claim_rules *rules;
    sjwt_error error;

    if (sjwt_claim_rules_parse(NULL, json, strlen(json), &rules, &error) != SJWT_OK)
        fail_msg("%s: %s %s", sjwt_status_name(error.status), error.detail, json);
    return rules;
}

static sjwt_status verify(const char *payload, const sjwt_issuer_policy *issuer, int64_t now,
                          sjwt_error *error)
{
    sjwt_issuer_policy issuer_policy = *issuer;
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .now = now, .leeway = 5};
    sjwt_token *token;

    issuer_policy.keys = okp;
    issuer_policy.algorithms = sjwt_all_algorithms();
    char *text = signed_by('K', EDDSA, payload);
    sjwt_status status = sjwt_verify(NULL, text, strlen(text), &policy, &token, error);
    assert_int_equal(token != NULL, status == SJWT_OK);
    sjwt_token_free(token);
    assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), status, payload);
    sjwt_token_free(token);
    free(text);
    return status;
}

static void test_parsing(void **state)
{
    sjwt_claim_rules *rules =
        rules_of("{\"azp\":[\"a\",true,\"\"],\"tid\":\"*\",\"v\":false,\"t\":\"x\"}");

    (void)state;
    assert_int_equal(rules->count, 4);
    assert_string_equal(rules->items[0].name, "azp");
    assert_int_equal(rules->items[0].count, 3);
    assert_string_equal(rules->items[0].values[0].string, "a");
    assert_null(rules->items[0].values[1].string);
    assert_true(rules->items[0].values[1].boolean);
    assert_string_equal(rules->items[0].values[2].string, "");
    assert_false(rules->items[0].any_value);
    assert_true(rules->items[1].any_value);
    assert_int_equal(rules->items[1].count, 0);
    assert_int_equal(rules->items[2].count, 1);
    assert_null(rules->items[2].values[0].string);
    assert_false(rules->items[2].values[0].boolean);
    assert_string_equal(rules->items[3].name, "t");
    sjwt_claim_rules_free(NULL, rules);
    sjwt_claim_rules_free(NULL, NULL);
}

/* "@" is where the error is. */
static void test_what_is_refused(void **state)
{
    static const struct {
        const char *json;
        sjwt_status status;
        const char *detail;
    } rows[] = {
        {"@", SJWT_CLAIM_RULES_MALFORMED, "the text is empty"},
        {"{\"a\":@", SJWT_CLAIM_RULES_MALFORMED, ""},
        {"@{\"a\":\"b\",\"a\":\"c\"}", SJWT_CLAIM_RULES_MALFORMED, ""},
        {"@[]", SJWT_CLAIM_RULES_INVALID, "must be an object, and not empty"},
        {"@{}", SJWT_CLAIM_RULES_INVALID, "must be an object, and not empty"},
        {"@\"a\"", SJWT_CLAIM_RULES_INVALID, "must be an object, and not empty"},
        {"{\"\":@\"a\"}", SJWT_CLAIM_RULES_INVALID, "has a claim without a name"},
        {"{\"a\":@[]}", SJWT_CLAIM_RULES_INVALID, "has a claim without a value"},
        {"{\"a\":@null}", SJWT_CLAIM_RULES_INVALID, "has a value that is no string, true or false"},
        {"{\"a\":@1}", SJWT_CLAIM_RULES_INVALID, "has a value that is no string, true or false"},
        {"{\"a\":@{\"b\":\"c\"}}", SJWT_CLAIM_RULES_INVALID,
         "has a value that is no string, true or false"},
        {"{\"a\":[\"b\",@[\"c\"]]}", SJWT_CLAIM_RULES_INVALID,
         "has a value that is no string, true or false"},
        {"{\"a\":[\"b\", @\"*\"]}", SJWT_CLAIM_RULES_INVALID, "has \"*\" among other values"},
        {"{\"a\":[@\"*\"]}", SJWT_CLAIM_RULES_INVALID, "has \"*\" among other values"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = strcpy(allocate_or_fail(strlen(rows[i].json) + 1), rows[i].json);
        char *at = strchr(text, '@');
        sjwt_claim_rules *rules;
        sjwt_error error;
        memmove(at, at + 1, strlen(at));
        assert_status(sjwt_claim_rules_parse(NULL, text, strlen(text), &rules, &error),
                      rows[i].status, text);
        assert_null(rules);
        assert_string_equal(error.detail, rows[i].detail);
        if (error.position != (size_t)(at - text))
            fail_msg("at %zu: %s", error.position, text);
        free(text);
    }
}

static sjwt_status parse_many(size_t claims, size_t values)
{
    char *text = allocate_or_fail(claims * 16 + values * 8 + 32);
    char *next = text + sprintf(text, "{");
    sjwt_claim_rules *rules;

    for (size_t i = 1; i < claims; i++)
        next += sprintf(next, "\"%zu\":true,", i);
    next += sprintf(next, "\"x\":[");
    for (size_t i = 0; i < values; i++)
        next += sprintf(next, "%s\"v\"", i == 0 ? "" : ",");
    sprintf(next, "]}");
    sjwt_status status = sjwt_claim_rules_parse(NULL, text, strlen(text), &rules, NULL);
    sjwt_claim_rules_free(NULL, rules);
    free(text);
    return status;
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(SJWT_MAX_CLAIM_RULES, 32);
    assert_int_equal(SJWT_MAX_CLAIM_VALUES, 1000);
    assert_status(parse_many(32, 1000), SJWT_OK, "the most");
    assert_status(parse_many(33, 1), SJWT_CLAIM_RULES_INVALID, "a claim more");
    assert_status(parse_many(1, 1001), SJWT_CLAIM_RULES_INVALID, "a value more");
}

static void test_memory(void **state)
{
    static const char json[] = "{\"a\":[\"b\",\"c\"]}";
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_claim_rules *rules;
    sjwt_error error;

    (void)state;
    assert_status(sjwt_claim_rules_parse(&allocator, json, strlen(json), &rules, &error), SJWT_OK,
                  json);
    assert_int_equal(memory.live, 1);
    sjwt_claim_rules_free(&allocator, rules);
    assert_int_equal(memory.live, 0);
    size_t calls = memory.calls;
    for (size_t n = 1; n <= calls; n++) {
        memory = (counting){.fail_at = n};
        assert_status(sjwt_claim_rules_parse(&allocator, json, strlen(json), &rules, &error),
                      SJWT_NO_MEMORY, json);
        assert_null(rules);
        assert_int_equal(memory.live, 0);
    }
}

static void test_values(void **state)
{
    static const struct {
        const char *rules, *payload;
        sjwt_status status;
        size_t index;
    } rows[] = {
        {"{\"azp\":\"a\"}", "{\"azp\":\"a\"}", SJWT_OK, 0},
        {"{\"azp\":[\"a\",\"b\"]}", "{\"azp\":\"b\"}", SJWT_OK, 0},
        {"{\"azp\":[\"a\",\"b\"]}", "{\"azp\":\"c\"}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":\"a\"}", "{\"azp\":\"A\"}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":\"a\"}", "{\"azp\":\"ab\"}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":\"a\"}", "{\"azp\":\"\"}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":\"a\"}", "{}", SJWT_CLAIM_MISSING, 0},
        {"{\"azp\":\"a\"}", "{\"azp\":null}", SJWT_CLAIM_MISSING, 0},
        {"{\"azp\":\"a\"}", "{\"AZP\":\"a\"}", SJWT_CLAIM_MISSING, 0},
        {"{\"azp\":\"1\"}", "{\"azp\":1}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":\"true\"}", "{\"azp\":true}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":true}", "{\"azp\":\"true\"}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":true}", "{\"azp\":1}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":true}", "{\"azp\":true}", SJWT_OK, 0},
        {"{\"azp\":true}", "{\"azp\":false}", SJWT_CLAIM_REFUSED, 0},
        {"{\"azp\":[false,\"x\"]}", "{\"azp\":false}", SJWT_OK, 0},
        /* an array contains one of them */
        {"{\"g\":[\"a\",\"b\"]}", "{\"g\":[\"x\",\"b\",7]}", SJWT_OK, 0},
        {"{\"g\":\"a\"}", "{\"g\":[\"a\"]}", SJWT_OK, 0},
        {"{\"g\":\"a\"}", "{\"g\":[\"x\",\"y\"]}", SJWT_CLAIM_REFUSED, 0},
        {"{\"g\":\"a\"}", "{\"g\":[]}", SJWT_CLAIM_REFUSED, 0},
        {"{\"g\":\"a\"}", "{\"g\":[[\"a\"]]}", SJWT_CLAIM_REFUSED, 0},
        {"{\"g\":\"a\"}", "{\"g\":{\"a\":\"a\"}}", SJWT_CLAIM_REFUSED, 0},
        {"{\"g\":\"a\"}", "{\"g\":\"x a\"}", SJWT_CLAIM_REFUSED, 0},
        /* any value */
        {"{\"t\":\"*\"}", "{\"t\":{}}", SJWT_OK, 0},
        {"{\"t\":\"*\"}", "{\"t\":null}", SJWT_CLAIM_MISSING, 0},
        {"{\"t\":\"*\"}", "{}", SJWT_CLAIM_MISSING, 0},
        {"{\"t\":\"*x\"}", "{\"t\":\"yx\"}", SJWT_CLAIM_REFUSED, 0},
        /* all of them */
        {"{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\",\"a\":\"1\"}", SJWT_OK, 0},
        {"{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\",\"b\":\"1\"}", SJWT_CLAIM_REFUSED, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sjwt_claim_rules *rules = rules_of(rows[i].rules);
        const char *const required[] = {"iss"};
        sjwt_issuer_policy issuer = {.claims = rules};
        sjwt_error error = {.claim_index = 99};
        assert_status(verify(rows[i].payload, &issuer, 0, &error), rows[i].status, rows[i].payload);
        if (rows[i].status != SJWT_OK) {
            assert_int_equal(error.claim_index, rows[i].index);
            assert_string_equal(error.detail, rules->items[rows[i].index].name);
            /* after those of required_claims */
            issuer.required_claims = (sjwt_string_list){required, 1};
            char payload[100];
            snprintf(payload, sizeof(payload), "{\"iss\":1%s%s",
                     strlen(rows[i].payload) > 2 ? "," : "", rows[i].payload + 1);
            assert_status(verify(payload, &issuer, 0, &error), rows[i].status, payload);
            assert_int_equal(error.claim_index, rows[i].index + 1);
        }
        sjwt_claim_rules_free(NULL, rules);
    }
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *rules, *payload;
        sjwt_status status;
    } rows[] = {
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/v2\",\"tid\":\"x\"}",
         SJWT_OK},
        {"https://a/{tid}/v2", "{\"tid\":[\"x\",\"y\"]}",
         "{\"iss\":\"https://a/y/v2\",\"tid\":\"y\"}", SJWT_OK},
        {"https://a/{tid}", "{\"tid\":\"*\"}",
         "{\"iss\":\"https://a/x-Y.1_~\",\"tid\":\"x-Y.1_~\"}", SJWT_OK},
        {"{h}.{d}", "{\"h\":\"*\",\"d\":\"*\"}", "{\"iss\":\"a.b.c\",\"h\":\"a\",\"d\":\"b.c\"}",
         SJWT_OK},
        /* a tenant that is not named */
        {"https://a/{tid}/v2", "{\"tid\":[\"x\",\"y\"]}",
         "{\"iss\":\"https://a/z/v2\",\"tid\":\"z\"}", SJWT_CLAIM_REFUSED},
        /* the issuer's name and the claim are not the same */
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/v2\",\"tid\":\"y\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/v2\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/v2\",\"tid\":[\"x\"]}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a//v2\",\"tid\":\"\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/v\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/v2/\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://b/x/v2\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}/v2", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        /* the value stays within one segment */
        {"https://a/{tid}", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x/y\",\"tid\":\"x/y\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x?y\",\"tid\":\"x?y\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/{tid}\",\"tid\":\"{tid}\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/{tid}\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid}", "{\"tid\":\"*\"}", "{}", SJWT_ISSUER_MISSING},
        /* a pattern that sjwt_issuer_check() refuses is no issuer's */
        {"https://a/{tid}", "{\"t\":\"*\"}", "{\"iss\":\"https://a/x\",\"tid\":\"x\",\"t\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/x\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"https://a/{tid", "{\"tid\":\"*\"}", "{\"iss\":\"https://a/{tid\",\"tid\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"a{}", "{\"tid\":\"*\"}", "{\"iss\":\"a{}\"}", SJWT_ISSUER_REFUSED},
        {"a}", "{\"tid\":\"*\"}", "{\"iss\":\"a}\"}", SJWT_ISSUER_REFUSED},
    };
    char value[257], payload[600];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sjwt_claim_rules *rules = rules_of(rows[i].rules);
        sjwt_issuer_policy issuer = {.issuer = rows[i].pattern, .claims = rules};
        assert_status(verify(rows[i].payload, &issuer, 0, NULL), rows[i].status, rows[i].payload);
        /* without rules nobody is trusted */
        issuer.claims = NULL;
        assert_true(verify(rows[i].payload, &issuer, 0, NULL) != SJWT_OK);
        sjwt_claim_rules_free(NULL, rules);
    }
    sjwt_claim_rules *rules = rules_of("{\"t\":\"*\"}");
    sjwt_issuer_policy issuer = {.issuer = "{t}", .claims = rules};
    for (size_t len = 255; len <= 256; len++) {
        memset(value, 'v', len);
        value[len] = '\0';
        snprintf(payload, sizeof(payload), "{\"iss\":\"%s\",\"t\":\"%s\"}", value, value);
        assert_status(verify(payload, &issuer, 0, NULL), len == 255 ? SJWT_OK : SJWT_ISSUER_REFUSED,
                      "a long value");
    }
    sjwt_claim_rules_free(NULL, rules);
}

/* An exact name goes before a pattern, wherever it stands. */
static void test_exact_before_pattern(void **state)
{
    sjwt_claim_rules *rules = rules_of("{\"t\":\"*\"}");
    sjwt_issuer_policy issuers[3];
    char signature[64];

    (void)state;
    memset(signature, 'K', sizeof(signature));
    for (size_t i = 0; i < COUNT(issuers); i++)
        issuers[i] =
            (sjwt_issuer_policy){.keys = okp, .algorithms = sjwt_all_algorithms(), .claims = rules};
    issuers[0].issuer = "a/{t}";
    issuers[1].issuer = "a/x";
    issuers[2].issuer = "{t}/y";
    const sjwt_policy policy = {.issuers = issuers, .issuer_count = COUNT(issuers)};
    const struct {
        const char *payload;
        size_t index;
    } rows[] = {{"{\"iss\":\"a/x\",\"t\":\"x\"}", 1},
                {"{\"iss\":\"a/z\",\"t\":\"z\"}", 0},
                {"{\"iss\":\"b/y\",\"t\":\"b\"}", 2}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = compact("{\"alg\":\"EdDSA\"}", rows[i].payload, signature, sizeof(signature));
        sjwt_token *token;
        assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), SJWT_OK,
                      rows[i].payload);
        assert_int_equal(sjwt_token_issuer_index(token), rows[i].index);
        sjwt_token_free(token);
        free(text);
    }
    sjwt_claim_rules_free(NULL, rules);
}

static void test_issuer_check(void **state)
{
    static const struct {
        const char *issuer, *detail;
        bool is_several;
    } rows[] = {
        {"https://a", "", false},
        {"https://a/{one}", "", false},
        {"https://a/{two}", "", true},
        {"https://a/{any}", "", true},
        {"https://a/{one}/{any}", "", true},
        {"{one}{one}", "", false},
        {"https://a/{none}", "\"issuer\" has a claim in braces that is not in \"claims\"", true},
        {"https://a/{on}", "\"issuer\" has a claim in braces that is not in \"claims\"", true},
        {"{one}{", "\"issuer\" has a brace that is not one of \"{claim}\"", false},
        {"{one", "\"issuer\" has a brace that is not one of \"{claim}\"", false},
        {"}", "\"issuer\" has a brace that is not one of \"{claim}\"", false},
        {"{}", "\"issuer\" has a brace that is not one of \"{claim}\"", false},
        {"{{one}}", "\"issuer\" has a brace that is not one of \"{claim}\"", false},
    };
    sjwt_claim_rules *rules = rules_of("{\"one\":\"1\",\"two\":[\"1\",\"2\"],\"any\":\"*\"}");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        sjwt_error error = {.detail = ""};
        sjwt_status wanted = rows[i].detail[0] == '\0' ? SJWT_OK : SJWT_CLAIM_RULES_INVALID;
        assert_status(sjwt_issuer_check(rows[i].issuer, rules, &error), wanted, rows[i].issuer);
        assert_string_equal(error.detail, rows[i].detail);
        assert_int_equal(sjwt_issuer_is_several(rows[i].issuer, rules), rows[i].is_several);
    }
    assert_status(sjwt_issuer_check("https://a", NULL, NULL), SJWT_OK, "no rules");
    assert_status(sjwt_issuer_check("{one}", NULL, NULL), SJWT_CLAIM_RULES_INVALID, "no rules");
    sjwt_claim_rules_free(NULL, rules);
}

static void test_lifetime(void **state)
{
    /* 100 seconds at most, a leeway of 5, and it is 50 */
    static const struct {
        const char *payload;
        sjwt_status status;
    } rows[] = {
        {"{\"iat\":10,\"exp\":110}", SJWT_OK},
        {"{\"iat\":10,\"exp\":110.000001}", SJWT_LIFETIME_REFUSED},
        {"{\"iat\":10,\"exp\":111}", SJWT_LIFETIME_REFUSED},
        {"{\"exp\":155}", SJWT_OK},
        {"{\"exp\":155.000001}", SJWT_LIFETIME_REFUSED},
        {"{\"exp\":1e300}", SJWT_LIFETIME_REFUSED},
        {"{\"iat\":-1e300,\"exp\":1e300}", SJWT_LIFETIME_REFUSED},
        {"{\"iat\":-1e300,\"exp\":51}", SJWT_LIFETIME_REFUSED},
        /* an iat that is to come makes it no longer */
        {"{\"iat\":1000,\"exp\":1001}", SJWT_LIFETIME_REFUSED},
        {"{\"iat\":60,\"exp\":155}", SJWT_OK},
        {"{\"iat\":60,\"exp\":59}", SJWT_OK},
        /* a token that never expires */
        {"{\"iat\":50}", SJWT_LIFETIME_REFUSED},
        {"{}", SJWT_LIFETIME_REFUSED},
        {"{\"iat\":0,\"exp\":46}", SJWT_OK},
        {"{\"iat\":0,\"exp\":40}", SJWT_EXPIRED},
    };
    sjwt_issuer_policy issuer = {.max_lifetime = 100};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_status(verify(rows[i].payload, &issuer, 50000000, NULL), rows[i].status,
                      rows[i].payload);
    issuer.max_lifetime = 0;
    assert_status(verify("{}", &issuer, 0, NULL), SJWT_OK, "no limit");
    issuer.max_lifetime = UINT32_MAX;
    assert_status(verify("{\"exp\":1e300}", &issuer, INT64_MIN, NULL), SJWT_LIFETIME_REFUSED,
                  "the greatest distance");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_exact_before_pattern),
        cmocka_unit_test(test_issuer_check),
        cmocka_unit_test(test_lifetime),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
