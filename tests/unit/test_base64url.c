/* SPDX-License-Identifier: Apache-2.0 */
/* The strict base64url of JOSE. */
#include "support.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Its place in the alphabet, or -1. */
static int value_of(int c)
{
    const char *found = c == 0 ? NULL : strchr(alphabet, c);

    return found == NULL ? -1 : (int)(found - alphabet);
}

static bool decodes(const char *text, size_t len)
{
    uint8_t *out = allocate_or_fail(SJWT_BASE64URL_DECODED_LEN(len) + 1);
    bool right = sjwt_base64url_decode(text, len, out, NULL);

    free(out);
    return right;
}

/* RFC 4648 section 10 without the padding; the last is RFC 7515 appendix C. */
static const struct {
    const char *octets;
    const char *text;
} examples[] = {
    {"", ""},
    {"f", "Zg"},
    {"fo", "Zm8"},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg"},
    {"fooba", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy"},
    {"\x03\xEC\xFF\xE0\xC1", "A-z_4ME"},
};

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        size_t len = strlen(examples[i].octets);
        size_t text_len = strlen(examples[i].text);
        uint8_t out[16];

        char *text = encoded(examples[i].octets, len);
        assert_string_equal(text, examples[i].text);
        free(text);

        assert_int_equal(SJWT_BASE64URL_DECODED_LEN(text_len), len);
        assert_true(sjwt_base64url_decode(examples[i].text, text_len, out, NULL));
        assert_memory_equal(out, examples[i].octets, len);
    }
}

static void test_round_trip(void **state)
{
    uint8_t octets[300], back[300];
    uint32_t random = 1;

    (void)state;
    for (size_t len = 0; len <= sizeof(octets); len++) {
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            octets[i] = (uint8_t)(random >> 24);
        }
        char *text = encoded(octets, len);
        assert_int_equal(SJWT_BASE64URL_DECODED_LEN(strlen(text)), len);
        assert_true(sjwt_base64url_decode(text, strlen(text), back, NULL));
        assert_memory_equal(back, octets, len);
        free(text);
    }
}

/* Every text of two characters: only those of the alphabet whose last four bits are
 * zero are valid. */
static void test_all_pairs(void **state)
{
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            char text[] = {(char)first, (char)second};
            uint8_t octet;
            bool right =
                value_of(first) >= 0 && value_of(second) >= 0 && value_of(second) % 16 == 0;
            assert_int_equal(sjwt_base64url_decode(text, 2, &octet, NULL), right);
            if (right)
                assert_int_equal(octet, value_of(first) * 4 + value_of(second) / 16);
        }
    }
}

/* Each octet in each place of three characters. */
static void test_each_of_three_characters(void **state)
{
    (void)state;
    for (int last = 0; last < 256; last++) {
        char text[] = {'A', 'A', (char)last};
        assert_int_equal(decodes(text, 3), value_of(last) >= 0 && value_of(last) % 4 == 0);
    }
    for (size_t place = 0; place < 2; place++) {
        for (int c = 0; c < 256; c++) {
            char text[] = {'A', 'A', 'A'};
            text[place] = (char)c;
            assert_int_equal(decodes(text, 3), value_of(c) >= 0);
        }
    }
}

/* Each octet in each place of a group of four, and of the two groups after. */
static void test_only_the_alphabet(void **state)
{
    (void)state;
    for (size_t place = 0; place < 8; place++) {
        for (int c = 0; c < 256; c++) {
            char text[] = "AAAAAAAA";
            size_t position = 99;
            uint8_t out[6];
            text[place] = (char)c;
            bool right = value_of(c) >= 0;
            assert_int_equal(sjwt_base64url_decode(text, 8, out, &position), right);
            assert_int_equal(position, right ? 99 : place);
        }
    }
}

static void test_impossible_lengths(void **state)
{
    static const char text[] = "AAAAAAAAAAAAA";

    (void)state;
    for (size_t len = 0; len < sizeof(text); len++)
        assert_int_equal(decodes(text, len), len % 4 != 1);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        size_t position;
    } wrong[] = {
        {"Zg==", 2},    {"Zg=", 2},     {"Zm8=", 3},       {"Zm9v=", 4},
        {"A+z/4ME", 1}, {"A-z/4ME", 3}, {" Zm9v", 0},      {"Zm9v ", 4},
        {"Zm\n9v", 2},  {"Zm9v\n", 4},  {"Zm9vYg\r\n", 6}, {"Zm9v.Zm9v", 4},
        {"Zm9vY", 5},   {"Zh", 1},      {"Zm9", 2},        {"Zm9vY\xC3\xA9", 5},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        uint8_t out[16];
        size_t position = 99;
        if (sjwt_base64url_decode(wrong[i].text, strlen(wrong[i].text), out, &position))
            fail_msg("decoded %s", wrong[i].text);
        assert_int_equal(position, wrong[i].position);
    }
}

static void test_span(void **state)
{
    char text[] = "A?A";

    (void)state;
    assert_int_equal(sjwt_base64url_span("", 0), 0);
    for (int c = 0; c < 256; c++) {
        text[1] = (char)c;
        assert_int_equal(sjwt_base64url_span(text, 3), value_of(c) < 0 ? 1 : 3);
        assert_int_equal(sjwt_base64url_span(text, 1), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_span),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_all_pairs),
        cmocka_unit_test(test_each_of_three_characters),
        cmocka_unit_test(test_only_the_alphabet),
        cmocka_unit_test(test_impossible_lengths),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
