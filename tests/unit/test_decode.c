/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding for a person to read: nothing is verified, and an unreadable token is an
 * error. */
#include "support.h"

static sjwt_status decode(const sjwt_allocator *allocator, const char *text, char **header,
                          char **payload, size_t *payload_len, sjwt_error *error)
{
    size_t header_len;

    *header = *payload = (char *)allocator;
    sjwt_status status = sjwt_decode_unverified(allocator, text, strlen(text), header, &header_len,
                                                payload, payload_len, error);
    if (status == SJWT_OK) {
        assert_int_equal(strlen(*header), header_len);
    } else {
        assert_null(*header);
        assert_null(*payload);
        assert_int_equal(error->status, status);
    }
    return status;
}

static void test_decode(void **state)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    char *header, *payload;
    size_t len;
    sjwt_error error;

    (void)state;
    /* "none" can be decoded, and so can any octets and any signature */
    assert_status(decode(&allocator, "eyJhbGciOiJub25lIn0.AP8.!", &header, &payload, &len, &error),
                  SJWT_OK, "none");
    assert_string_equal(header, "{\"alg\":\"none\"}");
    assert_int_equal(len, 2);
    assert_memory_equal(payload, "\0\xFF\0", 3);
    allocator.release(allocator.context, header);
    allocator.release(allocator.context, payload);
    assert_int_equal(memory.live, 0);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        sjwt_status status;
        size_t position;
    } tokens[] = {
        {"", SJWT_MALFORMED, 0},
        {"e30.e30", SJWT_MALFORMED, 0},
        {"e30.e30.e30.e30", SJWT_MALFORMED, 11},
        {"e3=.e30.", SJWT_HEADER_ENCODING, 2},
        {"e30.e3*.", SJWT_PAYLOAD_ENCODING, 6},
        {".e30.", SJWT_HEADER_JSON, 0},
        {"W10.e30.", SJWT_HEADER_JSON, 0},             /* [] */
        {"e30y.e30.", SJWT_HEADER_JSON, 2},            /* {}2 */
        {"eyIiOjEsIiI6MX0.e30.", SJWT_HEADER_JSON, 0}, /* {"":1,"":1} */
    };
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    char *header, *payload;
    size_t len;
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        assert_status(decode(&allocator, tokens[i].text, &header, &payload, &len, &error),
                      tokens[i].status, tokens[i].text);
        assert_int_equal(error.position, tokens[i].position);
        assert_int_equal(memory.live, 0);
    }
}

static void test_size(void **state)
{
    char *text = allocate_or_fail(SJWT_MAX_TOKEN_SIZE + 2);
    char *header, *payload;
    size_t header_len, len;

    (void)state;
    memset(text, 'A', SJWT_MAX_TOKEN_SIZE + 1);
    memcpy(text, "e30.", 4);
    text[SJWT_MAX_TOKEN_SIZE - 4] = '.';
    assert_status(sjwt_decode_unverified(NULL, text, SJWT_MAX_TOKEN_SIZE, &header, &header_len,
                                         &payload, &len, NULL),
                  SJWT_OK, "the largest");
    free(header);
    free(payload);
    assert_status(sjwt_decode_unverified(NULL, text, SJWT_MAX_TOKEN_SIZE + 1, &header, &header_len,
                                         &payload, &len, NULL),
                  SJWT_TOO_LARGE, "one more");
    free(text);
}

static void test_looks_like_token(void **state)
{
    static const char *const tokens[] = {
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJ.A-z_.09",
        "eyJ..",
        /* its parts need not be meaningful */
        "eyJA.B.C",
    };
    static const char *const others[] = {
        "eyJ",          "eyJ.e30",      "eyJ.e30.e30.", "eyJ.e30.e30.e30.e30", "e30.e30.e30",
        "eyI.e30.e30",  "EyJ.e30.e30",  " eyJ.e30.e30", "eyJ.e30.e30\n",       "eyJ.e3=.e30",
        "ey J.e30.e30", "eyJ+.e30.e30", "eyJ.e30.e30/", "{\"kty\":\"OKP\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        size_t len = strlen(tokens[i]);
        char *copy = memcpy(allocate_or_fail(len), tokens[i], len);
        assert_true(sjwt_looks_like_token(copy, len));
        free(copy);
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        size_t len = strlen(others[i]);
        char *copy = memcpy(allocate_or_fail(len), others[i], len);
        if (sjwt_looks_like_token(copy, len))
            fail_msg("%s", others[i]);
        free(copy);
    }
    assert_false(sjwt_looks_like_token(NULL, 0));
    /* the length ends the token, not a NUL */
    assert_true(sjwt_looks_like_token("eyJ.e30.e30.", 11));
    assert_false(sjwt_looks_like_token("eyJ.e30.e30", 7));
    assert_false(sjwt_looks_like_token("eyJ.e30\0.e30", 12));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_looks_like_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
