/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm table against RFC 7518, RFC 8037, RFC 8812 and RFC 9864. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "crypto/crypto.h"

static void test_rows(void **state)
{
    static const struct {
        const char *name;
        sjwt_crypto_key_type key_type;
        sjwt_crypto_curve curve;
        size_t signature_len, coordinate_len, min_key_bits, max_key_bits;
    } rows[] = {
        {"EdDSA", SJWT_CRYPTO_KEY_OKP, SJWT_CRYPTO_CURVE_ED25519, 64, 32, 0, 0},
        {"ES256", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_P256, 64, 32, 0, 0},
        {"ES384", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_P384, 96, 48, 0, 0},
        {"ES512", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_P521, 132, 66, 0, 0},
        {"ES256K", SJWT_CRYPTO_KEY_EC, SJWT_CRYPTO_CURVE_SECP256K1, 64, 32, 0, 0},
        {"RS256", SJWT_CRYPTO_KEY_RSA, SJWT_CRYPTO_CURVE_NONE, 0, 0, 2048, 4096},
        {"RS384", SJWT_CRYPTO_KEY_RSA, SJWT_CRYPTO_CURVE_NONE, 0, 0, 2048, 4096},
        {"RS512", SJWT_CRYPTO_KEY_RSA, SJWT_CRYPTO_CURVE_NONE, 0, 0, 2048, 4096},
        {"PS256", SJWT_CRYPTO_KEY_RSA, SJWT_CRYPTO_CURVE_NONE, 0, 0, 2048, 4096},
        {"PS384", SJWT_CRYPTO_KEY_RSA, SJWT_CRYPTO_CURVE_NONE, 0, 0, 2048, 4096},
        {"PS512", SJWT_CRYPTO_KEY_RSA, SJWT_CRYPTO_CURVE_NONE, 0, 0, 2048, 4096},
        {"HS256", SJWT_CRYPTO_KEY_OCT, SJWT_CRYPTO_CURVE_NONE, 32, 0, 256, 65528},
        {"HS384", SJWT_CRYPTO_KEY_OCT, SJWT_CRYPTO_CURVE_NONE, 48, 0, 384, 65528},
        {"HS512", SJWT_CRYPTO_KEY_OCT, SJWT_CRYPTO_CURVE_NONE, 64, 0, 512, 65528},
    };

    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], SJWT_CRYPTO_ALG_COUNT);
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        const sjwt_crypto_algorithm *row =
            sjwt_crypto_algorithm_find(rows[i].name, strlen(rows[i].name));
        assert_non_null(row);
        assert_ptr_equal(row, sjwt_crypto_algorithm_get(row->alg));
        assert_string_equal(row->name, rows[i].name);
        assert_int_equal(row->key_type, rows[i].key_type);
        assert_int_equal(row->curve, rows[i].curve);
        assert_int_equal(row->signature_len, rows[i].signature_len);
        assert_int_equal(row->coordinate_len, rows[i].coordinate_len);
        assert_int_equal(row->min_key_bits, rows[i].min_key_bits);
        assert_int_equal(row->max_key_bits, rows[i].max_key_bits);
        bool is_public = (sjwt_crypto_public_key_algorithms() & SJWT_CRYPTO_BIT(row->alg)) != 0;
        assert_int_equal(is_public, rows[i].key_type != SJWT_CRYPTO_KEY_OCT);
    }
    assert_int_equal(sjwt_crypto_public_key_algorithms() >> SJWT_CRYPTO_ALG_COUNT, 0);
}

static void test_each_number_has_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++)
        assert_int_equal(sjwt_crypto_algorithm_get((sjwt_crypto_alg)i)->alg, i);
}

static void test_ed25519_is_eddsa(void **state)
{
    (void)state;
    assert_ptr_equal(sjwt_crypto_algorithm_find("Ed25519", 7),
                     sjwt_crypto_algorithm_get(SJWT_CRYPTO_ALG_EDDSA));
}

static void test_nothing_else_has_a_row(void **state)
{
    static const char *const names[] = {
        "",       "none",   "None",   "NONE",   "es256",  "Es256",    "eddsa", "EDDSA",
        "Ed448",  "ES256 ", " ES256", "ES25",   "ES2566", "RS1",      "HS1",   "ed25519",
        "RSA1_5", "A128KW", "dir",    "ES256k", "Ed2551", "Ed25519ph"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_null(sjwt_crypto_algorithm_find(names[i], strlen(names[i])));
    assert_null(sjwt_crypto_algorithm_find("ES256\0", 6));
    assert_null(sjwt_crypto_algorithm_find("\0", 1));
    assert_null(sjwt_crypto_algorithm_find(NULL, 0));
    /* Only the octets given are looked at. */
    assert_ptr_equal(sjwt_crypto_algorithm_find("ES256KX", 5),
                     sjwt_crypto_algorithm_get(SJWT_CRYPTO_ALG_ES256));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_each_number_has_its_row),
        cmocka_unit_test(test_ed25519_is_eddsa),
        cmocka_unit_test(test_nothing_else_has_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
