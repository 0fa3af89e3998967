/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads prepare one key at the same time: both get one handle, and the other handle is
 * released. The backend here lets neither go on before the other has asked too. */
#include "support.h"

#define SJWT_CRYPTO_BACKEND_LIST(X) X(slow)
#define SJWT_CRYPTO_BACKEND_NAMES "slow"
#include "crypto/registry.c"

#include "jwt/jwk.h"

static pthread_barrier_t both_asked;
static atomic_size_t preparations, handles;

static sjwt_crypto_status slow_init(void)
{
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status slow_prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                       void **handle)
{
    (void)alg;
    (void)octets;
    pthread_barrier_wait(&both_asked);
    *handle = malloc(1);
    if (*handle == NULL)
        return SJWT_CRYPTO_NO_MEMORY;
    atomic_fetch_add(&preparations, 1);
    atomic_fetch_add(&handles, 1);
    return SJWT_CRYPTO_OK;
}

static sjwt_crypto_status slow_verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                      sjwt_crypto_span signature)
{
    (void)key;
    (void)message;
    (void)signature;
    return SJWT_CRYPTO_OK;
}

static void slow_release(void *handle)
{
    atomic_fetch_sub(&handles, 1);
    free(handle);
}

const sjwt_crypto_backend sjwt_crypto_slow_backend = {
    .name = "slow",
    .verifies = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA),
    .init = slow_init,
    .prepare = slow_prepare,
    .verify = slow_verify,
    .release = slow_release,
};

typedef struct attempt {
    const sjwt_key *key;
    sjwt_crypto_key prepared;
    sjwt_status status;
} attempt;

static void *prepare(void *argument)
{
    attempt *a = argument;

    a->status = sjwt_key_prepare(a->key, SJWT_CRYPTO_ALG_EDDSA, &a->prepared);
    return NULL;
}

static void test_two_threads(void **state)
{
    static const char json[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                               "\"S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s\"}";

    (void)state;
    assert_int_equal(pthread_barrier_init(&both_asked, NULL, 2), 0);
    for (int round = 0; round < 100; round++) {
        sjwt_keyset *keys = keys_of(json);
        attempt attempts[2] = {{.key = sjwt_keyset_get(keys, 0)},
                               {.key = sjwt_keyset_get(keys, 0)}};
        pthread_t threads[2];

        atomic_store(&preparations, 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, prepare, &attempts[i]), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(atomic_load(&preparations), 2);
        assert_status(attempts[0].status, SJWT_OK, "the first");
        assert_status(attempts[1].status, SJWT_OK, "the second");
        assert_non_null(attempts[0].prepared.handle);
        assert_ptr_equal(attempts[0].prepared.handle, attempts[1].prepared.handle);
        assert_int_equal(atomic_load(&handles), 1);
        sjwt_keyset_free(keys);
        assert_int_equal(atomic_load(&handles), 0);
    }
    pthread_barrier_destroy(&both_asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
