/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What mbedtls.c makes of each error of its library, which here answers what a
 * test tells it to: an answer too many must never become "valid".
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <psa/crypto.h>

#define psa_crypto_init library_init
#define psa_import_key library_import_key
#define psa_destroy_key library_destroy_key
#define psa_verify_message library_verify_message
#define psa_mac_verify library_mac_verify

psa_status_t psa_crypto_init(void);
psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, psa_key_id_t *key);
psa_status_t psa_destroy_key(psa_key_id_t key);
psa_status_t psa_verify_message(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, const uint8_t *signature,
                                size_t signature_length);
psa_status_t psa_mac_verify(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                            size_t input_length, const uint8_t *mac, size_t mac_length);

#include "crypto/mbedtls.c"

#include "tests/unit/once.h"

static struct {
    psa_status_t init, import, verify, destroy;
    int error; /* errno after the failure of any of them, as calloc() sets it */
    int live;  /* keys not yet destroyed */
    int imports;
    int imports_before_failure; /* those that succeed although import is an error */
} library;

static psa_status_t answer(psa_status_t status)
{
    if (status != PSA_SUCCESS && library.error != 0)
        errno = library.error;
    return status;
}

psa_status_t psa_crypto_init(void)
{
    return answer(library.init);
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, psa_key_id_t *key)
{
    (void)attributes, (void)data, (void)data_length;
    if (library.imports++ >= library.imports_before_failure && library.import != PSA_SUCCESS)
        return answer(library.import);
    library.live++;
    *key = 7;
    return PSA_SUCCESS;
}

psa_status_t psa_destroy_key(psa_key_id_t key)
{
    assert_int_equal(key, 7);
    library.live--;
    return library.destroy;
}

psa_status_t psa_verify_message(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                                size_t input_length, const uint8_t *signature,
                                size_t signature_length)
{
    (void)key, (void)alg, (void)input, (void)input_length;
    (void)signature, (void)signature_length;
    return answer(library.verify);
}

psa_status_t psa_mac_verify(psa_key_id_t key, psa_algorithm_t alg, const uint8_t *input,
                            size_t input_length, const uint8_t *mac, size_t mac_length)
{
    (void)key, (void)alg, (void)input, (void)input_length, (void)mac, (void)mac_length;
    return answer(library.verify);
}

static uint8_t octets[64];

static const struct {
    sjwt_crypto_alg alg;
    sjwt_crypto_key_octets key;
} keys[] = {
    {SJWT_CRYPTO_ALG_ES256,
     {.type = SJWT_CRYPTO_KEY_EC,
      .curve = SJWT_CRYPTO_CURVE_P256,
      .x = {octets, 32},
      .y = {octets, 32}}},
    {SJWT_CRYPTO_ALG_HS256, {.type = SJWT_CRYPTO_KEY_OCT, .k = {octets, 32}}},
};

#define KEY_COUNT (sizeof keys / sizeof keys[0])

static const sjwt_crypto_span message = {octets, sizeof octets};

static sjwt_crypto_status check(size_t i)
{
    return check_key_by(&sjwt_crypto_mbedtls_backend, keys[i].alg, &keys[i].key);
}

static sjwt_crypto_status ask(size_t i)
{
    return verify_once_by(
        &sjwt_crypto_mbedtls_backend, keys[i].alg, &keys[i].key, message,
        (sjwt_crypto_span){octets, keys[i].alg == SJWT_CRYPTO_ALG_ES256 ? 64 : 32});
}

static int set_up(void **state)
{
    (void)state;
    memset(&library, 0, sizeof library);
    return 0;
}

/* Every error that the API has, and some that it has not. */
static sjwt_crypto_status expected(psa_status_t status, sjwt_crypto_status invalid_argument,
                                   sjwt_crypto_status invalid_signature,
                                   sjwt_crypto_status not_supported)
{
    switch (status) {
    case PSA_SUCCESS:
        return SJWT_CRYPTO_OK;
    case PSA_ERROR_INVALID_ARGUMENT:
        return invalid_argument;
    case PSA_ERROR_INVALID_SIGNATURE:
        return invalid_signature;
    case PSA_ERROR_NOT_SUPPORTED:
        return not_supported;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return SJWT_CRYPTO_NO_MEMORY;
    default:
        return SJWT_CRYPTO_INTERNAL;
    }
}

static void test_init(void **state)
{
    (void)state;
    for (library.init = -300; library.init <= 10; library.init++)
        assert_int_equal(sjwt_crypto_mbedtls_backend.init(),
                         expected(library.init, SJWT_CRYPTO_INTERNAL, SJWT_CRYPTO_INTERNAL,
                                  SJWT_CRYPTO_INTERNAL));
}

static void test_import(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        for (library.import = -300; library.import <= 10; library.import++) {
            sjwt_crypto_status wanted = expected(library.import, SJWT_CRYPTO_BAD_KEY,
                                                 SJWT_CRYPTO_INTERNAL, SJWT_CRYPTO_BAD_KEY);
            assert_int_equal(check(i), wanted);
            assert_int_equal(ask(i), wanted);
            assert_int_equal(library.live, 0);
        }
    }
}

/* A key that was imported once is good: what is missing at a later import is memory. */
static void test_import_when_verifying(void **state)
{
    (void)state;
    library.imports_before_failure = 1;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        for (library.import = -300; library.import <= 10; library.import++) {
            library.imports = 0;
            assert_int_equal(ask(i), expected(library.import, SJWT_CRYPTO_NO_MEMORY,
                                              SJWT_CRYPTO_INTERNAL, SJWT_CRYPTO_NO_MEMORY));
            assert_int_equal(library.live, 0);
        }
    }
}

/* Whatever the library calls an allocation that failed. */
static void test_no_memory(void **state)
{
    (void)state;
    library.error = ENOMEM;
    for (psa_status_t status = -300; status <= 10; status++) {
        if (status == PSA_SUCCESS)
            continue;
        memset(&library, 0, sizeof library);
        library.error = ENOMEM;
        library.init = status;
        assert_int_equal(sjwt_crypto_mbedtls_backend.init(), SJWT_CRYPTO_NO_MEMORY);
        for (size_t i = 0; i < KEY_COUNT; i++) {
            library.verify = status;
            assert_int_equal(ask(i), SJWT_CRYPTO_NO_MEMORY);
            library.import = status;
            assert_int_equal(check(i), SJWT_CRYPTO_NO_MEMORY);
            library.import = library.verify = PSA_SUCCESS;
        }
        assert_int_equal(library.live, 0);
    }
}

/* An old errno is not this call's. */
static void test_errno_of_before(void **state)
{
    (void)state;
    library.verify = PSA_ERROR_INVALID_SIGNATURE;
    errno = ENOMEM;
    assert_int_equal(ask(0), SJWT_CRYPTO_BAD_SIGNATURE);
    library.import = PSA_ERROR_INVALID_ARGUMENT;
    errno = ENOMEM;
    assert_int_equal(check(0), SJWT_CRYPTO_BAD_KEY);
    library.init = PSA_ERROR_INSUFFICIENT_ENTROPY;
    errno = ENOMEM;
    assert_int_equal(sjwt_crypto_mbedtls_backend.init(), SJWT_CRYPTO_INTERNAL);
}

static void test_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        for (library.verify = -300; library.verify <= 10; library.verify++) {
            assert_int_equal(ask(i), expected(library.verify, SJWT_CRYPTO_BAD_SIGNATURE,
                                              SJWT_CRYPTO_BAD_SIGNATURE, SJWT_CRYPTO_INTERNAL));
            assert_int_equal(library.live, 0);
        }
    }
}

/* RFC 8017 section 5.2.2 step 1: of these the library is not asked. */
static void test_a_signature_not_below_the_modulus(void **state)
{
    uint8_t modulus[256], signature[256];
    const sjwt_crypto_key_octets key = {
        .type = SJWT_CRYPTO_KEY_RSA, .n = {modulus, 256}, .e = {octets, 1}};

    (void)state;
    memset(modulus, 0xfd, sizeof modulus);
    memcpy(signature, modulus, sizeof signature);
    library.verify = PSA_ERROR_GENERIC_ERROR;
    for (int last = 0xfc; last <= 0xfe; last++) {
        signature[255] = (uint8_t)last;
        assert_int_equal(verify_once_by(&sjwt_crypto_mbedtls_backend, SJWT_CRYPTO_ALG_RS256, &key,
                                        message, (sjwt_crypto_span){signature, 256}),
                         last < 0xfd ? SJWT_CRYPTO_INTERNAL : SJWT_CRYPTO_BAD_SIGNATURE);
    }
}

static void test_destroy(void **state)
{
    (void)state;
    library.destroy = PSA_ERROR_CORRUPTION_DETECTED;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        assert_int_equal(ask(i), SJWT_CRYPTO_INTERNAL);
        assert_int_equal(check(i), SJWT_CRYPTO_INTERNAL);
    }
}

/* X.690 sections 8.1.3 and 8.3: lengths of one, two and three octets, and a
 * zero octet before a number whose top bit is set. */
static void test_numbers(void **state)
{
    uint8_t number[600], der[700];
    static const struct {
        size_t len;
        uint8_t top;
        uint8_t wanted[10];
        size_t header;
    } cases[] = {
        {1, 0x7f, {0x30, 3, 2, 1}, 4},
        {1, 0x80, {0x30, 4, 2, 2, 0}, 5},
        {125, 0x7f, {0x30, 127, 2, 125}, 4},
        {126, 0x7f, {0x30, 0x81, 128, 2, 126}, 5},
        {127, 0x7f, {0x30, 0x81, 129, 2, 127}, 5},
        {127, 0x80, {0x30, 0x81, 131, 2, 0x81, 128, 0}, 7},
        {252, 0x7f, {0x30, 0x81, 255, 2, 0x81, 252}, 6},
        {253, 0x7f, {0x30, 0x82, 1, 0, 2, 0x81, 253}, 7},
        {256, 0x80, {0x30, 0x82, 1, 5, 2, 0x82, 1, 1, 0}, 9},
        {512, 0x01, {0x30, 0x82, 2, 4, 2, 0x82, 2, 0}, 8},
    };

    (void)state;
    memset(number, 0x55, sizeof number);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const sjwt_crypto_span span = {number, cases[i].len};
        const size_t total = cases[i].header + cases[i].len;
        number[0] = cases[i].top;
        assert_int_equal(sjwt_crypto_mbedtls_write_numbers(&span, 1, der, total), total);
        assert_memory_equal(der, cases[i].wanted, cases[i].header);
        assert_memory_equal(der + cases[i].header, number, cases[i].len);
        assert_int_equal(sjwt_crypto_mbedtls_write_numbers(&span, 1, der, total - 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_init, set_up),
        cmocka_unit_test_setup(test_import, set_up),
        cmocka_unit_test_setup(test_import_when_verifying, set_up),
        cmocka_unit_test_setup(test_no_memory, set_up),
        cmocka_unit_test_setup(test_errno_of_before, set_up),
        cmocka_unit_test_setup(test_verify, set_up),
        cmocka_unit_test_setup(test_destroy, set_up),
        cmocka_unit_test_setup(test_numbers, set_up),
        cmocka_unit_test_setup(test_a_signature_not_below_the_modulus, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
