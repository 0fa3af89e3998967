/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that the configure step prints must agree with the build, also for signing.
 * Tests that sign restrict themselves to the algorithms that the build signs. This test
 * checks that these are all algorithms that it must sign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sign.h"
#include "crypto_expectation.h"

typedef struct expectation {
    sjwt_crypto_alg alg;
    const char *backend;
    const char *signer;
} expectation;

static const expectation table[] = {
#define EXPECTATION(alg, backend, signer) {alg, backend, signer},
    SJWT_CRYPTO_EXPECTATION_LIST(EXPECTATION)
#undef EXPECTATION
};

static void test_every_algorithm_has_its_row(void **state)
{
    (void)state;
    assert_int_equal(sizeof table / sizeof table[0], SJWT_CRYPTO_ALG_COUNT);
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++)
        assert_int_equal(table[i].alg, i);
}

static void assert_name(const char *name, const char *wanted)
{
    if (wanted == NULL) {
        assert_null(name);
    } else {
        assert_non_null(name);
        assert_string_equal(name, wanted);
    }
}

static void test_declared_bits_are_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        bool verifiable =
            (sjwt_crypto_verifiable_algorithms() & SJWT_CRYPTO_BIT(table[i].alg)) != 0;

        assert_name(sjwt_crypto_backend_name(table[i].alg), table[i].backend);
        assert_int_equal(verifiable, table[i].backend != NULL);
    }
}

static void test_signers_sign_what_they_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        bool signable = (sjwt_crypto_signable_algorithms() & SJWT_CRYPTO_BIT(table[i].alg)) != 0;

        assert_name(sjwt_crypto_signer_name(table[i].alg), table[i].signer);
        assert_int_equal(signable, table[i].signer != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_algorithm_has_its_row),
        cmocka_unit_test(test_declared_bits_are_the_table),
        cmocka_unit_test(test_signers_sign_what_they_verify),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
