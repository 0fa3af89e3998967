/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the backend of OpenSSL can do wrong: it changes what other users of
 * the library in the process see, or lets them change what it accepts.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "crypto/sign.h"

#include "../once.h"

extern const sjwt_crypto_backend sjwt_crypto_openssl_backend;
extern const sjwt_crypto_signer sjwt_crypto_openssl_signer;

static const sjwt_crypto_backend *const backend = &sjwt_crypto_openssl_backend;
static const sjwt_crypto_signer *const signer = &sjwt_crypto_openssl_signer;

static const sjwt_crypto_span message = {(const uint8_t *)"message", 7};

/* A key and its signature, made by the signing half. */
typedef struct signed_message {
    sjwt_crypto_alg alg;
    sjwt_crypto_key_buffer buffer;
    sjwt_crypto_private_key key;
    uint8_t octets[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    sjwt_crypto_span signature;
} signed_message;

static void sign_message(sjwt_crypto_alg alg, signed_message *out)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get(alg);
    const size_t bits = row->min_key_bits;

    out->alg = alg;
    out->key =
        (sjwt_crypto_private_key){.public_key = {.type = row->key_type, .curve = row->curve}};
    assert_int_equal(signer->init(), SJWT_CRYPTO_OK);
    assert_int_equal(signer->generate(alg, bits, &out->buffer, &out->key), SJWT_CRYPTO_OK);
    out->signature =
        (sjwt_crypto_span){out->octets, sjwt_crypto_signature_length(alg, &out->key.public_key)};
    assert_int_equal(signer->sign(alg, &out->key, message, out->octets, out->signature.len),
                     SJWT_CRYPTO_OK);
}

static sjwt_crypto_status verify(const signed_message *made)
{
    return verify_once_by(backend, made->alg, &made->key.public_key, message, made->signature);
}

static void test_the_error_queue_is_left_empty(void **state)
{
    (void)state;
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        signed_message made;

        /* A FIPS module does not offer all. */
        if (sjwt_crypto_probe((sjwt_crypto_alg)alg) == SJWT_CRYPTO_UNSUPPORTED)
            continue;
        sign_message((sjwt_crypto_alg)alg, &made);
        assert_int_equal(ERR_peek_error(), 0);
        assert_int_equal(verify(&made), SJWT_CRYPTO_OK);
        assert_int_equal(ERR_peek_error(), 0);
        made.octets[made.signature.len - 1] ^= 1;
        assert_int_equal(verify(&made), SJWT_CRYPTO_BAD_SIGNATURE);
        assert_int_equal(ERR_peek_error(), 0);
    }
}

/* An RSA signature that is no number below the modulus makes the library fail with errors. */
static void test_errors_of_a_refusal_are_taken(void **state)
{
    signed_message made;

    (void)state;
    sign_message(SJWT_CRYPTO_ALG_RS256, &made);
    memset(made.octets, 0xff, made.signature.len);
    assert_int_equal(verify(&made), SJWT_CRYPTO_BAD_SIGNATURE);
    assert_int_equal(ERR_peek_error(), 0);
}

/* "No memory" of somebody else, from before, is not taken for ours. */
static void test_older_errors_decide_nothing(void **state)
{
    signed_message made;

    (void)state;
    sign_message(SJWT_CRYPTO_ALG_ES256, &made);
    made.octets[5] ^= 1;
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    assert_int_equal(verify(&made), SJWT_CRYPTO_BAD_SIGNATURE);
}

/* The default context of the process is the server's: its TLS works with it. */
static void test_the_default_context_is_untouched(void **state)
{
    signed_message made;

    (void)state;
    sign_message(SJWT_CRYPTO_ALG_EDDSA, &made);
    assert_int_equal(verify(&made), SJWT_CRYPTO_OK);
    /* What the default context may fetch, or not, is not our matter. */
    assert_int_equal(EVP_set_default_properties(NULL, "provider=none"), 1);
    assert_int_equal(verify(&made), SJWT_CRYPTO_OK);
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    EVP_MD *digest = EVP_MD_fetch(NULL, "SHA2-256", NULL);
    assert_non_null(digest);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(digest)), "default");
    EVP_MD_free(digest);
}

/* 0 where the default context cannot do what the backend can. */
static int verify_plainly(void)
{
    signed_message made;
    EVP_MD *digest = EVP_MD_fetch(NULL, "SHA2-256", NULL);

    if (digest != NULL) {
        fputs("the configuration file was not read\n", stderr);
        return 1;
    }
    sign_message(SJWT_CRYPTO_ALG_RS256, &made);
    return verify(&made) == SJWT_CRYPTO_OK ? 0 : 2;
}

/* Under the emulator TEST_LAUNCHER, if any, which alone can run this program. */
static void start_anew(void)
{
    const char *launcher = getenv("TEST_LAUNCHER");
    char self[4096];
    const ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len < 0)
        return;
    self[len] = '\0';
    if (launcher != NULL)
        execlp(launcher, launcher, self, (char *)NULL);
    else
        execl(self, self, (char *)NULL);
}

/* The test starts this program anew: the library reads its configuration once. */
static void test_no_configuration_file_decides(void **state)
{
    char file[] = "/tmp/openssl_cnf_XXXXXX";
    const int fd = mkstemp(file);
    FILE *configuration = fdopen(fd, "w");
    int status = -1;

    (void)state;
    assert_true(fd >= 0 && configuration != NULL);
    /* Makes every fetch of the default context fail. */
    fputs("openssl_conf = init\n[init]\nalg_section = algorithms\nproviders = providers\n"
          "[algorithms]\ndefault_properties = provider=none\n"
          "[providers]\nbase = base\n[base]\nactivate = 1\n",
          configuration);
    fclose(configuration);
    const pid_t child = fork();
    if (child == 0) {
        setenv("OPENSSL_CONF", file, 1);
        setenv("PLAIN_VERIFICATION", "1", 1);
        start_anew();
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(file);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_error_queue_is_left_empty),
        cmocka_unit_test(test_errors_of_a_refusal_are_taken),
        cmocka_unit_test(test_older_errors_decide_nothing),
        cmocka_unit_test(test_the_default_context_is_untouched),
        cmocka_unit_test(test_no_configuration_file_decides),
    };

    if (getenv("PLAIN_VERIFICATION") != NULL)
        return verify_plainly();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
