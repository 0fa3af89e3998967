/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures made here are good ones, and what cannot be signed with
 * is refused; what the libraries hold is given back, over many calls in one
 * process and in a forked one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "once.h"

#include "crypto/sign.h"

static uint8_t text[] = "a message to sign";
static const sjwt_crypto_span message = {text, sizeof text - 1};

/* One key an algorithm that can be signed with. */
static sjwt_crypto_key_buffer buffers[SJWT_CRYPTO_ALG_COUNT];
static sjwt_crypto_private_key keys[SJWT_CRYPTO_ALG_COUNT];

static bool is_signable(size_t alg)
{
    return (sjwt_crypto_signable_algorithms() & SJWT_CRYPTO_BIT(alg)) != 0 &&
           sjwt_crypto_probe((sjwt_crypto_alg)alg) != SJWT_CRYPTO_UNSUPPORTED;
}

/* Where a build signs nothing, there is nothing to look at. */
static void need_a_signer(void)
{
    if (sjwt_crypto_signable_algorithms() == 0)
        skip();
}

static bool is_inside(sjwt_crypto_span span, const sjwt_crypto_key_buffer *buffer)
{
    return span.len == 0 || (span.data >= buffer->octets &&
                             span.data + span.len <= buffer->octets + sizeof buffer->octets);
}

static int make_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        sjwt_crypto_status status =
            sjwt_crypto_generate_key((sjwt_crypto_alg)i, 0, &buffers[i], &keys[i]);
        if (status != (is_signable(i) ? SJWT_CRYPTO_OK : SJWT_CRYPTO_UNSUPPORTED))
            return -1;
    }
    return 0;
}

static sjwt_crypto_status sign(size_t alg, const sjwt_crypto_private_key *key, uint8_t *octets,
                               sjwt_crypto_span *signature)
{
    signature->data = octets;
    return sjwt_crypto_make_signature((sjwt_crypto_alg)alg, key, message, octets,
                                      SJWT_CRYPTO_MAX_SIGNATURE_SIZE, &signature->len);
}

static void test_signers_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++)
        assert_int_equal(sjwt_crypto_signer_name((sjwt_crypto_alg)i) != NULL,
                         (sjwt_crypto_signable_algorithms() & SJWT_CRYPTO_BIT(i)) != 0);
}

static void test_generated_keys_sign(void **state)
{
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signature;

    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)i);
        const sjwt_crypto_key_octets *key = &keys[i].public_key;
        if (!is_signable(i)) {
            sjwt_crypto_private_key none = keys[i];
            assert_int_not_equal(sign(i, &none, octets, &signature), SJWT_CRYPTO_OK);
            continue;
        }
        assert_int_equal(key->type, row->key_type);
        assert_int_equal(key->curve, row->curve);
        assert_int_equal(check_key((sjwt_crypto_alg)i, key), SJWT_CRYPTO_OK);
        assert_true(is_inside(key->x, &buffers[i]) && is_inside(key->y, &buffers[i]) &&
                    is_inside(key->n, &buffers[i]) && is_inside(key->e, &buffers[i]) &&
                    is_inside(key->k, &buffers[i]) && is_inside(keys[i].d, &buffers[i]) &&
                    is_inside(keys[i].qi, &buffers[i]));
        if (row->key_type == SJWT_CRYPTO_KEY_RSA)
            assert_int_equal(key->n.len, SJWT_CRYPTO_DEFAULT_RSA_BITS / 8);
        if (row->key_type == SJWT_CRYPTO_KEY_OCT)
            assert_int_equal(key->k.len, row->min_key_bits / 8);
        if (row->coordinate_len != 0)
            assert_int_equal(keys[i].d.len, row->coordinate_len);

        assert_int_equal(sign(i, &keys[i], octets, &signature), SJWT_CRYPTO_OK);
        assert_int_equal(verify_once((sjwt_crypto_alg)i, key, message, signature), SJWT_CRYPTO_OK);
        octets[signature.len - 1] ^= 1;
        assert_int_equal(verify_once((sjwt_crypto_alg)i, key, message, signature),
                         SJWT_CRYPTO_BAD_SIGNATURE);
    }
}

static void test_generated_keys_differ(void **state)
{
    sjwt_crypto_key_buffer buffer;
    sjwt_crypto_private_key key;

    (void)state;
    need_a_signer();
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (!is_signable(i) || keys[i].public_key.type == SJWT_CRYPTO_KEY_RSA)
            continue;
        assert_int_equal(sjwt_crypto_generate_key((sjwt_crypto_alg)i, 0, &buffer, &key),
                         SJWT_CRYPTO_OK);
        const sjwt_crypto_span a = key.d.len != 0 ? key.d : key.public_key.k;
        const sjwt_crypto_span b = keys[i].d.len != 0 ? keys[i].d : keys[i].public_key.k;
        assert_int_equal(a.len, b.len);
        assert_memory_not_equal(a.data, b.data, a.len);
    }
}

static void test_an_empty_message_is_signed(void **state)
{
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    const sjwt_crypto_span nothing = {NULL, 0};

    (void)state;
    need_a_signer();
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        size_t len;
        if (!is_signable(i))
            continue;
        assert_int_equal(sjwt_crypto_make_signature((sjwt_crypto_alg)i, &keys[i], nothing, octets,
                                                    sizeof octets, &len),
                         SJWT_CRYPTO_OK);
        assert_int_equal(verify_once((sjwt_crypto_alg)i, &keys[i].public_key, nothing,
                                     (sjwt_crypto_span){octets, len}),
                         SJWT_CRYPTO_OK);
    }
}

static void test_the_buffer_must_be_big_enough(void **state)
{
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];

    (void)state;
    need_a_signer();
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        sjwt_crypto_span signature;
        size_t len;
        if (!is_signable(i))
            continue;
        assert_int_equal(sign(i, &keys[i], octets, &signature), SJWT_CRYPTO_OK);
        assert_int_equal(sjwt_crypto_make_signature((sjwt_crypto_alg)i, &keys[i], message, octets,
                                                    signature.len, &len),
                         SJWT_CRYPTO_OK);
        assert_int_equal(sjwt_crypto_make_signature((sjwt_crypto_alg)i, &keys[i], message, octets,
                                                    signature.len - 1, &len),
                         SJWT_CRYPTO_INTERNAL);
        assert_int_equal(len, 0);
    }
}

static void test_sizes(void **state)
{
    static const struct {
        sjwt_crypto_alg alg;
        size_t bits;
        sjwt_crypto_status status;
    } cases[] = {
        {SJWT_CRYPTO_ALG_RS256, 3072, SJWT_CRYPTO_OK},
        {SJWT_CRYPTO_ALG_PS256, 2056, SJWT_CRYPTO_OK},
        {SJWT_CRYPTO_ALG_RS256, 2047, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_RS256, 2049, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_RS256, 1024, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_PS512, 4104, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_HS256, 256, SJWT_CRYPTO_OK},
        {SJWT_CRYPTO_ALG_HS256, 4096, SJWT_CRYPTO_OK},
        {SJWT_CRYPTO_ALG_HS256, 248, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_HS256, 4104, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_HS384, 256, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_HS512, 520, SJWT_CRYPTO_OK},
        {SJWT_CRYPTO_ALG_EDDSA, 256, SJWT_CRYPTO_BAD_KEY},
        {SJWT_CRYPTO_ALG_ES256, 256, SJWT_CRYPTO_BAD_KEY},
    };
    sjwt_crypto_key_buffer buffer;
    sjwt_crypto_private_key key;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sjwt_crypto_status wanted = cases[i].status;
        if (wanted == SJWT_CRYPTO_OK && !is_signable(cases[i].alg))
            wanted = SJWT_CRYPTO_UNSUPPORTED;
        assert_int_equal(sjwt_crypto_generate_key(cases[i].alg, cases[i].bits, &buffer, &key),
                         wanted);
        if (wanted == SJWT_CRYPTO_OK)
            assert_int_equal(8 * (key.public_key.n.len + key.public_key.k.len), cases[i].bits);
    }
}

/* RFC 6979 appendix A.2.5, P-256 with SHA-256, message "sample": of all
 * signatures that would verify it is this one, whatever random numbers there are. */
static void test_ecdsa_is_rfc_6979(void **state)
{
    static const uint8_t d[32] = {0xc9, 0xaf, 0xa9, 0xd8, 0x45, 0xba, 0x75, 0x16, 0x6b, 0x5c, 0x21,
                                  0x57, 0x67, 0xb1, 0xd6, 0x93, 0x4e, 0x50, 0xc3, 0xdb, 0x36, 0xe8,
                                  0x9b, 0x12, 0x7b, 0x8a, 0x62, 0x2b, 0x12, 0x0f, 0x67, 0x21};
    static const uint8_t wanted[64] = {
        0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40, 0xdd, 0x9c, 0xd4,
        0x5e, 0x81, 0xd6, 0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa, 0xf9, 0x91, 0xc3, 0x4d,
        0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16, 0xf7, 0xcb, 0x1c, 0x94, 0x2d, 0x65, 0x7c,
        0x41, 0xd4, 0x36, 0xc7, 0xa1, 0xb6, 0xe2, 0x9f, 0x65, 0xf3, 0xe9, 0x00, 0xdb,
        0xb9, 0xaf, 0xf4, 0x06, 0x4d, 0xc4, 0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8};
    static const uint8_t sample[] = {'s', 'a', 'm', 'p', 'l', 'e'};
    const sjwt_crypto_private_key key = {
        .public_key = {.type = SJWT_CRYPTO_KEY_EC, .curve = SJWT_CRYPTO_CURVE_P256},
        .d = {d, sizeof d}};
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    size_t len;

    (void)state;
    if (!sjwt_crypto_signs_by_rfc6979(SJWT_CRYPTO_ALG_ES256))
        skip();
    assert_int_equal(sjwt_crypto_make_signature(SJWT_CRYPTO_ALG_ES256, &key,
                                                (sjwt_crypto_span){sample, sizeof sample}, octets,
                                                sizeof octets, &len),
                     SJWT_CRYPTO_OK);
    assert_int_equal(len, sizeof wanted);
    assert_memory_equal(octets, wanted, sizeof wanted);
}

/* A signer says that it draws no random number, or it draws one each time. */
static void test_ecdsa_nonces_are_as_declared(void **state)
{
    uint8_t octets[2][SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signatures[2];

    (void)state;
    need_a_signer();
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (!is_signable(i) || keys[i].public_key.type != SJWT_CRYPTO_KEY_EC) {
            assert_false(sjwt_crypto_signs_by_rfc6979((sjwt_crypto_alg)i));
            continue;
        }
        for (size_t j = 0; j < 2; j++)
            assert_int_equal(sign(i, &keys[i], octets[j], &signatures[j]), SJWT_CRYPTO_OK);
        assert_int_equal(signatures[0].len, signatures[1].len);
        assert_int_equal(memcmp(octets[0], octets[1], signatures[0].len) == 0,
                         sjwt_crypto_signs_by_rfc6979((sjwt_crypto_alg)i));
    }
}

/* A signature by d under another key's public half would, for EdDSA, give d away. */
static void test_halves_that_do_not_match_are_refused(void **state)
{
    sjwt_crypto_key_buffer buffer, scratch;
    sjwt_crypto_private_key other;
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signature;
    sjwt_crypto_key_octets public_key;

    (void)state;
    need_a_signer();
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (!is_signable(i) || keys[i].public_key.type == SJWT_CRYPTO_KEY_OCT)
            continue;
        assert_int_equal(sjwt_crypto_generate_key((sjwt_crypto_alg)i, 0, &buffer, &other),
                         SJWT_CRYPTO_OK);
        other.public_key = keys[i].public_key;
        memset(octets, 0xaa, sizeof octets);
        assert_int_equal(sign(i, &other, octets, &signature), SJWT_CRYPTO_BAD_KEY);
        assert_int_equal(signature.len, 0);
        assert_int_equal(
            sjwt_crypto_public_from_private((sjwt_crypto_alg)i, &other, &scratch, &public_key),
            SJWT_CRYPTO_BAD_KEY);
    }
}

static void test_private_parts_must_fit(void **state)
{
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    static const uint8_t zeros[600];
    sjwt_crypto_span signature;

    (void)state;
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (keys[i].public_key.type == SJWT_CRYPTO_KEY_OCT)
            continue;
        sjwt_crypto_private_key key = keys[i];
        key.d.len = 0;
        assert_int_equal(sign(i, &key, octets, &signature), SJWT_CRYPTO_BAD_KEY);
        if (!is_signable(i))
            continue;
        if (keys[i].public_key.type != SJWT_CRYPTO_KEY_RSA) {
            key.d.len = keys[i].d.len - 1;
            assert_int_equal(sign(i, &key, octets, &signature), SJWT_CRYPTO_BAD_KEY);
        }
        key.d = (sjwt_crypto_span){zeros, keys[i].d.len};
        if (keys[i].public_key.type != SJWT_CRYPTO_KEY_OKP)
            assert_int_equal(sign(i, &key, octets, &signature), SJWT_CRYPTO_BAD_KEY);
        if (keys[i].public_key.type != SJWT_CRYPTO_KEY_RSA)
            continue;
        sjwt_crypto_span *const parts[] = {&key.p, &key.q, &key.dp, &key.dq, &key.qi};
        for (size_t j = 0; j < sizeof parts / sizeof parts[0]; j++) {
            key = keys[i];
            parts[j]->len = 0;
            assert_int_equal(sign(i, &key, octets, &signature), SJWT_CRYPTO_BAD_KEY);
            *parts[j] = (sjwt_crypto_span){keys[i].public_key.n.data, 513};
            assert_int_equal(sign(i, &key, octets, &signature), SJWT_CRYPTO_BAD_KEY);
        }
    }
}

/* A wrong prime makes a key bad, or goes unnoticed: d is enough to sign. */
static void test_a_changed_prime(void **state)
{
    enum { CHANGES = 8 };
    static const sjwt_crypto_alg algorithms[] = {SJWT_CRYPTO_ALG_RS256, SJWT_CRYPTO_ALG_PS256};
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    uint8_t changed[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signature;

    (void)state;
    for (size_t i = 0; i < 2 * 2 * CHANGES; i++) {
        const sjwt_crypto_alg alg = algorithms[i & 1];
        const size_t change = i / 4;
        if (!is_signable(alg))
            continue;
        sjwt_crypto_private_key key = keys[alg];
        sjwt_crypto_span *prime = (i & 2) == 0 ? &key.p : &key.q;

        memcpy(changed, prime->data, prime->len);
        changed[prime->len - 1 - change % 2 * 50] ^= (uint8_t)(1u << change);
        prime->data = changed;
        const sjwt_crypto_status status = sign(alg, &key, octets, &signature);
        if (status == SJWT_CRYPTO_OK)
            assert_int_equal(verify_once(alg, &key.public_key, message, signature), SJWT_CRYPTO_OK);
        else
            assert_int_equal(status, SJWT_CRYPTO_BAD_KEY);
    }
}

static void test_a_secret_has_no_public_half(void **state)
{
    sjwt_crypto_key_buffer buffer;
    sjwt_crypto_key_octets public_key;

    (void)state;
    assert_int_equal(sjwt_crypto_public_from_private(
                         SJWT_CRYPTO_ALG_HS256, &keys[SJWT_CRYPTO_ALG_HS256], &buffer, &public_key),
                     SJWT_CRYPTO_BAD_KEY);
}

static void test_weak_secrets_sign_nothing(void **state)
{
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    const sjwt_crypto_private_key key = {
        .public_key = {.type = SJWT_CRYPTO_KEY_OCT, .k = {text, 1}}};
    sjwt_crypto_span signature;

    (void)state;
    for (size_t i = SJWT_CRYPTO_ALG_HS256; i <= SJWT_CRYPTO_ALG_HS512; i++)
        assert_int_equal(sign(i, &key, octets, &signature), SJWT_CRYPTO_BAD_KEY);
}

static void test_wipe(void **state)
{
    static const uint8_t zeros[7];
    uint8_t octets[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

    (void)state;
    sjwt_crypto_wipe(octets + 1, 7);
    assert_memory_equal(octets + 1, zeros, 7);
    assert_int_equal(octets[0], 1);
    assert_int_equal(octets[8], 9);
    sjwt_crypto_wipe(octets, 0);
    assert_int_equal(octets[0], 1);
}

/* Good, forged, off the curve and cut short by turns: a handle kept on any of
 * these paths would soon be one too many (mbedTLS 2.28 has 32). */
static size_t verify_many(size_t rounds)
{
    uint8_t octets[SJWT_CRYPTO_ALG_COUNT][SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signatures[SJWT_CRYPTO_ALG_COUNT];
    uint8_t y[66];
    size_t wrong = 0, asked = 0;

    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        if (is_signable(i))
            wrong += sign(i, &keys[i], octets[i], &signatures[i]) != SJWT_CRYPTO_OK;
    }
    while (asked < rounds) {
        for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++, asked++) {
            const sjwt_crypto_key_octets *key = &keys[i].public_key;
            if (!is_signable(i))
                continue;
            wrong += verify_once((sjwt_crypto_alg)i, key, message, signatures[i]) != SJWT_CRYPTO_OK;
            octets[i][signatures[i].len / 2] ^= 4;
            wrong += verify_once((sjwt_crypto_alg)i, key, message, signatures[i]) !=
                     SJWT_CRYPTO_BAD_SIGNATURE;
            octets[i][signatures[i].len / 2] ^= 4;
            wrong += verify_once((sjwt_crypto_alg)i, key, message,
                                 (sjwt_crypto_span){octets[i], signatures[i].len - 1}) !=
                     SJWT_CRYPTO_BAD_SIGNATURE;
            wrong += check_key((sjwt_crypto_alg)i, key) != SJWT_CRYPTO_OK;
            if (key->type == SJWT_CRYPTO_KEY_EC) {
                sjwt_crypto_key_octets off = *key;
                memcpy(y, key->y.data, key->y.len);
                y[key->y.len - 1] ^= 1;
                off.y.data = y;
                wrong += check_key((sjwt_crypto_alg)i, &off) != SJWT_CRYPTO_BAD_KEY;
                wrong += verify_once((sjwt_crypto_alg)i, &off, message, signatures[i]) !=
                         SJWT_CRYPTO_BAD_KEY;
            }
        }
    }
    return wrong;
}

static void test_a_thousand_verifications(void **state)
{
    (void)state;
    need_a_signer();
    assert_int_equal(verify_many(1000), 0);
}

/* Also those that are refused when the library already has the key. */
static void test_many_signatures(void **state)
{
    static const uint8_t another[66] = {1};
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_key_buffer buffer;
    sjwt_crypto_key_octets public_key;
    sjwt_crypto_span signature;

    (void)state;
    need_a_signer();
    for (size_t i = 0; i < SJWT_CRYPTO_ALG_COUNT; i++) {
        sjwt_crypto_private_key mixed = keys[i];
        bool has_point = mixed.public_key.x.len != 0;
        if (!is_signable(i) || mixed.public_key.type == SJWT_CRYPTO_KEY_RSA)
            continue;
        mixed.public_key.x.data = another;
        for (int j = 0; j < 40; j++) {
            assert_int_equal(sign(i, &keys[i], octets, &signature), SJWT_CRYPTO_OK);
            if (!has_point)
                continue;
            assert_int_equal(sign(i, &mixed, octets, &signature), SJWT_CRYPTO_BAD_KEY);
            assert_int_equal(
                sjwt_crypto_public_from_private((sjwt_crypto_alg)i, &keys[i], &buffer, &public_key),
                SJWT_CRYPTO_OK);
        }
    }
}

static void test_verification_goes_on_after_fork(void **state)
{
    (void)state;
    need_a_signer();
    assert_int_equal(verify_many(1), 0);
    for (int i = 0; i < 3; i++) {
        int outcome;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(verify_many(50) == 0 ? 0 : 1);
        assert_int_equal(waitpid(child, &outcome, 0), child);
        assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    }
    assert_int_equal(verify_many(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signers_are_named),
        cmocka_unit_test(test_generated_keys_sign),
        cmocka_unit_test(test_generated_keys_differ),
        cmocka_unit_test(test_an_empty_message_is_signed),
        cmocka_unit_test(test_the_buffer_must_be_big_enough),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ecdsa_is_rfc_6979),
        cmocka_unit_test(test_ecdsa_nonces_are_as_declared),
        cmocka_unit_test(test_halves_that_do_not_match_are_refused),
        cmocka_unit_test(test_private_parts_must_fit),
        cmocka_unit_test(test_a_changed_prime),
        cmocka_unit_test(test_a_secret_has_no_public_half),
        cmocka_unit_test(test_weak_secrets_sign_nothing),
        cmocka_unit_test(test_wipe),
        cmocka_unit_test(test_a_thousand_verifications),
        cmocka_unit_test(test_many_signatures),
        cmocka_unit_test(test_verification_goes_on_after_fork),
    };

    return cmocka_run_group_tests(tests, make_keys, NULL);
}
