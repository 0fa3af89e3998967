/* Lists of algorithms, and what the build says of itself. */
#include "support.h"

#include "crypto/crypto.h"

static void test_parse(void **state)
{
    static const struct {
        const char *names;
        jwt_algorithm_set set;
    } right[] = {
        {"RS256", CRYPTO_BIT(CRYPTO_ALG_RS256)},
        {"RS256,ES256", CRYPTO_BIT(CRYPTO_ALG_RS256) | CRYPTO_BIT(CRYPTO_ALG_ES256)},
        {" RS256 ,\tES256\n", CRYPTO_BIT(CRYPTO_ALG_RS256) | CRYPTO_BIT(CRYPTO_ALG_ES256)},
        {"EdDSA", CRYPTO_BIT(CRYPTO_ALG_EDDSA)},
        {"Ed25519,EdDSA,EdDSA", CRYPTO_BIT(CRYPTO_ALG_EDDSA)},
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
    jwt_algorithm_set set;
    jwt_error error;

    (void)state;
    for (size_t i = 0; i < COUNT(right); i++) {
        assert_status(jwt_algorithms_parse(right[i].names, strlen(right[i].names), &set, &error),
                      JWT_OK, right[i].names);
        assert_int_equal(set, right[i].set);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        set = 99;
        assert_status(jwt_algorithms_parse(wrong[i].names, strlen(wrong[i].names), &set, &error),
                      JWT_ALG_UNKNOWN, wrong[i].names);
        assert_int_equal(set, 0);
        assert_int_equal(error.status, JWT_ALG_UNKNOWN);
        assert_int_equal(error.position, wrong[i].position);
    }
    assert_status(jwt_algorithms_parse("RS256x", 5, &set, NULL), JWT_OK, "by length");
    assert_status(jwt_algorithms_parse("RS256", 4, &set, NULL), JWT_ALG_UNKNOWN, "by length");
}

static void test_info(void **state)
{
    const char *name, *backend;
    jwt_algorithm_set all = 0;
    size_t n = 0;

    (void)state;
    for (; jwt_algorithm_info(n, &name, &backend); n++) {
        jwt_algorithm_set set;
        assert_status(jwt_algorithms_parse(name, strlen(name), &set, NULL), JWT_OK, name);
        assert_int_equal(all & set, 0);
        all |= set;
        assert_int_equal(backend != NULL, (crypto_verifiable_algorithms() & set) != 0);
        if (backend != NULL)
            assert_non_null(strstr(jwt_backend_names(), backend));
    }
    assert_int_equal(n, CRYPTO_ALG_COUNT);
    assert_int_equal(all, jwt_all_algorithms());
}

static void test_public(void **state)
{
    jwt_algorithm_set secret;

    (void)state;
    assert_status(jwt_algorithms_parse("HS256,HS384,HS512", 17, &secret, NULL), JWT_OK, "");
    assert_int_equal(jwt_public_key_algorithms() & secret, 0);
    assert_int_equal(jwt_public_key_algorithms() | secret, jwt_all_algorithms());
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
