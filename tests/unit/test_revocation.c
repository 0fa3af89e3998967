/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a list of revoked tokens, and the claims that such lines name. */
#include "support.h"

/* Parses and expects no leak; NULL if it fails. The text has no NUL behind it. */
static sjwt_revocation *parse(const char *line, size_t len, sjwt_status wanted, sjwt_error *error)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    char *copy = allocate_or_fail(len + 1);
    sjwt_revocation *parsed = (sjwt_revocation *)&memory;

    memcpy(copy, line, len);
    copy[len] = '}';
    assert_status(sjwt_revocation_parse(&allocator, copy, len, &parsed, error), wanted, line);
    if (error != NULL && wanted != SJWT_OK)
        assert_int_equal(error->status, wanted);
    assert_int_equal(parsed != NULL, wanted == SJWT_OK);
    sjwt_revocation_free(parsed);
    assert_int_equal(memory.live, 0);
    if (wanted == SJWT_OK)
        assert_status(sjwt_revocation_parse(NULL, copy, len, &parsed, NULL), SJWT_OK, line);
    free(copy);
    return parsed;
}

static sjwt_revocation *line_of(const char *line)
{
    return parse(line, strlen(line), SJWT_OK, NULL);
}

static void assert_values(const sjwt_revocation *line, const char *wanted)
{
    char joined_items[100] = "";

    for (size_t i = 0; i < line->values.count; i++) {
        strcat(joined_items, line->values.items[i]);
        strcat(joined_items, ";");
    }
    assert_string_equal(joined_items, wanted);
}

static void test_lines(void **state)
{
    sjwt_revocation *line = line_of("{\"iss\":\"https:\\/\\/a\",\"jti\":\"x\\u00e9\"}");

    (void)state;
    assert_false(line->is_end);
    assert_string_equal(line->issuer, "https://a");
    assert_int_equal(line->by, SJWT_REVOKED_BY_JTI);
    assert_values(line, "x\xC3\xA9;");
    assert_false(line->has_issued_before);
    assert_false(line->has_until);
    sjwt_revocation_free(line);

    line = line_of(" {\"until\":9223372036854775807,\"sid\":[\"a\",\"-7\",\"b\"],"
                   "\"issued_before\":0,\"iss\":\"\"} ");
    assert_string_equal(line->issuer, "");
    assert_int_equal(line->by, SJWT_REVOKED_BY_SID);
    assert_values(line, "a;-7;b;");
    assert_true(line->has_issued_before);
    assert_int_equal(line->issued_before, 0);
    assert_true(line->has_until);
    assert_int_equal(line->until, INT64_MAX);
    sjwt_revocation_free(line);

    line = line_of("{\"iss\":\"a\",\"sub\":\"1764330000\"}");
    assert_int_equal(line->by, SJWT_REVOKED_BY_SUB);
    assert_values(line, "1764330000;");
    sjwt_revocation_free(line);

    line = line_of("{\"end\":true}");
    assert_true(line->is_end);
    assert_int_equal(line->values.count, 0);
    sjwt_revocation_free(line);
    sjwt_revocation_free(NULL);

    assert_string_equal(sjwt_revoked_by_name(SJWT_REVOKED_BY_JTI), "jti");
    assert_string_equal(sjwt_revoked_by_name(SJWT_REVOKED_BY_SID), "sid");
    assert_string_equal(sjwt_revoked_by_name(SJWT_REVOKED_BY_SUB), "sub");
    assert_string_equal(sjwt_revoked_by_name(SJWT_REVOKED_BY_COUNT), "");
}

/* The detail, and the position: that of the first "@" of the text, which is removed. */
static void test_errors(void **state)
{
    static const char no_object[] = "it is not an object";
    static const char unknown[] = "a member is not known";
    static const char issuer[] = "\"iss\" is missing, or is no string";
    static const char none[] = "it has none of \"jti\", \"sid\" and \"sub\"";
    static const char several[] = "it has more than one of \"jti\", \"sid\" and \"sub\"";
    static const char value[] = "a value is not a string, or is empty";
    static const char empty[] = "an array is empty";
    static const char time[] = "a time is not a whole number of seconds since 1970";
    static const char end[] = "\"end\" is not true, or is not alone";
    static const struct {
        const char *text;
        sjwt_status status;
        const char *detail;
    } rows[] = {
        {"@", SJWT_REVOCATION_MALFORMED, ""},
        {"{\"iss\":\"a\",\"jti\":\"b\"@", SJWT_REVOCATION_MALFORMED, ""},
        {"{\"iss\":\"a\",\"jti\":\"b\"}@{\"end\":true}", SJWT_REVOCATION_MALFORMED, ""},
        {"@{\"iss\":\"a\",\"jti\":\"b\",\"jti\":\"c\"}", SJWT_REVOCATION_MALFORMED, ""},
        {"{\"iss\":\"a\",\"jti\":\"\\u0000@\"}", SJWT_REVOCATION_MALFORMED, ""},
        {"@[]", SJWT_REVOCATION_INVALID, no_object},
        {"@\"jti\"", SJWT_REVOCATION_INVALID, no_object},
        {"{\"iss\":\"a\",\"jti\":\"b\",\"exp\":@1}", SJWT_REVOCATION_INVALID, unknown},
        {"{\"iss\":\"a\",\"JTI\":@\"b\"}", SJWT_REVOCATION_INVALID, unknown},
        {"@{}", SJWT_REVOCATION_INVALID, issuer},
        {"@{\"jti\":\"b\"}", SJWT_REVOCATION_INVALID, issuer},
        {"{\"iss\":@null,\"jti\":\"b\"}", SJWT_REVOCATION_INVALID, issuer},
        {"{\"iss\":@[\"a\"],\"jti\":\"b\"}", SJWT_REVOCATION_INVALID, issuer},
        {"@{\"iss\":\"a\"}", SJWT_REVOCATION_INVALID, none},
        {"{\"iss\":\"a\",\"sub\":@\"b\",\"jti\":\"c\"}", SJWT_REVOCATION_INVALID, several},
        {"{\"iss\":\"a\",\"jti\":@\"\"}", SJWT_REVOCATION_INVALID, value},
        {"{\"iss\":\"a\",\"jti\":@null}", SJWT_REVOCATION_INVALID, value},
        {"{\"iss\":\"a\",\"jti\":@true}", SJWT_REVOCATION_INVALID, value},
        {"{\"iss\":\"a\",\"jti\":@1}", SJWT_REVOCATION_INVALID, value},
        {"{\"iss\":\"a\",\"jti\":@{}}", SJWT_REVOCATION_INVALID, value},
        {"{\"iss\":\"a\",\"jti\":[\"b\",@2]}", SJWT_REVOCATION_INVALID, value},
        {"{\"iss\":\"a\",\"jti\":@[]}", SJWT_REVOCATION_INVALID, empty},
        {"{\"iss\":\"a\",\"jti\":\"b\",\"until\":@\"1\"}", SJWT_REVOCATION_INVALID, time},
        {"{\"iss\":\"a\",\"jti\":\"b\",\"until\":@null}", SJWT_REVOCATION_INVALID, time},
        {"{\"iss\":\"a\",\"jti\":\"b\",\"until\":@-1}", SJWT_REVOCATION_INVALID, time},
        {"{\"iss\":\"a\",\"jti\":\"b\",\"until\":@1.5}", SJWT_REVOCATION_INVALID, time},
        {"{\"iss\":\"a\",\"jti\":\"b\",\"issued_before\":@9223372036854775808}",
         SJWT_REVOCATION_INVALID, time},
        {"{\"end\":@false}", SJWT_REVOCATION_INVALID, end},
        {"{\"end\":@1}", SJWT_REVOCATION_INVALID, end},
        {"{\"end\":@true,\"until\":1}", SJWT_REVOCATION_INVALID, end},
        {"{\"iss\":\"a\",\"end\":@true}", SJWT_REVOCATION_INVALID, end},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[200];
        const char *at = strchr(rows[i].text, '@');
        const size_t position = (size_t)(at - rows[i].text);
        sjwt_error error;

        snprintf(text, sizeof(text), "%.*s%s", (int)position, rows[i].text, at + 1);
        parse(text, strlen(text), rows[i].status, &error);
        if (strcmp(error.detail, rows[i].detail) != 0 || error.position != position)
            fail_msg("%s: \"%s\" at %zu instead of %zu", text, error.detail, error.position,
                     position);
    }
}

static void test_length(void **state)
{
    static const char start[] = "{\"iss\":\"a\",\"jti\":\"b\"}";
    char *line = allocate_or_fail(SJWT_MAX_REVOCATION_LINE + 1);

    (void)state;
    memset(line, ' ', SJWT_MAX_REVOCATION_LINE + 1);
    memcpy(line, start, strlen(start));
    sjwt_revocation_free(parse(line, SJWT_MAX_REVOCATION_LINE, SJWT_OK, NULL));
    parse(line, SJWT_MAX_REVOCATION_LINE + 1, SJWT_REVOCATION_TOO_LARGE, NULL);
    free(line);
}

static sjwt_revocable *claims_of(const char *payload)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_revocable *claims;

    assert_status(sjwt_revocable_parse(&allocator, payload, strlen(payload), &claims, NULL),
                  SJWT_OK, payload);
    sjwt_revocable_free(claims);
    assert_int_equal(memory.live, 0);
    assert_status(sjwt_revocable_parse(NULL, payload, strlen(payload), &claims, NULL), SJWT_OK,
                  payload);
    return claims;
}

static void test_claims(void **state)
{
    sjwt_revocable *claims = claims_of("{\"iss\":\"a\",\"jti\":\"b\",\"sid\":\"c\\u00e9\","
                                       "\"sub\":\"d\",\"iat\":1.5}");

    (void)state;
    assert_string_equal(claims->issuer, "a");
    assert_string_equal(claims->values[SJWT_REVOKED_BY_JTI], "b");
    assert_string_equal(claims->values[SJWT_REVOKED_BY_SID], "c\xC3\xA9");
    assert_string_equal(claims->values[SJWT_REVOKED_BY_SUB], "d");
    assert_true(claims->has_issued_at);
    assert_int_equal(claims->issued_at, 1500000);
    sjwt_revocable_free(claims);

    /* A number is its digits; what is neither string nor number is not there. */
    claims = claims_of("{\"iss\":1,\"jti\":-12,\"sid\":null,\"sub\":[\"d\"],\"iat\":\"1\"}");
    assert_string_equal(claims->issuer, "");
    assert_string_equal(claims->values[SJWT_REVOKED_BY_JTI], "-12");
    assert_null(claims->values[SJWT_REVOKED_BY_SID]);
    assert_null(claims->values[SJWT_REVOKED_BY_SUB]);
    assert_false(claims->has_issued_at);
    sjwt_revocable_free(claims);
    sjwt_revocable_free(NULL);

    assert_int_equal(sjwt_revocable_parse(NULL, "[]", 2, &claims, NULL), SJWT_PAYLOAD_JSON);
    assert_null(claims);
    assert_int_equal(sjwt_revocable_parse(NULL, "{", 1, &claims, NULL), SJWT_PAYLOAD_JSON);
    assert_null(claims);
}

static void test_no_memory(void **state)
{
    static const char line[] = "{\"iss\":\"a\",\"jti\":[\"b\",\"c\"]}";
    sjwt_revocation *revocation = NULL;
    sjwt_revocable *claims = NULL;
    sjwt_error error;

    (void)state;
    for (int which = 0; which < 2; which++) {
        size_t failures = 0;

        for (size_t n = 1;; n++, failures++) {
            counting memory = {.fail_at = n};
            sjwt_allocator allocator = counting_allocator(&memory);
            sjwt_status status =
                which == 0
                    ? sjwt_revocation_parse(&allocator, line, strlen(line), &revocation, &error)
                    : sjwt_revocable_parse(&allocator, line, strlen(line), &claims, &error);

            sjwt_revocation_free(which == 0 ? revocation : NULL);
            sjwt_revocable_free(which == 0 ? NULL : claims);
            assert_int_equal(memory.live, 0);
            if (memory.calls < n)
                break;
            assert_status(status, SJWT_NO_MEMORY, "no memory");
            assert_int_equal(error.status, SJWT_NO_MEMORY);
        }
        assert_true(failures >= 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_errors),
        cmocka_unit_test(test_length),    cmocka_unit_test(test_claims),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
