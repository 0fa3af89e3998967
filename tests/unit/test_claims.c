/* SPDX-License-Identifier: Apache-2.0 */
/* Registered claims against the policy, and the order of the checks. */
#include "fake_token.h"

/* Where the signature is known to be valid, all else is checked as told says: also with a
 * signature that is not. */
static void expect_with_known_signature(const char *payload, const sjwt_policy *policy,
                                        sjwt_status status, const sjwt_error *told)
{
    char *text = signed_by('X', EDDSA, payload);
    sjwt_error error = {.status = SJWT_STATUS_COUNT};
    sjwt_token *token;

    assert_status(sjwt_verify_with(SJWT_SIGNATURE_ALREADY_VERIFIED, NULL, text, strlen(text),
                                   policy, &token, &error),
                  status, payload);
    assert_int_equal(token == NULL, status != SJWT_OK);
    if (status != SJWT_OK) {
        assert_int_equal(error.status, status);
        assert_int_equal(error.position, told->position);
        assert_int_equal(error.has_seconds, told->has_seconds);
        assert_string_equal(error.detail, told->detail);
    }
    sjwt_token_free(token);
    assert_status(sjwt_verify(NULL, text, strlen(text), policy, &token, NULL) == SJWT_OK, false,
                  payload);
    free(text);
}

/* Verifies a token of this payload; *error and *token (free it) may be NULL. */
static sjwt_status verify(const char *payload, const sjwt_policy *policy, sjwt_token **token,
                          sjwt_error *error)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    char *text = signed_by('K', EDDSA, payload);
    sjwt_token *made = (sjwt_token *)&memory;

    sjwt_error own = {.status = SJWT_STATUS_COUNT};
    sjwt_error *told = error != NULL ? error : &own;
    sjwt_status status = sjwt_verify(&allocator, text, strlen(text), policy, &made, told);
    if (status != SJWT_OK) {
        assert_null(made);
        assert_int_equal(told->status, status);
        if (status != SJWT_PAYLOAD_JSON)
            assert_int_equal(told->position, 0);
    }
    if (status == SJWT_OK)
        assert_int_equal(memory.live, 2); /* the token and its claims */
    expect_with_known_signature(payload, policy, status, told);
    sjwt_token_free(made);
    assert_int_equal(memory.live, 0);
    if (token != NULL)
        assert_status(sjwt_verify(NULL, text, strlen(text), policy, token, NULL), status, payload);
    free(text);
    return status;
}

static void expect(const char *payload, const sjwt_policy *policy, sjwt_status wanted)
{
    assert_status(verify(payload, policy, NULL, NULL), wanted, payload);
}

typedef struct row {
    const char *payload;
    sjwt_status status;
} row;

static void expect_rows(const row *rows, size_t count, const sjwt_policy *policy)
{
    for (size_t i = 0; i < count; i++)
        expect(rows[i].payload, policy, rows[i].status);
}

static sjwt_issuer_policy any_issuer(void)
{
    return (sjwt_issuer_policy){.keys = okp, .algorithms = sjwt_all_algorithms()};
}

static void test_payload_json(void **state)
{
    static const row rows[] = {
        {"{}", SJWT_OK},
        {" {\"a\":[{}]} ", SJWT_OK},
        {"", SJWT_PAYLOAD_JSON},
        {" ", SJWT_PAYLOAD_JSON},
        {"[]", SJWT_PAYLOAD_JSON},
        {"null", SJWT_PAYLOAD_JSON},
        {"\"sub\"", SJWT_PAYLOAD_JSON},
        {"7", SJWT_PAYLOAD_JSON},
        {"[{\"sub\":\"a\"}]", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"a\"", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"a\"}{}", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"a\",\"sub\":\"b\"}", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"a\",\"\\u0073ub\":\"b\"}", SJWT_PAYLOAD_JSON},
        {"{\"o\":{\"id\":1,\"id\":2}}", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"admin\\u0000x\"}", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"\xC3(\"}", SJWT_PAYLOAD_JSON},
        {"{\"sub\":\"\\uD800\"}", SJWT_PAYLOAD_JSON},
        {"{\"exp\":1e999}", SJWT_PAYLOAD_JSON},
        {"{\"exp\":-1e999}", SJWT_PAYLOAD_JSON},
        {"\xEF\xBB\xBF{}", SJWT_PAYLOAD_JSON},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    char deep[2100];

    (void)state;
    expect_rows(rows, COUNT(rows), &policy);
    /* {"a":[[…]]}, 128 and 129 levels deep, and 1000 */
    static const int depths[] = {SJWT_MAX_JSON_DEPTH, SJWT_MAX_JSON_DEPTH + 1, 1000};
    for (size_t i = 0; i < COUNT(depths); i++) {
        int arrays = depths[i] - 1;
        char *next = deep + sprintf(deep, "{\"a\":");
        memset(next, '[', (size_t)arrays);
        memset(next + arrays, ']', (size_t)arrays);
        strcpy(next + 2 * arrays, "}");
        assert_status(verify(deep, &policy, NULL, NULL), i == 0 ? SJWT_OK : SJWT_PAYLOAD_JSON,
                      "nested");
    }
}

static void test_position(void **state)
{
    static const struct {
        const char *payload;
        size_t position;
    } rows[] = {{"{\"a\":01}", 6}, {"{}x", 2}, {"", 0}, {"[]", 0}};
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_status(verify(rows[i].payload, &policy, NULL, &error), SJWT_PAYLOAD_JSON,
                      rows[i].payload);
        assert_int_equal(error.position, rows[i].position);
    }
}

static void test_exp(void **state)
{
    static const row rows[] = {
        {"{}", SJWT_OK},
        {"{\"exp\":1700000000}", SJWT_OK},
        {"{\"exp\":1700000001}", SJWT_OK},
        {"{\"exp\":1.7e9}", SJWT_OK},
        {"{\"exp\":1700000000.5}", SJWT_OK},
        {"{\"exp\":1e300}", SJWT_OK},
        {"{\"exp\":9223372036854775807}", SJWT_OK},
        {"{\"exp\":92233720368547758070}", SJWT_OK},
        {"{\"exp\":1699999999}", SJWT_EXPIRED},
        {"{\"exp\":1699999999.999999}", SJWT_EXPIRED},
        {"{\"exp\":0}", SJWT_EXPIRED},
        {"{\"exp\":-1}", SJWT_EXPIRED},
        {"{\"exp\":-1e300}", SJWT_EXPIRED},
        {"{\"exp\":\"1700000001\"}", SJWT_EXP_INVALID},
        {"{\"exp\":null}", SJWT_EXP_INVALID},
        {"{\"exp\":true}", SJWT_EXP_INVALID},
        {"{\"exp\":[1700000001]}", SJWT_EXP_INVALID},
        {"{\"exp\":{}}", SJWT_EXP_INVALID},
        {"{\"Exp\":0,\"EXP\":\"x\"}", SJWT_OK},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND};

    (void)state;
    expect_rows(rows, COUNT(rows), &policy);
}

static void test_nbf(void **state)
{
    static const row rows[] = {
        {"{\"nbf\":1700000000}", SJWT_OK},
        {"{\"nbf\":1699999999}", SJWT_OK},
        {"{\"nbf\":1699999999.999999}", SJWT_OK},
        {"{\"nbf\":-1}", SJWT_OK},
        {"{\"nbf\":-1e300}", SJWT_OK},
        {"{\"nbf\":1700000001}", SJWT_NOT_YET_VALID},
        {"{\"nbf\":1700000000.000001}", SJWT_NOT_YET_VALID},
        {"{\"nbf\":1e300}", SJWT_NOT_YET_VALID},
        {"{\"nbf\":\"1\"}", SJWT_NBF_INVALID},
        {"{\"nbf\":null}", SJWT_NBF_INVALID},
        {"{\"nbf\":false}", SJWT_NBF_INVALID},
        {"{\"nbf\":[]}", SJWT_NBF_INVALID},
        {"{\"NBF\":\"x\"}", SJWT_OK},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND};

    (void)state;
    expect_rows(rows, COUNT(rows), &policy);
}

static void test_valid_until(void **state)
{
    (void)state;
    assert_true(sjwt_valid_until(NOW * SECOND, 60) == (NOW + 60) * SECOND);
    assert_true(sjwt_valid_until(NOW * SECOND + 1, 0) == NOW * SECOND + 1);
    assert_true(sjwt_valid_until(-1, UINT32_MAX) == UINT32_MAX * (int64_t)SECOND - 1);
    assert_true(sjwt_valid_until(INT64_MIN, 1) == INT64_MIN + SECOND);
    assert_true(sjwt_valid_until(INT64_MAX - SECOND, 1) == INT64_MAX);
    assert_true(sjwt_valid_until(INT64_MAX - SECOND + 1, 1) == INT64_MAX);
    assert_true(sjwt_valid_until(INT64_MAX, UINT32_MAX) == INT64_MAX);
}

/* Both edges of the leeway belong to the time of validity, to the microsecond. */
static void test_leeway(void **state)
{
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .leeway = 60};

    (void)state;
    policy.now = (NOW + 60) * SECOND;
    expect("{\"exp\":1700000000}", &policy, SJWT_OK);
    policy.now++;
    expect("{\"exp\":1700000000}", &policy, SJWT_EXPIRED);
    expect("{\"exp\":1700000000.000001}", &policy, SJWT_OK);
    policy.now = (NOW - 60) * SECOND;
    expect("{\"nbf\":1700000000}", &policy, SJWT_OK);
    policy.now--;
    expect("{\"nbf\":1700000000}", &policy, SJWT_NOT_YET_VALID);
    policy.leeway = 0;
    policy.now = NOW * SECOND;
    expect("{\"exp\":1700000000,\"nbf\":1700000000}", &policy, SJWT_OK);
    policy.leeway = UINT32_MAX;
    expect("{\"exp\":0,\"nbf\":3400000000}", &policy, SJWT_OK);

    /* No sum overflows. */
    policy.now = INT64_MAX;
    expect("{\"exp\":9223372036854}", &policy, SJWT_OK);
    expect("{\"exp\":1e300,\"nbf\":1e300}", &policy, SJWT_OK);
    expect("{\"exp\":-1e300}", &policy, SJWT_EXPIRED);
    policy.now = INT64_MIN;
    expect("{\"exp\":-1e300,\"nbf\":-1e300}", &policy, SJWT_OK);
    expect("{\"nbf\":1e300}", &policy, SJWT_NOT_YET_VALID);
    expect("{}", &policy, SJWT_OK);
}

static void test_seconds_of_errors(void **state)
{
    static const struct {
        const char *payload;
        sjwt_status status;
        int64_t seconds;
    } rows[] = {
        {"{\"exp\":1699999000}", SJWT_EXPIRED, 1699999000},
        {"{\"exp\":1699999000.9}", SJWT_EXPIRED, 1699999000},
        {"{\"exp\":-0.5}", SJWT_EXPIRED, -1},
        {"{\"exp\":-1e300}", SJWT_EXPIRED, INT64_MIN},
        {"{\"exp\":-9223372036854775807}", SJWT_EXPIRED, -INT64_MAX},
        {"{\"nbf\":1700000001.5}", SJWT_NOT_YET_VALID, 1700000001},
        {"{\"nbf\":9223372036854775807}", SJWT_NOT_YET_VALID, INT64_MAX},
        {"{\"nbf\":1e300}", SJWT_NOT_YET_VALID, INT64_MAX},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND};
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_status(verify(rows[i].payload, &policy, NULL, &error), rows[i].status,
                      rows[i].payload);
        assert_true(error.has_seconds);
        assert_true(error.seconds == rows[i].seconds);
    }
    assert_status(verify("{\"exp\":\"x\"}", &policy, NULL, &error), SJWT_EXP_INVALID, "a string");
    assert_false(error.has_seconds);
}

static void test_iat(void **state)
{
    static const row rows[] = {
        {"{\"iat\":1}", SJWT_OK},
        {"{\"iat\":1.5}", SJWT_OK},
        {"{\"iat\":1e300}", SJWT_OK}, /* a future iat is accepted */
        {"{\"iat\":\"1\"}", SJWT_IAT_INVALID},
        {"{\"iat\":null}", SJWT_IAT_INVALID},
        {"{\"iat\":[]}", SJWT_IAT_INVALID},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND};

    (void)state;
    expect_rows(rows, COUNT(rows), &policy);
    issuer_policy.session_key = true;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(rows[i].payload, &policy, SJWT_OK);
}

static void test_jti(void **state)
{
    static const row after_five[] = {
        {"{\"jti\":6}", SJWT_OK},
        {"{\"jti\":2147483648}", SJWT_OK},
        {"{\"jti\":9223372036854775807}", SJWT_OK},
        {"{\"jti\":5}", SJWT_JTI_REPLAYED},
        {"{\"jti\":4}", SJWT_JTI_REPLAYED},
        {"{\"jti\":0}", SJWT_JTI_REPLAYED},
        {"{\"jti\":-6}", SJWT_JTI_REPLAYED},
        {"{\"jti\":-9223372036854775808}", SJWT_JTI_REPLAYED},
        {"{}", SJWT_JTI_INVALID},
        {"{\"JTI\":6}", SJWT_JTI_INVALID},
        {"{\"jti\":\"6\"}", SJWT_JTI_INVALID},
        {"{\"jti\":null}", SJWT_JTI_INVALID},
        {"{\"jti\":6.0}", SJWT_JTI_INVALID},
        {"{\"jti\":6.5}", SJWT_JTI_INVALID},
        {"{\"jti\":6e0}", SJWT_JTI_INVALID},
        {"{\"jti\":1e3}", SJWT_JTI_INVALID},
        {"{\"jti\":9223372036854775808}", SJWT_JTI_INVALID},
        {"{\"jti\":-9223372036854775809}", SJWT_JTI_INVALID},
        {"{\"jti\":18446744073709551622}", SJWT_JTI_INVALID},
        {"{\"jti\":[6]}", SJWT_JTI_INVALID},
        {"{\"a\":{\"jti\":6}}", SJWT_JTI_INVALID},
    };
    int64_t last = 5;
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .last_jti = &last};

    (void)state;
    expect_rows(after_five, COUNT(after_five), &policy);
    /* 2^53 and 2^53 + 1 are one double, and two numbers. */
    last = INT64_C(9007199254740992);
    expect("{\"jti\":9007199254740993}", &policy, SJWT_OK);
    expect("{\"jti\":9007199254740992}", &policy, SJWT_JTI_REPLAYED);
    last = INT64_MAX - 1;
    expect("{\"jti\":9223372036854775807}", &policy, SJWT_OK);
    last = INT64_MAX;
    expect("{\"jti\":9223372036854775807}", &policy, SJWT_JTI_REPLAYED);
    /* The policy does not require a jti. */
    policy.last_jti = NULL;
    expect("{}", &policy, SJWT_OK);
    expect("{\"jti\":\"a\"}", &policy, SJWT_OK);
    expect("{\"jti\":5}", &policy, SJWT_OK);
}

static void test_required(void **state)
{
    static const char *const names[] = {"sub", "o"};
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_error error;

    (void)state;
    issuer_policy.required_claims = (sjwt_string_list){names, COUNT(names)};
    expect("{\"sub\":\"a\",\"o\":false}", &policy, SJWT_OK);
    expect("{\"sub\":{},\"o\":0}", &policy, SJWT_OK);
    expect("{\"sub\":\"a\",\"o\":null}", &policy, SJWT_CLAIM_MISSING);
    expect("{\"sub\":\"a\",\"O\":1}", &policy, SJWT_CLAIM_MISSING);
    expect("{\"x\":{\"sub\":\"a\",\"o\":1}}", &policy, SJWT_CLAIM_MISSING);
    assert_status(verify("{\"sub\":\"a\"}", &policy, NULL, &error), SJWT_CLAIM_MISSING, "o");
    assert_string_equal(error.detail, "o");
    assert_int_equal(error.claim_index, 1);
    assert_status(verify("{}", &policy, NULL, &error), SJWT_CLAIM_MISSING, "sub");
    assert_string_equal(error.detail, "sub");
    assert_int_equal(error.claim_index, 0);
}

static void test_long_claim_name(void **state)
{
    /* 80 times U+00E9: the 80th does not fit whole; then 159 octets, which fit */
    char name[162] = "";
    const char *names[] = {name};
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_error error;

    (void)state;
    issuer_policy.required_claims = (sjwt_string_list){names, 1};
    for (int i = 0; i < 80; i++)
        strcat(name, "\xC3\xA9");
    assert_status(verify("{}", &policy, NULL, &error), SJWT_CLAIM_MISSING, "long");
    assert_int_equal(strlen(error.detail), 158);
    assert_memory_equal(error.detail, name, 158);
    memset(name, 'n', 159);
    name[159] = '\0';
    assert_status(verify("{}", &policy, NULL, &error), SJWT_CLAIM_MISSING, "long");
    assert_string_equal(error.detail, name);
    /* one octet too many, and two */
    for (size_t len = 160; len <= 161; len++) {
        name[len - 1] = 'n';
        name[len] = '\0';
        assert_status(verify("{}", &policy, NULL, &error), SJWT_CLAIM_MISSING, "long");
        assert_int_equal(strlen(error.detail), 159);
    }
}

static void test_audience(void **state)
{
    static const char *const names[] = {"us", "them"};
    static const row rows[] = {
        {"{\"aud\":\"us\"}", SJWT_OK},
        {"{\"aud\":\"them\"}", SJWT_OK},
        {"{\"aud\":\"\\u0075s\"}", SJWT_OK},
        {"{\"aud\":[\"us\"]}", SJWT_OK},
        {"{\"aud\":[\"x\",\"them\"]}", SJWT_OK},
        {"{\"aud\":[\"us\",\"x\"]}", SJWT_OK},
        {"{}", SJWT_AUDIENCE_MISSING},
        {"{\"aud\":\"\"}", SJWT_AUDIENCE_REFUSED},
        {"{\"aud\":\"US\"}", SJWT_AUDIENCE_REFUSED},
        {"{\"aud\":\"us2\"}", SJWT_AUDIENCE_REFUSED},
        {"{\"aud\":\"u\"}", SJWT_AUDIENCE_REFUSED},
        {"{\"aud\":\"us them\"}", SJWT_AUDIENCE_REFUSED},
        {"{\"aud\":[]}", SJWT_AUDIENCE_REFUSED},
        {"{\"aud\":[\"x\"]}", SJWT_AUDIENCE_REFUSED},
        {"{\"AUD\":\"us\"}", SJWT_AUDIENCE_MISSING},
        {"{\"aud\":null}", SJWT_AUDIENCE_INVALID},
        {"{\"aud\":1}", SJWT_AUDIENCE_INVALID},
        {"{\"aud\":{\"us\":\"us\"}}", SJWT_AUDIENCE_INVALID},
        {"{\"aud\":[\"us\",1]}", SJWT_AUDIENCE_INVALID},
        {"{\"aud\":[1,\"us\"]}", SJWT_AUDIENCE_INVALID},
        {"{\"aud\":[[\"us\"]]}", SJWT_AUDIENCE_INVALID},
        {"{\"aud\":[\"us\",null]}", SJWT_AUDIENCE_INVALID},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    (void)state;
    issuer_policy.audiences = (sjwt_string_list){names, COUNT(names)};
    expect_rows(rows, COUNT(rows), &policy);
    issuer_policy.audiences.count = 0;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect(rows[i].payload, &policy, SJWT_OK);
}

static void test_one_issuer(void **state)
{
    static const row rows[] = {
        {"{\"iss\":\"https://a\"}", SJWT_OK},
        {"{\"iss\":\"https:\\/\\/a\"}", SJWT_OK},
        {"{}", SJWT_ISSUER_MISSING},
        {"{\"iss\":null}", SJWT_ISSUER_REFUSED},
        {"{\"iss\":1}", SJWT_ISSUER_REFUSED},
        {"{\"iss\":[\"https://a\"]}", SJWT_ISSUER_REFUSED},
        {"{\"iss\":\"https://a/\"}", SJWT_ISSUER_REFUSED},
        {"{\"iss\":\"https://A\"}", SJWT_ISSUER_REFUSED},
        {"{\"iss\":\"\"}", SJWT_ISSUER_REFUSED},
        {"{\"ISS\":\"https://a\"}", SJWT_ISSUER_MISSING},
        {"{\"sub\":{\"iss\":\"https://a\"}}", SJWT_ISSUER_MISSING},
        {"[\"https://a\"]", SJWT_PAYLOAD_JSON},
        {"{\"iss\":\"https://a\",\"iss\":\"https://a\"}", SJWT_PAYLOAD_JSON},
    };
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    (void)state;
    issuer_policy.issuer = "https://a";
    expect_rows(rows, COUNT(rows), &policy);
    issuer_policy.issuer = "";
    expect("{\"iss\":\"\"}", &policy, SJWT_OK);
    expect("{}", &policy, SJWT_ISSUER_MISSING);
}

/* The detail says that a value is nearly right, and in which way. It says nothing for
 * the other pairs. */
static const struct {
    const char *has, *wanted, *detail;
} pairs[] = {
    {"https://a/", "https://a", "differs only in a trailing slash"},
    {"https://a", "https://a/", "differs only in a trailing slash"},
    {"", "/", "differs only in a trailing slash"},
    {"https://A", "https://a", "differs only in letter case"},
    {"HTTPS://a/b", "https://a/B", "differs only in letter case"},
    {"http://a", "https://a", "differs only in the scheme"},
    {"a.b", "https://a.b", "differs only in the scheme"},
    {"api://0-1", "0-1", "differs only in the scheme"},
    {"https://a:1/", "http://a:1/", "differs only in the scheme"},
    {"https://a//", "https://a", ""},
    {"https://ax", "https://a", ""},
    {"https://a", "https://ax", ""},
    {"https://b/", "https://a", ""},
    {"https://A/", "https://a", ""},
    {"http://a/", "https://a", ""},
    {"http://A", "https://a", ""},
    {"https:a", "http:a", ""},
    {"a:1", "b:1", ""},
    {"a:/xy", "b:/zy", ""},
    {"\xC3\xA9", "\xC3\x89", ""},
    {"[", "{", ""},
    {"", "a", ""},
    {"a", "ab", ""},
    {"a", "", ""},
};

static void test_near_issuer(void **state)
{
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    char payload[100];
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        issuer_policy.issuer = pairs[i].wanted;
        snprintf(payload, sizeof(payload), "{\"iss\":\"%s\"}", pairs[i].has);
        assert_status(verify(payload, &policy, NULL, &error), SJWT_ISSUER_REFUSED, payload);
        assert_string_equal(error.detail, pairs[i].detail);
    }
    assert_status(verify("{\"iss\":1}", &policy, NULL, &error), SJWT_ISSUER_REFUSED, "a number");
    assert_string_equal(error.detail, "");
    assert_status(verify("{}", &policy, NULL, &error), SJWT_ISSUER_MISSING, "none");
    assert_string_equal(error.detail, "");
}

static void test_near_one_of_several_issuers(void **state)
{
    static const char *const names[] = {"https://c", NULL, "https://a", "https://B"};
    sjwt_issuer_policy issuers[COUNT(names)];
    sjwt_policy policy = {.issuers = issuers, .issuer_count = COUNT(issuers)};
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(issuers); i++) {
        issuers[i] = any_issuer();
        issuers[i].issuer = names[i];
    }
    assert_status(verify("{\"iss\":\"https://b\"}", &policy, NULL, &error), SJWT_ISSUER_REFUSED,
                  "the last");
    assert_string_equal(error.detail, "differs only in letter case");
    assert_status(verify("{\"iss\":\"https://C\"}", &policy, NULL, &error), SJWT_ISSUER_REFUSED,
                  "the first");
    assert_string_equal(error.detail, "differs only in letter case");
    assert_status(verify("{\"iss\":\"https://d\"}", &policy, NULL, &error), SJWT_ISSUER_REFUSED,
                  "none");
    assert_string_equal(error.detail, "");
}

static void test_near_audience(void **state)
{
    static const char *const forms[] = {"{\"aud\":\"%s\"}", "{\"aud\":[\"%s\"]}",
                                        "{\"aud\":[\"q\",\"%s\",\"r\"]}"};
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    char payload[100];
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(pairs) * COUNT(forms); i++) {
        const char *wanted[] = {"something else", "us", "another"};
        issuer_policy.audiences = (sjwt_string_list){wanted, COUNT(wanted)};
        wanted[i % COUNT(wanted)] = pairs[i / COUNT(forms)].wanted;
        snprintf(payload, sizeof(payload), forms[i % COUNT(forms)], pairs[i / COUNT(forms)].has);
        assert_status(verify(payload, &policy, NULL, &error), SJWT_AUDIENCE_REFUSED, payload);
        assert_string_equal(error.detail, pairs[i / COUNT(forms)].detail);
    }
    static const char *const us[] = {"us"};
    issuer_policy.audiences = (sjwt_string_list){us, COUNT(us)};
    assert_status(verify("{}", &policy, NULL, &error), SJWT_AUDIENCE_MISSING, "none");
    assert_string_equal(error.detail, "");
    assert_status(verify("{\"aud\":[]}", &policy, NULL, &error), SJWT_AUDIENCE_REFUSED, "empty");
    assert_string_equal(error.detail, "");
    assert_status(verify("{\"aud\":\"x\",\"azp\":\"US\"}", &policy, NULL, &error),
                  SJWT_AUDIENCE_REFUSED, "the next claim");
    assert_string_equal(error.detail, "");
}

static void test_several_issuers(void **state)
{
    static const char letters[] = "KZK";
    static const char *const names[] = {"https://a", "https://b", NULL};
    static const struct {
        const char *payload;
        char letter;
        sjwt_status status;
        size_t index;
    } rows[] = {
        {"{\"iss\":\"https://a\"}", 'K', SJWT_OK, 0},
        {"{\"iss\":\"https://b\"}", 'Z', SJWT_OK, 1},
        /* a key of one issuer does not verify a token of another */
        {"{\"iss\":\"https://a\"}", 'Z', SJWT_SIGNATURE_INVALID, 0},
        {"{\"iss\":\"https://b\"}", 'K', SJWT_SIGNATURE_INVALID, 0},
        /* a policy without an issuer applies to no token when there are several */
        {"{\"iss\":\"https://c\"}", 'K', SJWT_ISSUER_REFUSED, 0},
        {"{}", 'K', SJWT_ISSUER_MISSING, 0},
        {"{\"iss\":null}", 'K', SJWT_ISSUER_REFUSED, 0},
        /* an unreadable payload has no issuer; no other error about it is reported */
        {"[]", 'K', SJWT_ISSUER_REFUSED, 0},
        {"{", 'K', SJWT_ISSUER_REFUSED, 0},
        {"{\"iss\":\"https://a\",\"x\":1,\"x\":2}", 'K', SJWT_ISSUER_REFUSED, 0},
    };
    sjwt_keyset *other = keys_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                                 "\"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo\"}");
    sjwt_issuer_policy issuers[3];
    sjwt_policy policy = {.issuers = issuers, .issuer_count = COUNT(issuers)};

    (void)state;
    for (size_t i = 0; i < COUNT(issuers); i++) {
        issuers[i] = any_issuer();
        issuers[i].issuer = names[i];
        issuers[i].keys = letters[i] == 'K' ? okp : other;
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = signed_by(rows[i].letter, EDDSA, rows[i].payload);
        sjwt_token *token;
        assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), rows[i].status,
                      rows[i].payload);
        if (token != NULL)
            assert_int_equal(sjwt_token_issuer_index(token), rows[i].index);
        sjwt_token_free(token);
        free(text);
    }

    /* Each issuer policy has its own rules for header and claims. */
    static const char *const audience[] = {"b"};
    issuers[0].algorithms = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256);
    issuers[1].audiences = (sjwt_string_list){audience, 1};
    expect("{\"iss\":\"https://a\"}", &policy, SJWT_ALG_NOT_ALLOWED);
    char *text = signed_by('Z', EDDSA, "{\"iss\":\"https://b\"}");
    sjwt_token *token;
    assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL),
                  SJWT_AUDIENCE_MISSING, "b");
    free(text);
    /* but no policy accepts "none" or a critical header */
    text = signed_by('K', "{\"alg\":\"none\"}", "{\"iss\":\"https://c\"}");
    assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), SJWT_ALG_UNKNOWN,
                  "");
    free(text);

    /* The error says which issuer lacks the key, also if it has no key at all. */
    sjwt_keyset *keys = keys_of("{\"kid\":\"y\",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                                "\"WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo\"}");
    for (int without = 0; without < 2; without++) {
        sjwt_error error = {.issuer_index = 99};
        issuers[1].keys = without ? NULL : keys;
        text = signed_by('Z', "{\"alg\":\"EdDSA\",\"kid\":\"x\"}", "{\"iss\":\"https://b\"}");
        assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, &error),
                      SJWT_KEY_NOT_FOUND, "b");
        assert_int_equal(error.issuer_index, 1);
        free(text);
    }

    /* Two policies are several; without a policy no issuer is trusted. */
    policy.issuer_count = 2;
    expect("{\"iss\":\"https://a\"}", &policy, SJWT_ALG_NOT_ALLOWED);
    issuers[0].issuer = issuers[1].issuer = NULL;
    expect("{\"iss\":\"https://a\"}", &policy, SJWT_ISSUER_REFUSED);
    policy.issuers = NULL;
    policy.issuer_count = 0;
    expect("{}", &policy, SJWT_ISSUER_REFUSED);
    sjwt_keyset_free(other);
    sjwt_keyset_free(keys);
}

/* If the signature is not valid, no error about the payload is reported, except about
 * its issuer. */
static void test_nothing_is_told_before_the_signature(void **state)
{
    static const char *const payloads[] = {
        "{\"iss\":\"a\",\"exp\":0}",
        "{\"iss\":\"a\",\"exp\":\"x\"}",
        "{\"iss\":\"a\",\"nbf\":1e300}",
        "{\"iss\":\"a\",\"jti\":0}",
        "{\"iss\":\"a\",\"aud\":1}",
        "{",
        "[]",
        "{\"a\":1,\"a\":1}",
    };
    static const char *const audience[] = {"us"};
    int64_t last = 5;
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {
        .issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND, .last_jti = &last};

    (void)state;
    issuer_policy.audiences = (sjwt_string_list){audience, 1};
    for (int named = 0; named < 2; named++) {
        issuer_policy.issuer = named ? "a" : NULL;
        for (size_t i = 0; i < COUNT(payloads); i++) {
            char *text = signed_by('Z', EDDSA, payloads[i]);
            sjwt_token *token;
            assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL),
                          SJWT_SIGNATURE_INVALID, payloads[i]);
            free(text);
        }
    }
    char *text = signed_by('Z', EDDSA, "{\"iss\":\"b\"}");
    sjwt_token *token;
    assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), SJWT_ISSUER_REFUSED,
                  "another issuer");
    free(text);
}

/* The payload is not even parsed if the policy does not need its issuer. */
static void test_no_payload_is_parsed_before_the_signature(void **state)
{
    static const char *const payloads[] = {
        "{}", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,"
              "\"j\":10,\"k\":11,\"l\":12,\"m\":13}"};
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    size_t calls[2][COUNT(payloads)];

    (void)state;
    for (int named = 0; named < 2; named++) {
        issuer_policy.issuer = named ? "a" : NULL;
        for (size_t i = 0; i < COUNT(payloads); i++) {
            counting memory = {0};
            sjwt_allocator allocator = counting_allocator(&memory);
            char *text = signed_by('Z', EDDSA, payloads[i]);
            sjwt_token *token;
            sjwt_verify(&allocator, text, strlen(text), &policy, &token, NULL);
            calls[named][i] = memory.calls;
            free(text);
        }
    }
    assert_int_equal(calls[0][0], calls[0][1]);
    /* which its many members would show */
    assert_true(calls[1][0] < calls[1][1]);
}

/* Each row has the errors of all rows below it; the first one is reported. */
static void test_first_of_several(void **state)
{
    static const char *const audience[] = {"us"};
    static const char *const names[] = {"sub"};
    static const row rows[] = {
        {"{\"iss\":\"b\",\"jti\":\"x\",\"nbf\":\"x\",\"exp\":\"x\",\"iat\":\"x\"}",
         SJWT_ISSUER_REFUSED},
        {"{\"iss\":\"a\",\"jti\":\"x\",\"nbf\":\"x\",\"exp\":\"x\",\"iat\":\"x\"}",
         SJWT_JTI_INVALID},
        {"{\"iss\":\"a\",\"jti\":5,\"nbf\":\"x\",\"exp\":\"x\",\"iat\":\"x\"}", SJWT_JTI_REPLAYED},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":\"x\",\"exp\":\"x\",\"iat\":\"x\"}", SJWT_NBF_INVALID},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":1e10,\"exp\":\"x\",\"iat\":\"x\"}", SJWT_NOT_YET_VALID},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":\"x\",\"iat\":\"x\"}", SJWT_EXP_INVALID},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":0,\"iat\":\"x\"}", SJWT_EXPIRED},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":1e10,\"iat\":\"x\"}", SJWT_IAT_INVALID},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":1e10,\"iat\":0}", SJWT_CLAIM_MISSING},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":1e10,\"sub\":1,\"aud\":1}",
         SJWT_AUDIENCE_INVALID},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":1e10,\"sub\":1}", SJWT_AUDIENCE_MISSING},
        {"{\"iss\":\"a\",\"jti\":6,\"nbf\":0,\"exp\":1e10,\"sub\":1,\"aud\":\"us\"}", SJWT_OK},
    };
    int64_t last = 5;
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {
        .issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND, .last_jti = &last};

    (void)state;
    issuer_policy.issuer = "a";
    issuer_policy.audiences = (sjwt_string_list){audience, 1};
    issuer_policy.required_claims = (sjwt_string_list){names, 1};
    expect_rows(rows, COUNT(rows), &policy);
}

static void test_values_of_a_token(void **state)
{
    static const char payload[] = "{\"exp\":1700000000.25,\"nbf\":-1.5,\"iat\":1e300,"
                                  "\"jti\":9007199254740993}";
    sjwt_issuer_policy issuer_policy = any_issuer();
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_token *token;
    int64_t value;

    (void)state;
    assert_status(verify(payload, &policy, &token, NULL), SJWT_OK, payload);
    assert_true(sjwt_token_expires_at(token, &value));
    assert_true(value == INT64_C(1700000000250000));
    assert_true(sjwt_token_not_before(token, &value));
    assert_true(value == -1500000);
    assert_true(sjwt_token_issued_at(token, &value));
    assert_true(value == INT64_MAX);
    assert_true(sjwt_token_integer_id(token, &value));
    assert_true(value == INT64_C(9007199254740993));
    sjwt_token_free(token);

    issuer_policy.session_key = true;
    assert_status(verify("{\"iat\":\"x\",\"jti\":1.5}", &policy, &token, NULL), SJWT_OK, "");
    assert_false(sjwt_token_issued_at(token, &value));
    assert_false(sjwt_token_integer_id(token, &value));
    assert_false(sjwt_token_expires_at(token, &value));
    assert_false(sjwt_token_not_before(token, &value));
    sjwt_token_free(token);
}

static void test_known_signature(void **state)
{
    static const struct {
        const char *header;
        sjwt_status status;
    } rows[] = {
        {EDDSA, SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"kid\":\"a\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"kid\":\"b\"}", SJWT_KEY_NOT_FOUND},
        {"{\"alg\":\"EdDSA\",\"kid\":1}", SJWT_KID_INVALID},
        {"{\"alg\":\"ES256\",\"kid\":\"a\"}", SJWT_ALG_NOT_ALLOWED},
        {"{\"alg\":\"HS256\",\"kid\":\"a\"}", SJWT_ALG_MISMATCH},
        {"{\"alg\":\"none\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"EdDSA\",\"crit\":[\"x\"]}", SJWT_CRITICAL_HEADER},
        {"{}", SJWT_ALG_MISSING},
        {"[]", SJWT_HEADER_JSON},
    };
    sjwt_keyset *keys = keys_of("{" OKP_KEY ",\"kid\":\"a\"}");
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = sjwt_all_algorithms()};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_algorithm_set es256;
    sjwt_token *token;

    (void)state;
    assert_int_equal(sjwt_algorithms_parse("ES256", 5, &es256, NULL), SJWT_OK);
    issuer_policy.algorithms &= ~es256;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = signed_by('X', rows[i].header, "{\"sub\":\"a\"}");
        assert_status(sjwt_verify_with(SJWT_SIGNATURE_ALREADY_VERIFIED, NULL, text, strlen(text),
                                       &policy, &token, NULL),
                      rows[i].status, rows[i].header);
        if (token != NULL) {
            assert_string_equal(sjwt_token_algorithm(token), "EdDSA");
            assert_non_null(sjwt_token_backend(token));
        }
        sjwt_token_free(token);
        assert_true(sjwt_verify_with(SJWT_SIGNATURE_VERIFY, NULL, text, strlen(text), &policy,
                                     &token, NULL) != SJWT_OK);
        free(text);
    }
    sjwt_keyset_free(keys);
}

/* A signature that is known spares no claim. NOW is 1700000000. */
static void test_known_signature_claims(void **state)
{
    static const struct {
        const char *payload;
        sjwt_status status;
    } rows[] = {
        {"{\"iss\":\"i\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":1700000100}", SJWT_OK},
        {"{\"iss\":\"j\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":1700000100}", SJWT_ISSUER_REFUSED},
        {"{\"aud\":\"us\",\"sub\":\"a\",\"exp\":1700000100}", SJWT_ISSUER_MISSING},
        {"{\"iss\":\"i\",\"aud\":\"them\",\"sub\":\"a\",\"exp\":1700000100}",
         SJWT_AUDIENCE_REFUSED},
        {"{\"iss\":\"i\",\"sub\":\"a\",\"exp\":1700000100}", SJWT_AUDIENCE_MISSING},
        {"{\"iss\":\"i\",\"aud\":\"us\",\"sub\":\"a\"}", SJWT_CLAIM_MISSING},
        {"{\"iss\":\"i\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":1699999999}", SJWT_EXPIRED},
        {"{\"iss\":\"i\",\"aud\":\"us\",\"sub\":\"a\",\"exp\":1700000100,\"nbf\":1700000001}",
         SJWT_NOT_YET_VALID},
        {"[]", SJWT_PAYLOAD_JSON},
    };
    static const char *const us[] = {"us"};
    static const char *const required[] = {"exp"};
    sjwt_keyset *keys = keys_of("{" OKP_KEY ",\"kid\":\"a\"}");
    sjwt_issuer_policy issuer_policy = {.keys = keys,
                                        .algorithms = sjwt_all_algorithms(),
                                        .issuer = "i",
                                        .audiences = {us, COUNT(us)},
                                        .required_claims = {required, COUNT(required)}};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1, .now = NOW * SECOND};
    sjwt_token *token;

    (void)state;
    assert_int_equal(NOW, 1700000000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = signed_by('X', EDDSA, rows[i].payload);

        assert_status(sjwt_verify_with(SJWT_SIGNATURE_ALREADY_VERIFIED, NULL, text, strlen(text),
                                       &policy, &token, NULL),
                      rows[i].status, rows[i].payload);
        sjwt_token_free(token);
        free(text);
    }
    sjwt_keyset_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_json),
        cmocka_unit_test(test_position),
        cmocka_unit_test(test_exp),
        cmocka_unit_test(test_nbf),
        cmocka_unit_test(test_leeway),
        cmocka_unit_test(test_valid_until),
        cmocka_unit_test(test_seconds_of_errors),
        cmocka_unit_test(test_iat),
        cmocka_unit_test(test_jti),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_long_claim_name),
        cmocka_unit_test(test_audience),
        cmocka_unit_test(test_one_issuer),
        cmocka_unit_test(test_near_issuer),
        cmocka_unit_test(test_near_one_of_several_issuers),
        cmocka_unit_test(test_near_audience),
        cmocka_unit_test(test_several_issuers),
        cmocka_unit_test(test_nothing_is_told_before_the_signature),
        cmocka_unit_test(test_no_payload_is_parsed_before_the_signature),
        cmocka_unit_test(test_first_of_several),
        cmocka_unit_test(test_values_of_a_token),
        cmocka_unit_test(test_known_signature),
        cmocka_unit_test(test_known_signature_claims),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
