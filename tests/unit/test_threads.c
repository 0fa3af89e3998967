/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several threads and one key set: each verifies good tokens and bad ones of every
 * algorithm that this build signs, reads the claims of a shared token, and parses
 * keys of its own. Run under ThreadSanitizer by the preset tsan.
 */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>

#include "jwt/sign.h"

#define THREADS 8
#define ROUNDS 6
#define MAX_TOKENS 16

#define CLAIMS                                                                                     \
    "{\"iss\":\"https://a\",\"sub\":\"alice\",\"n\":7,\"roles\":[\"x\",\"y\"],\"exp\":2000000000}"

typedef struct vector {
    const char *alg;
    char *good;
    char *bad;
} vector;

/* What the threads share. Only the counter changes. */
static vector vectors[MAX_TOKENS];
static size_t vector_count;
static char *keys_json;
static sjwt_keyset *keys;
static sjwt_token *shared;
static pthread_barrier_t barrier;
static atomic_int failures;

static sjwt_policy policy_of(const sjwt_issuer_policy *issuer)
{
    return (sjwt_policy){
        .issuers = issuer, .issuer_count = 1, .now = INT64_C(1700000000) * 1000000};
}

static sjwt_issuer_policy issuer_policy(void)
{
    return (sjwt_issuer_policy){
        .issuer = "https://a", .keys = keys, .algorithms = sjwt_all_algorithms()};
}

static void append(char **text, const char *more)
{
    size_t len = *text == NULL ? 0 : strlen(*text);

    *text = realloc(*text, len + strlen(more) + 1);
    assert_non_null(*text);
    strcpy(*text + len, more);
}

/* The same token with another character in its payload. */
static char *altered(const char *token)
{
    char *copy = NULL;

    append(&copy, token);
    char *payload = strchr(copy, '.') + 5;
    *payload = *payload == 'A' ? 'B' : 'A';
    return copy;
}

/* A new key whose JWK names no algorithm; NULL where this build does not sign with it. */
static sjwt_private_key *new_key(const char *alg, const char *kid)
{
    sjwt_private_key *made, *key;
    char *json;
    size_t len;

    sjwt_status status = sjwt_private_key_generate(NULL, alg, 0, kid, &made, NULL);
    if (status == SJWT_ALG_UNSUPPORTED)
        return NULL;
    assert_status(status, SJWT_OK, alg);
    assert_status(sjwt_private_key_print(made, &json, &len, NULL), SJWT_OK, alg);
    char *member = strstr(json, "\"alg\":");
    assert_non_null(member);
    member[1] = 'x';
    assert_status(sjwt_private_key_parse(NULL, json, len, &key, NULL), SJWT_OK, alg);
    sjwt_secret_text_free(made, json, len);
    sjwt_private_key_free(made);
    return key;
}

static void add_to_set(const sjwt_private_key *key)
{
    char *json;
    size_t len;

    sjwt_status status = sjwt_private_key_print_public(key, &json, &len, NULL);
    if (status == SJWT_JWK_SYMMETRIC)
        status = sjwt_private_key_print(key, &json, &len, NULL);
    assert_status(status, SJWT_OK, "print");
    append(&keys_json, keys_json == NULL ? "{\"keys\":[" : ",");
    append(&keys_json, json);
    sjwt_secret_text_free(key, json, len);
}

/* A key for each algorithm, but one for all of RSA: it takes long to generate. */
static void add_vector(const char *alg, sjwt_private_key **rsa)
{
    bool is_rsa = alg[0] == 'R' || alg[0] == 'P';
    sjwt_private_key *key = is_rsa ? *rsa : NULL;
    sjwt_jws_header header = {.alg = alg};
    size_t len;

    if (key == NULL) {
        key = new_key(alg, is_rsa ? "rsa" : alg);
        if (key == NULL)
            return;
        add_to_set(key);
    }
    assert_true(vector_count < MAX_TOKENS);
    vector *v = &vectors[vector_count++];
    v->alg = alg;
    assert_status(sjwt_sign(NULL, key, &header, CLAIMS, strlen(CLAIMS), &v->good, &len, NULL),
                  SJWT_OK, alg);
    v->bad = altered(v->good);
    if (is_rsa)
        *rsa = key;
    else
        sjwt_private_key_free(key);
}

#ifdef WITH_MBEDTLS
/*
 * mbedTLS is not instrumented: ThreadSanitizer sees nothing of what two threads do in
 * its key store. But this counter it sees, and reports where no lock is held around the
 * calls.
 */
#include <psa/crypto.h>

static unsigned calls_of_library;

psa_status_t __real_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t len, psa_key_id_t *key);
psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t len, psa_key_id_t *key);
psa_status_t __wrap_psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                                   size_t len, psa_key_id_t *key)
{
    calls_of_library++;
    return __real_psa_import_key(attributes, data, len, key);
}

psa_status_t __real_psa_destroy_key(psa_key_id_t key);
psa_status_t __wrap_psa_destroy_key(psa_key_id_t key);
psa_status_t __wrap_psa_destroy_key(psa_key_id_t key)
{
    calls_of_library++;
    return __real_psa_destroy_key(key);
}
#endif

static int set_up(void **state)
{
    sjwt_private_key *rsa = NULL;
    const char *name, *backend;

    (void)state;
    for (size_t n = 0; sjwt_algorithm_info(n, &name, &backend); n++)
        add_vector(name, &rsa);
    sjwt_private_key_free(rsa);
    assert_true(vector_count > 0);
    append(&keys_json, "]}");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        free(vectors[i].good);
        free(vectors[i].bad);
    }
    free(keys_json);
    return 0;
}

/* cmocka's assertions are for the main thread alone. */
static void expect(bool holds, const char *alg, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s: %s\n", alg, what);
        atomic_fetch_add(&failures, 1);
    }
}

static void read_claims(const sjwt_token *token, const char *alg)
{
    const char *subject = sjwt_token_claim_string(token, "sub");
    int64_t integer = 0;
    size_t count = 0;

    expect(subject != NULL && strcmp(subject, "alice") == 0, alg, "sub");
    expect(sjwt_token_claim_integer(token, "n", &integer) && integer == 7, alg, "n");
    expect(sjwt_token_claim_strings(token, "roles", &count) && count == 2, alg, "roles");
}

static void verify_one(const vector *v)
{
    const sjwt_issuer_policy issuer = issuer_policy();
    const sjwt_policy policy = policy_of(&issuer);
    sjwt_token *token;

    sjwt_status status = sjwt_verify(NULL, v->good, strlen(v->good), &policy, &token, NULL);
    expect(status == SJWT_OK, v->alg, sjwt_status_name(status));
    if (token != NULL)
        read_claims(token, v->alg);
    sjwt_token_free(token);
    status = sjwt_verify(NULL, v->bad, strlen(v->bad), &policy, &token, NULL);
    expect(status == SJWT_SIGNATURE_INVALID, v->alg, sjwt_status_name(status));
    expect(token == NULL, v->alg, "a token of a bad signature");
}

/* All begin at once, each at another algorithm: a key's first use is a race. */
static void *work(void *argument)
{
    size_t first = *(const size_t *)argument;

    pthread_barrier_wait(&barrier);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < vector_count; i++)
            verify_one(&vectors[(round == 0 ? i : first + i) % vector_count]);
        read_claims(shared, "the shared token");
        sjwt_keyset *own;
        sjwt_status status = sjwt_keyset_parse(NULL, keys_json, strlen(keys_json), &own, NULL);
        expect(status == SJWT_OK, "keys", sjwt_status_name(status));
        sjwt_keyset_free(own);
        expect(sjwt_keyset_count(keys) > 0 && sjwt_keyset_skipped_count(keys) == 0, "keys",
               "count");
    }
    return NULL;
}

/* Verified with a set of its own: no key of the shared set has been used yet. */
static sjwt_token *other_token(void)
{
    sjwt_keyset *own = keys_of(keys_json);
    sjwt_issuer_policy issuer = issuer_policy();
    const sjwt_policy policy = policy_of(&issuer);
    sjwt_token *token;

    issuer.keys = own;
    assert_status(
        sjwt_verify(NULL, vectors[0].good, strlen(vectors[0].good), &policy, &token, NULL), SJWT_OK,
        vectors[0].alg);
    sjwt_keyset_free(own);
    return token;
}

static void test_one_key_set(void **state)
{
    size_t starts[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    keys = keys_of(keys_json);
    shared = other_token();
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        starts[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &starts[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&barrier);
    sjwt_token_free(shared);
    sjwt_keyset_free(keys);
    assert_int_equal(atomic_load(&failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_key_set),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
