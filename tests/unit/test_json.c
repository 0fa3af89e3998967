/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON checker: it accepts only RFC 8259 texts that all readers read alike. */
#include "support.h"

#include <cjson/cJSON.h>
#include <malloc.h>

#include "jwt/json.h"
#include "jwt/memory.h"

/* Parses a copy that ends exactly at its NUL, so that the sanitizers see an overrun. */
static sjwt_status parse(const char *text, size_t len, sjwt_json *json, char **copy,
                         size_t *position)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(NULL);

    *copy = allocate_or_fail(len + 1);
    memcpy(*copy, text, len);
    (*copy)[len] = '\0';
    return sjwt_json_parse(&allocator, *copy, len, SJWT_PAYLOAD_JSON, json, position);
}

static sjwt_status status_of(const char *text, size_t len)
{
    sjwt_json json;
    char *copy;

    sjwt_status status = parse(text, len, &json, &copy, NULL);
    sjwt_json_free(&json);
    free(copy);
    return status;
}

static void accepts(const char *text)
{
    assert_status(status_of(text, strlen(text)), SJWT_OK, text);
}

static void refuses(const char *text)
{
    assert_status(status_of(text, strlen(text)), SJWT_PAYLOAD_JSON, text);
}

static void test_accepted(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "-0",
        "true",
        "false",
        "null",
        " \t\r\n{ } \t\r\n",
        "[1,2,3]",
        "[ 1 , \"a\" , [ ] , { } ]",
        "{\"a\":{\"b\":[{\"c\":null}]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\uD834\\uDD1E\"",
        "\"\\uABCD\\uEF01\\uabcd\\uef01\"",
        /* the edges of the surrogates, and of each half of a pair */
        "\"\\uD7FF\\uE000\\uD800\\uDC00\\uDBFF\\uDFFF\"",
        "\"\\u0001\"",
        "[0,-1,10,1.5,-1.50,1e5,1E+5,1e-05,0.0e0,123456789012345678901234567890]",
        /* U+007F and the edges of each length of UTF-8 */
        "\"\x7F \xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF "
        "\xF0\x90\x80\x80 "
        "\xF4\x8F\xBF\xBF\"",
        "\"\xC3\xA9\"",
        "\"\xE2\x82\xAC\"",
        "\"\xF0\x9D\x84\x9E\"",
        "{\"\":1}",
        "{\"a\":1,\"A\":2}",
        "[[\"a\",\"a\"],{\"a\":1},{\"a\":1}]",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        accepts(texts[i]);
}

static void test_grammar(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{:1}",
        "{\"a\":1,:2}",
        "{1}",
        "{true}",
        "{\"a\":1,2}",
        "{a:1}",
        "{1:1}",
        "{a\":1}",
        "{\"a\":1]",
        "[\"a\":1]",
        "{\"a\"}",
        "{\"a\",\"b\"}",
        "tru",
        "True",
        "nul",
        "fals",
        "truee",
        "nulll",
        "'a'",
        "\"a",
        "\"",
        "\"\\",
        "\"\\\"",
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "inf",
        "//\n1",
        "/**/1",
        "1//",
        "undefined",
        "[1]2",
        "1 2",
        "{}{}",
        "{},",
        "\f1",
        "\v1",
        "\xC2\xA0\x31",
        "\"a\"b",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        refuses(texts[i]);
}

static void test_numbers(void **state)
{
    static const char *const texts[] = {
        "01",  "00",    "-01", "1.",   ".5",    "-.5",   "-",    "+1",
        "1e",  "1e+",   "1e-", "1.e5", "1.5.5", "1e5.5", "0x10", "1_000",
        "--1", "1e5e5", "- 1", "1 e5", "0e",    "1,5",   "1:",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        refuses(texts[i]);
}

/* Values by IEEE 754: the greatest double is 1.7976931348623157e308, the least
 * one above zero 4.9e-324. */
static void test_numbers_that_no_double_holds(void **state)
{
    (void)state;
    accepts("1.7976931348623157e308");
    accepts("-1.7976931348623157e308");
    accepts("0.00017976931348623157e312");
    accepts("17976931348623157e292");
    accepts("4.9e-324");
    accepts("0e999");
    accepts("0.000e-999");
    accepts("1.000000000000000000000000000000e-300");
    accepts("0.000000000000000000001e310");
    refuses("1.7976931348623159e308");
    refuses("-1.7976931348623159e308");
    refuses("1e309");
    refuses("1e999");
    refuses("-1e999");
    refuses("1e-325");
    refuses("0.0001e-321");
    refuses("{\"exp\":1e999}");
    refuses("[[1e999]]");
    refuses("0e1000");
    refuses("0e-1000");
    refuses("1e99999999999999999999");
    refuses("1e-99999999999999999999");
    refuses("1e18446744073709551616");
}

static void test_length_of_numbers(void **state)
{
    char digits[65] = {0};

    (void)state;
    memset(digits, '7', 63);
    accepts(digits);
    digits[63] = '7';
    refuses(digits);
    digits[1] = '.';
    refuses(digits);
    digits[63] = '\0';
    accepts(digits);
}

static void test_strings(void **state)
{
    static const char *const texts[] = {
        /* raw control characters */
        "\"\n\"",
        "\"\t\"",
        "\"\x01\"",
        "\"\x1F\"",
        "{\"a\n\":1}",
        /* escapes */
        "\"\\a\"",
        "\"\\x41\"",
        "\"\\U0041\"",
        "\"\\'\"",
        "\"\\0\"",
        "\"\\u\"",
        "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\uZZZZ\"",
        "\"\\u 123\"",
        "\"\\u+123\"",
        "\"\\u0000\"",
        "\"admin\\u0000x\"",
        "{\"k\\u0000x\":1}",
        /* lone surrogates */
        "\"\\ud800\"",
        "\"\\udabc\"",
        "\"\\udfff\"",
        "\"\\uDBFF\\uE000\"",
        "\"\\uDBFF\\uDBFF\"",
        "\"\\uD800\"",
        "\"\\uDBFF\"",
        "\"\\uDC00\"",
        "\"\\uDFFF\"",
        "\"\\uDC00\\uDC00\"",
        "\"\\uDFFF\\uDC00\"",
        "\"\\uD834x\"",
        "\"\\uD834\\n\"",
        "\"\\uD834xuDD1E\"",
        "\"\\uD834\\nDD1E\"",
        "\"\\uD834\\u0041\"",
        "\"\\uD834\\uD834\"",
        "\"\\uDD1E\\uD834\"",
        "\"\\uD834\\uDD\"",
        "\"\\ud834\\Udd1e\"",
        /* invalid UTF-8: lone continuation, cut, overlong, surrogate, beyond */
        "\"\x80\"",
        "\"\xBF\"",
        "\"\xC3\"",
        "\"\xC3(\"",
        "\"\xE2\x82\"",
        "\"\xE2\x28\xA1\"",
        "\"\xE2\x82\x28\"",
        "\"\xF0\x9F\x98\"",
        "\"\xF0\x28\x8C\xBC\"",
        "\"\xF1\x28\x8C\xBC\"",
        "\"\xF0\x90\x28\xBC\"",
        "\"\xF0\x9F\x98\x28\"",
        "\"\xC0\x80\"",
        "\"\xC0\xAF\"",
        "\"\xC1\xBF\"",
        "\"\xE0\x80\xAF\"",
        "\"\xE0\x9F\xBF\"",
        "\"\xF0\x80\x80\xAF\"",
        "\"\xF0\x8F\xBF\xBF\"",
        "\"\xED\xA0\x80\"",
        "\"\xED\xBF\xBF\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xF5\x80\x80\x80\"",
        "\"\xF8\x88\x80\x80\x80\"",
        "\"\xFE\"",
        "\"\xFF\"",
        "{\"\xE9\":1}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        refuses(texts[i]);
}

/* Each octet in each place of an escape. */
static void test_hexadecimal_digits(void **state)
{
    (void)state;
    for (int place = 0; place < 4; place++) {
        for (int c = 0; c < 256; c++) {
            char text[] = "\"\\u4444\"";
            text[3 + place] = (char)c;
            bool right = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
            assert_status(status_of(text, strlen("\"\\u4444\"")),
                          right ? SJWT_OK : SJWT_PAYLOAD_JSON, text);
        }
    }
}

/* Each first octet, followed by none to three octets 0x80, which make overlong forms of
 * 0xE0 and 0xF0 (RFC 3629 section 4). */
static void test_first_octets(void **state)
{
    (void)state;
    for (int first = 0x80; first <= 0xFF; first++) {
        int wanted = first >= 0xC2 && first <= 0xDF   ? 1
                     : first >= 0xE1 && first <= 0xEF ? 2
                     : first >= 0xF1 && first <= 0xF4 ? 3
                                                      : -1;
        for (int n = 0; n <= 3; n++) {
            char text[] = "\"?\x80\x80\x80\"";
            text[1] = (char)first;
            text[2 + n] = '"';
            assert_status(status_of(text, (size_t)n + 3), n == wanted ? SJWT_OK : SJWT_PAYLOAD_JSON,
                          text);
        }
    }
}

static void test_nul_octets(void **state)
{
    (void)state;
    assert_status(status_of("\"a\0b\"", 5), SJWT_PAYLOAD_JSON, "in a string");
    assert_status(status_of("{}\0", 3), SJWT_PAYLOAD_JSON, "after the value");
    assert_status(status_of("{}\0{}", 5), SJWT_PAYLOAD_JSON, "between values");
    assert_status(status_of("\0{}", 3), SJWT_PAYLOAD_JSON, "before the value");
    assert_status(status_of("\0", 1), SJWT_PAYLOAD_JSON, "alone");
    assert_status(status_of("1\0", 2), SJWT_PAYLOAD_JSON, "after a number");
}

static void test_around_the_value(void **state)
{
    (void)state;
    refuses("\xEF\xBB\xBF{}");
    refuses("\x01{}");
    refuses("{}\x01");
    refuses("{\"k\":1}garbage");
    refuses("{\"k\":1}}");
    refuses("[1]]");
}

/* cJSON behind the checker must really have each of these traps, or the tests above prove
 * nothing. */
static void test_traps_are_the_parsers(void **state)
{
    static const char *const texts[] = {
        "\"admin\\u0000x\"", "{\"k\":1,\"k\":2}", "1e999",  "01", "1.", "-.5", "\"\n\"",
        "\"\xFF\"",          "\xEF\xBB\xBF{}",    "\x01{}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        cJSON *tree = cJSON_Parse(texts[i]);
        if (tree == NULL)
            fail_msg("refused by the parser: %s", texts[i]);
        cJSON_Delete(tree);
        refuses(texts[i]);
    }
}

/* The tree is the one that the parser alone makes of the text. */
static void test_tree_is_the_parsers(void **state)
{
    static const char *const texts[] = {
        "{}",
        " { } ",
        "{\"\":\"\"}",
        "{\"a\":\"b\",\"c\":true,\"d\":false,\"e\":null}",
        "{ \"a\" : [ 1 , {} ] , \"b\" : { \"c\" : [] } }",
        "{\"\\u0061\":1,\"b\\n\":2,\"\xC3\xA4\":\"\\u00e4\",\"c\":\"\\\"\\\\\"}",
        "{\"a\":0,\"b\":-0,\"c\":-1,\"d\":999999999999999,\"e\":9999999999999999}",
        "{\"a\":-99999999999999,\"b\":0.5,\"c\":1e2,\"d\":1.7976931348623157e308}",
        "{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,"
        "\"10\":\"x\",\"11\":11,\"12\":12,\"13\":13,\"14\":14,\"15\":15,\"16\":16,"
        "\"17\":[17],\"18\":18,\"19\":\"\\u0031\",\"20\":20}",
        "[{\"a\":1}]",
        "\"a\"",
        "7",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        cJSON *tree = cJSON_Parse(texts[i]);
        sjwt_json json;
        char *copy;

        assert_status(parse(texts[i], strlen(texts[i]), &json, &copy, NULL), SJWT_OK, texts[i]);
        if (!cJSON_Compare(json.root, tree, true))
            fail_msg("another tree: %s", texts[i]);
        sjwt_json_free(&json);
        cJSON_Delete(tree);
        free(copy);
    }
}

static void nest(char *text, size_t depth, char open, char close)
{
    memset(text, open, depth);
    memset(text + depth, close, depth);
    text[2 * depth] = '\0';
}

static void test_depth(void **state)
{
    static char text[2 * 100000 + 1];

    (void)state;
    nest(text, SJWT_MAX_JSON_DEPTH, '[', ']');
    accepts(text);
    nest(text, SJWT_MAX_JSON_DEPTH + 1, '[', ']');
    refuses(text);
    nest(text, 1000, '[', ']');
    refuses(text);
    nest(text, 100000, '[', ']');
    refuses(text);
    text[100000] = '\0';
    refuses(text);

    /* objects: {"":{"":…{}…}} */
    for (size_t depth = SJWT_MAX_JSON_DEPTH; depth <= SJWT_MAX_JSON_DEPTH + 1; depth++) {
        char *next = text;
        for (size_t i = 1; i < depth; i++, next += 4)
            memcpy(next, "{\"\":", 4);
        memcpy(next, "{}", 2);
        next += 2;
        memset(next, '}', depth - 1);
        next[depth - 1] = '\0';
        assert_status(status_of(text, strlen(text)),
                      depth == SJWT_MAX_JSON_DEPTH ? SJWT_OK : SJWT_PAYLOAD_JSON, "objects");
    }

    /* side by side is not deep */
    char *next = text;
    *next++ = '[';
    for (size_t i = 0; i < 1000; i++, next += 3)
        memcpy(next, "[],", 3);
    memcpy(next, "0]", 3);
    accepts(text);
}

static void test_duplicates(void **state)
{
    static const char *const texts[] = {
        "{\"k\":1,\"k\":2}",
        "{\"k\":1,\"k\":1}",
        "{\"k\":1,\"a\":2,\"k\":3}",
        "{\"\":1,\"\":2}",
        "{\"k\":1,\"\\u006b\":2}",
        "{\"\\u00e9\":1,\"\xC3\xA9\":2}",
        "{\"a/\":1,\"a\\/\":2}",
        "{\"\\uD834\\uDD1E\":1,\"\xF0\x9D\x84\x9E\":2}",
        "{\"a\":{\"k\":1,\"k\":2}}",
        "[{\"k\":1,\"k\":2}]",
        "[[[{\"a\":[{\"k\":1,\"k\":2}]}]]]",
        "{\"k\":{\"k\":1,\"k\":1}}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        refuses(texts[i]);
}

/* One duplicate pair among enough members for each of the two search methods. */
static void test_duplicates_among_many(void **state)
{
    static const size_t counts[] = {2, 11, 12, 13, 14, 50, 1000};
    static char text[20 * 1000 + 2];

    (void)state;
    for (size_t c = 0; c < COUNT(counts); c++) {
        size_t count = counts[c];
        for (size_t twice = 0; twice < count; twice += count / 10 + 1) {
            char *next = text;
            for (size_t i = 0; i < count; i++)
                next += sprintf(next, "%c\"m%zu\":%zu", i == 0 ? '{' : ',',
                                i == count - 1 ? twice : i, i);
            memcpy(next, "}", 2);
            if (twice == count - 1)
                accepts(text);
            else
                refuses(text);
        }
        char *next = text;
        for (size_t i = 0; i < count; i++)
            next += sprintf(next, "%c\"m%zu\":%zu", i == 0 ? '{' : ',', i, i);
        memcpy(next, "}", 2);
        accepts(text);
    }
}

static void test_lookups(void **state)
{
    static const char text[] =
        "{\"K\":7,\"s\":\"a\\u00e9\",\"n\":null,\"o\":{},\"a\":[\"x\",2],\"z\":8}";
    sjwt_json json;
    char *copy;

    (void)state;
    assert_status(parse(text, strlen(text), &json, &copy, NULL), SJWT_OK, text);
    assert_true(sjwt_json_is_object(json.root));
    assert_null(sjwt_json_member(json.root, "k"));
    assert_null(sjwt_json_find_number(&json, "k"));
    assert_non_null(sjwt_json_find_number(&json, "K"));
    assert_null(sjwt_json_find_number(&json, "s"));
    assert_null(sjwt_json_find_number(&json, "a"));
    const sjwt_json_number *last = sjwt_json_find_number(&json, "z");
    assert_non_null(last);
    assert_int_equal(text[last->offset], '8');
    assert_true(sjwt_json_is_number(sjwt_json_member(json.root, "K")));
    assert_string_equal(sjwt_json_string(sjwt_json_member(json.root, "s")), "a\xC3\xA9");
    assert_null(sjwt_json_string(sjwt_json_member(json.root, "K")));
    assert_null(sjwt_json_string(NULL));
    assert_true(sjwt_json_is_null(sjwt_json_member(json.root, "n")));
    assert_false(sjwt_json_is_null(NULL));
    assert_null(sjwt_json_member(sjwt_json_member(json.root, "a"), "x"));
    assert_null(sjwt_json_first(sjwt_json_member(json.root, "o")));
    const sjwt_json_value *item = sjwt_json_first(sjwt_json_member(json.root, "a"));
    assert_string_equal(sjwt_json_string(item), "x");
    item = sjwt_json_next(item);
    assert_true(sjwt_json_is_number(item));
    assert_null(sjwt_json_next(item));
    sjwt_json_free(&json);
    free(copy);
}

static void test_position(void **state)
{
    static const struct {
        const char *text;
        size_t position;
    } wrong[] = {{"", 0}, {"{\"a\":01}", 6}, {"[1,2", 4}, {"{}x", 2}, {"[\"\x01\"]", 2}};

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        sjwt_json json;
        char *copy;
        size_t position = 99;
        assert_status(parse(wrong[i].text, strlen(wrong[i].text), &json, &copy, &position),
                      SJWT_PAYLOAD_JSON, wrong[i].text);
        assert_int_equal(position, wrong[i].position);
        free(copy);
    }
}

/* {"a":{"n":1},"n":<number>,"z":2}, since only the outermost member counts. */
static const sjwt_json_number *parse_number(const char *number, sjwt_json *json, char **copy)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"a\":{\"n\":1},\"n\": %s ,\"z\":2}", number);
    assert_status(parse(text, strlen(text), json, copy, NULL), SJWT_OK, text);
    const sjwt_json_number *found = sjwt_json_find_number(json, "n");
    assert_non_null(found);
    return found;
}

static void test_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } right[] = {
        {"0", 0},
        {"-0", 0},
        {"1", 1},
        {"-1", -1},
        {"2147483648", 2147483648},
        {"9007199254740993", 9007199254740993}, /* 2^53 + 1: no double */
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const wrong[] = {
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "18446744073709551617",
        "99999999999999999999999999",
        "1.0",
        "0.5",
        "1e3",
        "1E0",
        "10e-1",
    };
    sjwt_json json;
    char *copy;
    int64_t value;

    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        const sjwt_json_number *number = parse_number(right[i].text, &json, &copy);
        assert_true(sjwt_json_number_int64(&json, number, &value));
        assert_true(value == right[i].value);
        sjwt_json_free(&json);
        free(copy);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const sjwt_json_number *number = parse_number(wrong[i], &json, &copy);
        if (sjwt_json_number_int64(&json, number, &value))
            fail_msg("%s is %lld", wrong[i], (long long)value);
        sjwt_json_free(&json);
        free(copy);
    }
}

static void test_scaled(void **state)
{
    static const struct {
        const char *text;
        int power;
        int64_t value;
    } numbers[] = {
        {"0", 6, 0},
        {"-0", 6, 0},
        {"1", 6, 1000000},
        {"-1", 6, -1000000},
        {"1300819380", 6, 1300819380000000},
        {"1.5", 6, 1500000},
        {"1.0000019", 6, 1000001},
        {"-1.0000019", 6, -1000002},
        {"-1.000001", 6, -1000001},
        {"0.0000001", 6, 0},
        {"-0.0000001", 6, -1},
        {"1e-300", 6, 0},
        {"-1e-300", 6, -1},
        {"1.5e3", 6, 1500000000},
        {"1500e-3", 6, 1500000},
        {"1E+2", 6, 100000000},
        {"0.0015e3", 6, 1500000},
        {"1234567890123e-12", 6, 1234567},
        {"0.0000000000012345e12", 6, 1234500},
        {"-1.0", 0, -1},
        {"-0.5", 0, -1},
        {"12.9", 0, 12},
        {"-12.1", 0, -13},
        {"-12.10", 0, -13},
        {"-12.0", 0, -12},
        {"9223372036854.775807", 6, INT64_MAX},
        {"9223372036854.775808", 6, INT64_MAX},
        {"9223372036855", 6, INT64_MAX},
        {"1e300", 6, INT64_MAX},
        {"1e300", 0, INT64_MAX},
        {"0e300", 6, 0},
        {"-9223372036854.775808", 6, INT64_MIN},
        {"-9223372036854.7758089", 6, INT64_MIN},
        {"-9223372036854.7758071", 6, INT64_MIN},
        {"-9223372036854.775807", 6, -INT64_MAX},
        {"-1e300", 6, INT64_MIN},
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775806.9", 0, INT64_MAX - 1},
        {"-9223372036854775807.5", 0, INT64_MIN},
    };
    sjwt_json json;
    char *copy;

    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const sjwt_json_number *number = parse_number(numbers[i].text, &json, &copy);
        int64_t value = sjwt_json_number_scaled(&json, number, numbers[i].power);
        if (value != numbers[i].value)
            fail_msg("%s is %lld", numbers[i].text, (long long)value);
        sjwt_json_free(&json);
        free(copy);
    }
}

/* More numbers than the fixed array holds; each is found by its own name. */
static void test_many_numbers(void **state)
{
    static char text[40 * 200];
    char *next = text;
    sjwt_json json;
    char *copy;

    (void)state;
    for (int i = 0; i < 200; i++)
        next +=
            sprintf(next, "%c\"s%d\":\"1\",\"n%d\":%d,\"o%d\":[9]", i == 0 ? '{' : ',', i, i, i, i);
    memcpy(next, "}", 2);
    assert_status(parse(text, strlen(text), &json, &copy, NULL), SJWT_OK, "many numbers");
    for (int i = 0; i < 200; i++) {
        char name[16];
        int64_t value;
        sprintf(name, "n%d", i);
        assert_non_null(sjwt_json_find_number(&json, name));
        assert_true(sjwt_json_number_int64(&json, sjwt_json_find_number(&json, name), &value));
        assert_true(value == i);
        name[0] = 's';
        assert_null(sjwt_json_find_number(&json, name));
        name[0] = 'o';
        assert_null(sjwt_json_find_number(&json, name));
    }
    sjwt_json_free(&json);
    free(copy);

    assert_status(parse("[1,2]", 5, &json, &copy, NULL), SJWT_OK, "an array");
    assert_null(sjwt_json_find_number(&json, "0"));
    sjwt_json_free(&json);
    free(copy);
}

static void test_free_of_nothing(void **state)
{
    sjwt_json json;

    (void)state;
    memset(&json, 0, sizeof(json));
    sjwt_json_free(&json);
    sjwt_json_free(&json);
}

/* The strings are zeroed before the memory of the tree is freed. */
static size_t freed_secrets;

static void watch_free(void *pointer)
{
    const size_t size = pointer == NULL ? 0 : malloc_usable_size(pointer);

    for (size_t i = 0; i + strlen("secret") <= size; i++)
        if (memcmp((const char *)pointer + i, "secret", strlen("secret")) == 0) {
            freed_secrets++;
            break;
        }
    free(pointer);
}

static void *zeroed_malloc(size_t size)
{
    /* room for a NUL beyond whatever the parser writes */
    return calloc(1, size + 1);
}

static void *zeroed_allocate(void *context, size_t size)
{
    (void)context;
    return zeroed_malloc(size);
}

static void watch_release(void *context, void *pointer)
{
    (void)context;
    watch_free(pointer);
}

static void test_wipe(void **state)
{
    static const struct {
        const char *text;
        sjwt_status status;
        size_t secrets; /* blocks that hold one: the object's, and the parser's strings */
    } rows[] = {
        {"{\"d\":\"secret1\",\"a\":[{\"d\":\"secret2\"},\"secret3\"]}", SJWT_OK, 3},
        {"{\"d\":\"secret1\",\"a\":{\"d\":\"secret2\",\"d\":1}}", SJWT_JWK_MALFORMED, 2},
        {"{\"d\":\"secret1\"", SJWT_JWK_MALFORMED, 0},
    };
    sjwt_allocator allocator = {zeroed_allocate, watch_release, NULL};
    cJSON_Hooks hooks = {zeroed_malloc, watch_free};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].text), position = 99;
        sjwt_json json;
        cJSON_InitHooks(&hooks);
        freed_secrets = 0;
        sjwt_status status = sjwt_json_parse_secret(&allocator, rows[i].text, len,
                                                    SJWT_JWK_MALFORMED, &json, &position);
        assert_status(status, rows[i].status, rows[i].text);
        if (status == SJWT_OK)
            assert_string_equal(sjwt_json_string(sjwt_json_member(json.root, "d")), "secret1");
        sjwt_json_free(&json);
        assert_int_equal(freed_secrets, 0);
        assert_int_equal(position, status == SJWT_OK ? 99 : rows[i].secrets == 0 ? len : 0);

        /* so that the test would see it */
        assert_status(
            sjwt_json_parse(&allocator, rows[i].text, len, SJWT_PAYLOAD_JSON, &json, NULL),
            status == SJWT_OK ? SJWT_OK : SJWT_PAYLOAD_JSON, rows[i].text);
        sjwt_json_free(&json);
        assert_int_equal(freed_secrets, rows[i].secrets);
        cJSON_InitHooks(NULL);
    }
}

/* A text that does not end in a NUL, and an empty text. */
static void test_secret_is_copied(void **state)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_json json;
    size_t position;

    (void)state;
    assert_status(sjwt_json_parse_secret(&allocator, "[1]2", 3, SJWT_JWK_MALFORMED, &json, NULL),
                  SJWT_OK, "[1]");
    assert_int_equal(memory.live, 1);
    sjwt_json_free(&json);
    assert_int_equal(memory.live, 0);
    assert_status(sjwt_json_parse_secret(&allocator, NULL, 0, SJWT_JWK_MALFORMED, &json, &position),
                  SJWT_JWK_MALFORMED, "nothing");
    assert_int_equal(memory.live, 0);
    memory.fail_at = memory.calls + 1;
    position = 99;
    assert_status(sjwt_json_parse_secret(&allocator, "[]", 2, SJWT_JWK_MALFORMED, &json, &position),
                  SJWT_NO_MEMORY, "no memory");
    assert_int_equal(position, 0);
    sjwt_json_free(&json);
}

/* Each value is at the position of its text, for any content of strings and names. */
static void expect_place(const sjwt_json *json, const sjwt_json_value *value, const char *text)
{
    const char *place = json->text + sjwt_json_position(json, value);

    if (strncmp(place, text, strlen(text)) != 0)
        fail_msg("%s is not at %s", text, place);
}

static void test_places(void **state)
{
    static const char text[] =
        " {\"a\" : [1 ,{\"b]\":\"x\\\",:\"} , [] ,{ },-2.5e1],\n\"\\\"c\" :\"y\\\\\","
        "\"d\":{\"e\":{\"f\":true}},\"g\":null,\"\":\"z\"}";
    static const char *const names[] = {"a", "\"c", "d", "g", ""};
    static const char *const members[] = {"[1 ,", "\"y\\\\\"", "{\"e\"", "null,", "\"z\"}"};
    static const char *const elements[] = {"1 ,", "{\"b", "[] ,", "{ }", "-2.5e1]"};
    sjwt_json json;
    char *copy;
    size_t n = 0;

    (void)state;
    assert_status(parse(text, strlen(text), &json, &copy, NULL), SJWT_OK, text);
    assert_int_equal(sjwt_json_position(&json, json.root), 1);
    for (const sjwt_json_value *member = sjwt_json_first_member(json.root); member != NULL;
         member = sjwt_json_next(member), n++) {
        assert_in_range(n, 0, COUNT(names) - 1);
        assert_string_equal(sjwt_json_name(member), names[n]);
        expect_place(&json, member, members[n]);
    }
    assert_int_equal(n, COUNT(names));
    const sjwt_json_value *array = sjwt_json_member(json.root, "a");
    const sjwt_json_value *element = sjwt_json_first(array);
    for (n = 0; n < COUNT(elements); n++, element = sjwt_json_next(element))
        expect_place(&json, element, elements[n]);
    assert_null(element);
    expect_place(&json, sjwt_json_member(sjwt_json_next(sjwt_json_first(array)), "b]"),
                 "\"x\\\",:\"}");
    const sjwt_json_value *deep = sjwt_json_member(sjwt_json_member(json.root, "d"), "e");
    expect_place(&json, deep, "{\"f\"");
    expect_place(&json, sjwt_json_member(deep, "f"), "true}");

    assert_null(sjwt_json_first_member(array));
    assert_null(sjwt_json_first_member(
        sjwt_json_next(sjwt_json_next(sjwt_json_next(sjwt_json_first(array))))));
    assert_null(sjwt_json_first_member(NULL));
    sjwt_json_free(&json);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_grammar),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_that_no_double_holds),
        cmocka_unit_test(test_length_of_numbers),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_hexadecimal_digits),
        cmocka_unit_test(test_first_octets),
        cmocka_unit_test(test_nul_octets),
        cmocka_unit_test(test_around_the_value),
        cmocka_unit_test(test_traps_are_the_parsers),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_duplicates_among_many),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_position),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_scaled),
        cmocka_unit_test(test_many_numbers),
        cmocka_unit_test(test_free_of_nothing),
        cmocka_unit_test(test_tree_is_the_parsers),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_secret_is_copied),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
