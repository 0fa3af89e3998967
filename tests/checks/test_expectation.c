/* The table that the configure step printed is what the build does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "crypto_expectation.h"

typedef struct expectation {
    crypto_alg alg;
    const char *backend;
} expectation;

static const expectation table[] = {
#define EXPECTATION(alg, backend) {alg, backend},
    CRYPTO_EXPECTATION_LIST(EXPECTATION)
#undef EXPECTATION
};

static void test_every_algorithm_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(sizeof table / sizeof table[0], CRYPTO_ALG_COUNT);
    for (size_t i = 0; i < CRYPTO_ALG_COUNT; i++)
        assert_int_equal(table[i].alg, i);
}

static void test_declared_bits_are_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < CRYPTO_ALG_COUNT; i++) {
        const char *backend = crypto_backend_name(table[i].alg);
        bool verifiable = (crypto_verifiable_algorithms() & CRYPTO_BIT(table[i].alg)) != 0;

        if (table[i].backend == NULL) {
            assert_null(backend);
        } else {
            assert_non_null(backend);
            assert_string_equal(backend, table[i].backend);
        }
        assert_int_equal(verifiable, table[i].backend != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_algorithm_has_its_row),
        cmocka_unit_test(test_declared_bits_are_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
