/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry over two backends that answer what a test tells them to: who is
 * asked, when, and that each answer arrives as it was given.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define SJWT_CRYPTO_BACKEND_LIST(X) X(first) X(second)
#define SJWT_CRYPTO_BACKEND_NAMES "first, second"
#include "crypto/registry.c"

#include "once.h"

static struct {
    sjwt_crypto_status init, prepare, verify;
    int inits, preparations, verifications, releases;
    void *handle;         /* what prepare makes */
    const void *used;     /* what verify was given */
    const void *released; /* what release was given */
    sjwt_crypto_span message;
} first, second;

#define BACKEND(which, algorithms)                                                                 \
    static sjwt_crypto_status which##_init(void)                                                   \
    {                                                                                              \
        which.inits++;                                                                             \
        return which.init;                                                                         \
    }                                                                                              \
    static sjwt_crypto_status which##_prepare(sjwt_crypto_alg alg,                                 \
                                              const sjwt_crypto_key_octets *key, void **handle)    \
    {                                                                                              \
        (void)alg, (void)key;                                                                      \
        which.preparations++;                                                                      \
        if (which.prepare == SJWT_CRYPTO_OK)                                                       \
            *handle = which.handle;                                                                \
        return which.prepare;                                                                      \
    }                                                                                              \
    static sjwt_crypto_status which##_verify(const sjwt_crypto_key *key, sjwt_crypto_span message, \
                                             sjwt_crypto_span signature)                           \
    {                                                                                              \
        (void)signature;                                                                           \
        which.verifications++;                                                                     \
        which.used = key->handle;                                                                  \
        which.message = message;                                                                   \
        return which.verify;                                                                       \
    }                                                                                              \
    static void which##_release(void *handle)                                                      \
    {                                                                                              \
        which.releases++;                                                                          \
        which.released = handle;                                                                   \
    }                                                                                              \
    const sjwt_crypto_backend sjwt_crypto_##which##_backend = {                                    \
        .name = #which,                                                                            \
        .verifies = (algorithms),                                                                  \
        .init = which##_init,                                                                      \
        .prepare = which##_prepare,                                                                \
        .verify = which##_verify,                                                                  \
        .release = which##_release,                                                                \
    };

BACKEND(first, SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256))
BACKEND(second, SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256))

static uint8_t octets[1024];
static const sjwt_crypto_span message = {octets, 5};
static const sjwt_crypto_span signature = {octets, 64};
static const sjwt_crypto_span mac = {octets, 32};

static const sjwt_crypto_key_octets okp = {
    .type = SJWT_CRYPTO_KEY_OKP, .curve = SJWT_CRYPTO_CURVE_ED25519, .x = {octets, 32}};
static const sjwt_crypto_key_octets secret = {.type = SJWT_CRYPTO_KEY_OCT, .k = {octets, 32}};

static int set_up(void **state)
{
    (void)state;
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    for (size_t i = 0; i < BACKEND_COUNT; i++)
        atomic_store(&initialized[i], false);
    memset(octets, 0xff, sizeof octets);
    return 0;
}

static void test_order_is_preference(void **state)
{
    (void)state;
    assert_string_equal(sjwt_crypto_backend_name(SJWT_CRYPTO_ALG_EDDSA), "first");
    assert_string_equal(sjwt_crypto_backend_name(SJWT_CRYPTO_ALG_HS256), "first");
    assert_string_equal(sjwt_crypto_backend_name(SJWT_CRYPTO_ALG_RS256), "second");
    assert_null(sjwt_crypto_backend_name(SJWT_CRYPTO_ALG_ES256));
    assert_string_equal(sjwt_crypto_backend_names(), "first, second");
    assert_int_equal(sjwt_crypto_verifiable_algorithms(),
                     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) |
                         SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) |
                         SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256));

    assert_int_equal(verify_once(SJWT_CRYPTO_ALG_HS256, &secret, message, mac), SJWT_CRYPTO_OK);
    assert_int_equal(first.verifications, 1);
    assert_int_equal(second.verifications, 0);
}

static void test_each_answer_arrives(void **state)
{
    static const sjwt_crypto_status answers[] = {SJWT_CRYPTO_OK,        SJWT_CRYPTO_BAD_SIGNATURE,
                                                 SJWT_CRYPTO_BAD_KEY,   SJWT_CRYPTO_UNSUPPORTED,
                                                 SJWT_CRYPTO_NO_MEMORY, SJWT_CRYPTO_INTERNAL};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        first.prepare = SJWT_CRYPTO_OK;
        first.verify = answers[i];
        assert_int_equal(verify_once(SJWT_CRYPTO_ALG_EDDSA, &okp, message, signature), answers[i]);
        first.prepare = answers[i];
        assert_int_equal(check_key(SJWT_CRYPTO_ALG_EDDSA, &okp), answers[i]);
    }
}

/* A handle goes from prepare to verify and release of its own backend, and no other does. */
static void test_handles(void **state)
{
    sjwt_crypto_key key;

    (void)state;
    assert_int_equal(sjwt_crypto_prepare(SJWT_CRYPTO_ALG_EDDSA, &okp, &key), SJWT_CRYPTO_OK);
    assert_int_equal(sjwt_crypto_verify(&key, message, signature), SJWT_CRYPTO_OK);
    assert_null(first.used);
    sjwt_crypto_release(&key);
    assert_int_equal(first.releases, 0);

    first.handle = octets;
    assert_int_equal(sjwt_crypto_prepare(SJWT_CRYPTO_ALG_EDDSA, &okp, &key), SJWT_CRYPTO_OK);
    assert_int_equal(sjwt_crypto_verify(&key, message, signature), SJWT_CRYPTO_OK);
    assert_int_equal(sjwt_crypto_verify(&key, message, signature), SJWT_CRYPTO_OK);
    assert_ptr_equal(first.used, octets);
    sjwt_crypto_release(&key);
    assert_int_equal(first.preparations, 2);
    assert_int_equal(first.releases, 1);
    assert_ptr_equal(first.released, octets);
    assert_int_equal(second.releases, 0);

    first.prepare = SJWT_CRYPTO_BAD_KEY;
    assert_int_equal(sjwt_crypto_prepare(SJWT_CRYPTO_ALG_EDDSA, &okp, &key), SJWT_CRYPTO_BAD_KEY);
    assert_null(key.handle);
}

/* What can be said of a key without a library is said without one. */
static void test_octets_are_checked_without_a_library(void **state)
{
    (void)state;
    assert_int_equal(sjwt_crypto_check_octets(SJWT_CRYPTO_ALG_EDDSA, &okp), SJWT_CRYPTO_OK);
    assert_int_equal(sjwt_crypto_check_octets(SJWT_CRYPTO_ALG_HS256, &okp), SJWT_CRYPTO_BAD_KEY);
    assert_int_equal(first.inits + first.preparations + second.inits + second.preparations, 0);
}

static void test_init_is_lazy_and_once(void **state)
{
    (void)state;
    assert_string_equal(sjwt_crypto_backend_name(SJWT_CRYPTO_ALG_EDDSA), "first");
    assert_int_equal(sjwt_crypto_check_octets(SJWT_CRYPTO_ALG_EDDSA, &okp), SJWT_CRYPTO_OK);
    assert_int_equal(first.inits, 0);
    check_key(SJWT_CRYPTO_ALG_EDDSA, &okp);
    verify_once(SJWT_CRYPTO_ALG_EDDSA, &okp, message, signature);
    verify_once(SJWT_CRYPTO_ALG_HS256, &secret, message, mac);
    assert_int_equal(first.inits, 1);
    assert_int_equal(second.inits, 0);
}

static void test_init_that_failed_is_tried_again(void **state)
{
    static const sjwt_crypto_status answers[] = {SJWT_CRYPTO_NO_MEMORY, SJWT_CRYPTO_INTERNAL};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        first.init = answers[i];
        assert_int_equal(verify_once(SJWT_CRYPTO_ALG_EDDSA, &okp, message, signature), answers[i]);
        assert_int_equal(check_key(SJWT_CRYPTO_ALG_EDDSA, &okp), answers[i]);
    }
    assert_int_equal(first.verifications + first.preparations, 0);
    first.init = SJWT_CRYPTO_OK;
    assert_int_equal(verify_once(SJWT_CRYPTO_ALG_EDDSA, &okp, message, signature), SJWT_CRYPTO_OK);
    assert_int_equal(first.inits, 5);
}

static void test_unsupported_asks_nobody(void **state)
{
    const sjwt_crypto_key_octets ec = {.type = SJWT_CRYPTO_KEY_EC,
                                       .curve = SJWT_CRYPTO_CURVE_P256,
                                       .x = {octets, 32},
                                       .y = {octets, 32}};

    (void)state;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_ES256, &ec), SJWT_CRYPTO_UNSUPPORTED);
    assert_int_equal(verify_once(SJWT_CRYPTO_ALG_ES256, &ec, message, signature),
                     SJWT_CRYPTO_UNSUPPORTED);
    assert_int_equal(verify_once(SJWT_CRYPTO_ALG_ES256, &ec, message, mac),
                     SJWT_CRYPTO_UNSUPPORTED);
    /* A key that no build could use is the key's fault. */
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_ES256, &okp), SJWT_CRYPTO_BAD_KEY);
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_ES256K, &ec), SJWT_CRYPTO_BAD_KEY);
    sjwt_crypto_key_octets short_y = ec;
    short_y.y.len--;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_ES256, &short_y), SJWT_CRYPTO_BAD_KEY);
    assert_int_equal(first.inits + second.inits, 0);
}

static void test_a_wrong_length_asks_nobody(void **state)
{
    const sjwt_crypto_key prepared = {.alg = SJWT_CRYPTO_ALG_EDDSA, .octets = &okp};
    sjwt_crypto_key_octets key = okp;

    (void)state;
    for (size_t len = 0; len < 130; len++) {
        if (len != 64)
            assert_int_equal(
                sjwt_crypto_verify(&prepared, message, (sjwt_crypto_span){octets, len}),
                SJWT_CRYPTO_BAD_SIGNATURE);
        key.x.len = len;
        if (len != 32)
            assert_int_equal(check_key(SJWT_CRYPTO_ALG_EDDSA, &key), SJWT_CRYPTO_BAD_KEY);
    }
    assert_int_equal(first.inits + first.preparations + first.verifications, 0);
}

static void test_an_rsa_signature_is_as_long_as_the_modulus(void **state)
{
    sjwt_crypto_key_octets key = {.type = SJWT_CRYPTO_KEY_RSA, .e = {octets, 1}};

    (void)state;
    for (size_t len = 0; len <= 600; len++) {
        key.n = (sjwt_crypto_span){octets, len};
        bool fits = len >= 256 && len <= 512;
        assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key),
                         fits ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY);
        if (!fits)
            continue;
        assert_int_equal(verify_once(SJWT_CRYPTO_ALG_RS256, &key, message, key.n), SJWT_CRYPTO_OK);
        for (size_t other = len - 1; other <= len + 1; other += 2)
            assert_int_equal(verify_once(SJWT_CRYPTO_ALG_RS256, &key, message,
                                         (sjwt_crypto_span){octets, other}),
                             SJWT_CRYPTO_BAD_SIGNATURE);
    }
}

static void test_an_rsa_modulus_is_odd(void **state)
{
    uint8_t modulus[256];
    const sjwt_crypto_key_octets key = {
        .type = SJWT_CRYPTO_KEY_RSA, .n = {modulus, 256}, .e = {octets, 1}};

    (void)state;
    memset(modulus, 0xff, sizeof modulus);
    modulus[255] = 0xfe;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_BAD_KEY);
}

/* Sizes are counted in bits: 256 octets are 2048 bits only with the top bit set. */
static void test_rsa_size_is_exact(void **state)
{
    uint8_t modulus[513];
    sjwt_crypto_key_octets key = {.type = SJWT_CRYPTO_KEY_RSA, .e = {octets, 3}};

    (void)state;
    memset(modulus, 0xff, sizeof modulus);
    key.n = (sjwt_crypto_span){modulus, 256};
    modulus[0] = 0x80;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_OK);
    modulus[0] = 0x7f;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_BAD_KEY);
    key.n.len = 257;
    modulus[0] = 0x01;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_OK);
    modulus[0] = 0x00;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_BAD_KEY);
    key.n.len = 512;
    modulus[0] = 0xff;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_OK);
    key.n.len = 513;
    modulus[0] = 0x01;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_BAD_KEY);
}

static void test_rsa_exponent(void **state)
{
    static const struct {
        uint8_t e[9];
        size_t len;
        sjwt_crypto_status status;
    } cases[] = {
        {{0}, 0, SJWT_CRYPTO_BAD_KEY},
        {{0}, 1, SJWT_CRYPTO_BAD_KEY},
        {{1}, 1, SJWT_CRYPTO_BAD_KEY},
        {{2}, 1, SJWT_CRYPTO_BAD_KEY},
        {{3}, 1, SJWT_CRYPTO_OK},
        {{4}, 1, SJWT_CRYPTO_BAD_KEY},
        {{0, 3}, 2, SJWT_CRYPTO_BAD_KEY},
        {{1, 0}, 2, SJWT_CRYPTO_BAD_KEY},
        {{1, 1}, 2, SJWT_CRYPTO_OK},
        {{1, 0, 1}, 3, SJWT_CRYPTO_OK},
        {{0, 1, 0, 1}, 4, SJWT_CRYPTO_BAD_KEY},
        {{0x80, 0, 0, 1}, 4, SJWT_CRYPTO_OK},
        /* 64 bits are the most; 2^64 + 1 has 65 */
        {{0x80, 0, 0, 0, 0, 0, 0, 1}, 8, SJWT_CRYPTO_OK},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, SJWT_CRYPTO_OK},
        {{1, 0, 0, 0, 0, 0, 0, 0, 1}, 9, SJWT_CRYPTO_BAD_KEY},
    };
    sjwt_crypto_key_octets key = {.type = SJWT_CRYPTO_KEY_RSA, .n = {octets, 256}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        key.e = (sjwt_crypto_span){cases[i].e, cases[i].len};
        assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), cases[i].status);
    }
    key.e = key.n;
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_BAD_KEY);
    key.e = (sjwt_crypto_span){octets + 1, 0};
    assert_int_equal(check_key(SJWT_CRYPTO_ALG_RS256, &key), SJWT_CRYPTO_BAD_KEY);
}

/* A library may declare its pointers nonnull. */
static void test_no_message_is_no_null_pointer(void **state)
{
    (void)state;
    verify_once(SJWT_CRYPTO_ALG_EDDSA, &okp, (sjwt_crypto_span){NULL, 0}, signature);
    assert_int_equal(first.verifications, 1);
    assert_non_null(first.message.data);
    assert_int_equal(first.message.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_order_is_preference, set_up),
        cmocka_unit_test_setup(test_each_answer_arrives, set_up),
        cmocka_unit_test_setup(test_handles, set_up),
        cmocka_unit_test_setup(test_octets_are_checked_without_a_library, set_up),
        cmocka_unit_test_setup(test_init_is_lazy_and_once, set_up),
        cmocka_unit_test_setup(test_init_that_failed_is_tried_again, set_up),
        cmocka_unit_test_setup(test_unsupported_asks_nobody, set_up),
        cmocka_unit_test_setup(test_a_wrong_length_asks_nobody, set_up),
        cmocka_unit_test_setup(test_an_rsa_signature_is_as_long_as_the_modulus, set_up),
        cmocka_unit_test_setup(test_an_rsa_modulus_is_odd, set_up),
        cmocka_unit_test_setup(test_rsa_size_is_exact, set_up),
        cmocka_unit_test_setup(test_rsa_exponent, set_up),
        cmocka_unit_test_setup(test_no_message_is_no_null_pointer, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
