/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of algorithms, and the algorithms that the build reports. */
#include "support.h"

#include "crypto/crypto.h"

static void test_parse(void **state)
{
    static const struct {
        const char *names;
        sjwt_algorithm_set set;
    } right[] = {
        {"RS256", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256)},
        {"RS256,ES256",
         SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256)},
        {" RS256 ,\tES256\n",
         SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256)},
        {"EdDSA", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA)},
        {"Ed25519,EdDSA,EdDSA", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA)},
    };
    static const struct {
        const char *names;
        size_t position;
    } wrong[] = {
        {"", 0},
        {" ", 1},
        {",", 0},
        {"RS256,", 6},
        {",RS256", 0},
        {"RS256,,ES256", 6},
        {"none", 0},
        {"rs256", 0},
        {"RS256, none", 7},
        {"RS256 ES256", 0},
        {"RS25", 0},
        {"RS2567", 0},
        {"RS256;ES256", 0},
        {"*", 0},
    };
    sjwt_algorithm_set set;
    sjwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        assert_status(sjwt_algorithms_parse(right[i].names, strlen(right[i].names), &set, &error),
                      SJWT_OK, right[i].names);
        assert_int_equal(set, right[i].set);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        set = 99;
        assert_status(sjwt_algorithms_parse(wrong[i].names, strlen(wrong[i].names), &set, &error),
                      SJWT_ALG_UNKNOWN, wrong[i].names);
        assert_int_equal(set, 0);
        assert_int_equal(error.status, SJWT_ALG_UNKNOWN);
        assert_int_equal(error.position, wrong[i].position);
    }
    assert_status(sjwt_algorithms_parse("RS256x", 5, &set, NULL), SJWT_OK, "by length");
    assert_status(sjwt_algorithms_parse("RS256", 4, &set, NULL), SJWT_ALG_UNKNOWN, "by length");
}

static void test_info(void **state)
{
    const char *name, *backend;
    sjwt_algorithm_set all = 0;
    size_t n = 0;

    (void)state;
    for (; sjwt_algorithm_info(n, &name, &backend); n++) {
        sjwt_algorithm_set set;
        assert_status(sjwt_algorithms_parse(name, strlen(name), &set, NULL), SJWT_OK, name);
        assert_int_equal(all & set, 0);
        all |= set;
        assert_int_equal(backend != NULL,
                         sjwt_crypto_probe((sjwt_crypto_alg)n) != SJWT_CRYPTO_UNSUPPORTED);
        if (backend != NULL)
            assert_non_null(strstr(sjwt_backend_names(), backend));
    }
    assert_int_equal(n, SJWT_CRYPTO_ALG_COUNT);
    assert_int_equal(all, sjwt_all_algorithms());
}

static void test_public(void **state)
{
    sjwt_algorithm_set secret;

    (void)state;
    assert_status(sjwt_algorithms_parse("HS256,HS384,HS512", 17, &secret, NULL), SJWT_OK, "");
    assert_int_equal(sjwt_public_key_algorithms() & secret, 0);
    assert_int_equal(sjwt_public_key_algorithms() | secret, sjwt_all_algorithms());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_public),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
