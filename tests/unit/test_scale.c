/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work grows no faster than n log n, shown by counting comparisons rather than
 * by a clock: the files under test are compiled here with a strcmp() that counts.
 */
#include "support.h"

#include "fake_backend.h"

static size_t comparisons;

static int counted_strcmp(const char *left, const char *right)
{
    comparisons++;
    return strcmp(left, right);
}

#define strcmp counted_strcmp
#include "jwt/json.c"
#include "jwt/jwk.c"
#include "jwt/keyset.c"
#undef strcmp

/* n keys with names that are all alike up to their end, backwards. */
static char *set_of(size_t n, const char *last_kid)
{
    char *json = allocate_or_fail(n * (sizeof(OKP_KEY) + 48) + 32);
    char *next = json + sprintf(json, "{\"keys\":[");

    for (size_t i = 0; i < n; i++) {
        next += sprintf(next, "%s{" OKP_KEY ",\"kid\":\"", i == 0 ? "" : ",");
        if (i == n - 1 && last_kid != NULL)
            next += sprintf(next, "%s", last_kid);
        else
            next += sprintf(next, "a-long-common-prefix-%06zu", n - i);
        next += sprintf(next, "\"}");
    }
    strcpy(next, "]}");
    return json;
}

static size_t log2_up(size_t n)
{
    size_t log = 0;

    while (((size_t)1 << log) < n)
        log++;
    return log;
}

/* Comparisons of parsing n keys; those that a key needs by itself (its members
 * with each other, its kty and crv with the tables) are the same for each. */
static size_t cost_of_parsing(size_t n)
{
    char *json = set_of(n, NULL);

    comparisons = 0;
    fake.preparations = 0;
    sjwt_keyset *keys = keys_of(json);
    size_t cost = comparisons;
    assert_int_equal(sjwt_keyset_count(keys), n);
    assert_int_equal(fake.preparations, 0);
    sjwt_keyset_free(keys);
    free(json);
    return cost;
}

static void test_parsing_a_set(void **state)
{
    size_t of_one = cost_of_parsing(1);

    (void)state;
    for (size_t n = 500; n <= SJWT_MAX_KEYS; n *= 2)
        assert_in_range(cost_of_parsing(n), n, n * (of_one + 2 * log2_up(n) + 2));
}

static void test_the_most_keys(void **state)
{
    sjwt_keyset *keys;
    sjwt_error error;

    (void)state;
    assert_int_equal(SJWT_MAX_KEYS, 2000);
    char *json = set_of(2000, NULL);
    keys = keys_of(json);
    assert_int_equal(sjwt_keyset_count(keys), 2000);
    sjwt_keyset_free(keys);
    free(json);

    json = set_of(2001, NULL);
    assert_status(sjwt_keyset_parse(NULL, json, strlen(json), &keys, &error), SJWT_JWK_TOO_MANY,
                  "2001 keys");
    assert_null(keys);
    assert_int_equal(error.status, SJWT_JWK_TOO_MANY);
    free(json);
}

/* Those that are skipped or repeated do not count. */
static void test_the_most_keys_among_others(void **state)
{
    char *json = allocate_or_fail(6001 * (sizeof(OKP_KEY) + 48));
    char *next = json + sprintf(json, "{\"keys\":[");

    (void)state;
    for (int i = 0; i < 2000; i++)
        next += sprintf(
            next, "{\"kty\":\"?\"},{" OKP_KEY ",\"kid\":\"%d\"},{" OKP_KEY ",\"kid\":\"%d\"},", i,
            i / 2);
    sprintf(next, "{}]}");
    sjwt_keyset *keys = keys_of(json);
    assert_int_equal(sjwt_keyset_count(keys), 2000);
    assert_int_equal(sjwt_keyset_skipped_count(keys), 4001);
    sjwt_keyset_free(keys);
    free(json);
}

static const sjwt_key *find(const sjwt_keyset *keys, const char *kid)
{
    sjwt_candidates candidates;

    sjwt_keyset_find(keys, kid, SJWT_CRYPTO_ALG_EDDSA, &candidates);
    const sjwt_key *key = sjwt_candidates_next(&candidates);
    assert_null(sjwt_candidates_next(&candidates));
    return key;
}

static void test_selecting(void **state)
{
    size_t n = 1000;
    char *json = set_of(n, NULL);
    sjwt_keyset *keys = keys_of(json);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        char kid[64];
        sprintf(kid, "a-long-common-prefix-%06zu", n - i);
        comparisons = 0;
        assert_ptr_equal(find(keys, kid), sjwt_keyset_get(keys, i));
        assert_in_range(comparisons, 1, log2_up(n) + 4);
    }
    comparisons = 0;
    assert_null(find(keys, "none of them"));
    assert_in_range(comparisons, 1, log2_up(n) + 2);
    sjwt_keyset_free(keys);
    free(json);
}

/* Only the key that a token needs is prepared. */
static void test_one_token_of_a_thousand_keys(void **state)
{
    char *json = set_of(1000, NULL);
    sjwt_keyset *keys = keys_of(json);
    char signature[64];
    sjwt_token *token;

    (void)state;
    fake.preparations = 0;
    memset(signature, 'K', sizeof(signature));
    char *text = compact("{\"alg\":\"EdDSA\",\"kid\":\"a-long-common-prefix-000500\"}", "{}",
                         signature, sizeof(signature));
    const sjwt_issuer_policy issuer = {.keys = keys, .algorithms = sjwt_all_algorithms()};
    const sjwt_policy policy = {.issuers = &issuer, .issuer_count = 1};
    for (int i = 0; i < 3; i++) {
        assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), SJWT_OK, text);
        sjwt_token_free(token);
    }
    assert_int_equal(fake.preparations, 1);
    assert_int_equal(fake.handles, 1);
    free(text);
    sjwt_keyset_free(keys);
    assert_int_equal(fake.handles, 0);
    free(json);
}

/* A second key of one kid among the thousand, or the same key again. */
static void test_one_kid_twice(void **state)
{
    (void)state;
    for (size_t twin = 2; twin <= 1000; twin += 333) {
        char kid[64];
        sjwt_candidates candidates;
        sprintf(kid, "a-long-common-prefix-%06zu", twin);
        char *json = set_of(1000, kid);
        sjwt_keyset *keys = keys_of(json);
        assert_int_equal(sjwt_keyset_count(keys), 999);
        sjwt_keyset_free(keys);

        /* the last key with other octets */
        char *x = strrchr(json, 'S');
        while (strncmp(x, K32, strlen(K32)) != 0)
            x--;
        memcpy(x, Y32, strlen(Y32));
        keys = keys_of(json);
        assert_int_equal(sjwt_keyset_count(keys), 1000);
        sjwt_keyset_find(keys, kid, SJWT_CRYPTO_ALG_EDDSA, &candidates);
        assert_ptr_equal(sjwt_candidates_next(&candidates), sjwt_keyset_get(keys, 1000 - twin));
        assert_ptr_equal(sjwt_candidates_next(&candidates), sjwt_keyset_get(keys, 999));
        assert_null(sjwt_candidates_next(&candidates));
        sjwt_keyset_free(keys);
        free(json);
    }
}

/* Without a hash table, 40,000 repetitions would be compared with 2,000 keys each. */
static void test_many_repeated(void **state)
{
    size_t n = 20000;
    char *json = allocate_or_fail(n * (sizeof(OKP_KEY) + 24) + 32);
    char *next = json + sprintf(json, "{\"keys\":[");

    (void)state;
    for (size_t i = 0; i < n; i++)
        next += sprintf(next, "%s{" OKP_KEY ",\"kid\":\"%zu\"}", i == 0 ? "" : ",", i % 1000);
    strcpy(next, "]}");
    comparisons = 0;
    sjwt_keyset *keys = keys_of(json);
    size_t few = comparisons / n;
    assert_int_equal(sjwt_keyset_count(keys), 1000);
    assert_int_equal(sjwt_keyset_skipped_count(keys), n - 1000);
    assert_in_range(few, 1, 60);
    sjwt_keyset_free(keys);
    free(json);
}

/* {"m000000":[0],…}, in order, backwards, or with one name twice. */
static char *object_of(size_t n, bool backwards, bool twice)
{
    char *json = allocate_or_fail(n * 16 + 2);
    char *next = json;

    for (size_t i = 0; i < n; i++)
        next += sprintf(next, "%c\"m%06zu\":[0]", i == 0 ? '{' : ',',
                        twice && i == n - 1 ? n / 2 : (backwards ? n - i : i));
    strcpy(next, "}");
    return json;
}

static void test_a_large_object(void **state)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(NULL);
    sjwt_json parsed;
    size_t n = 10000;

    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        for (int twice = 0; twice < 2; twice++) {
            char *json = object_of(n, backwards, twice);
            comparisons = 0;
            assert_status(
                sjwt_json_parse(&allocator, json, strlen(json), SJWT_PAYLOAD_JSON, &parsed, NULL),
                twice ? SJWT_PAYLOAD_JSON : SJWT_OK, "an object of ten thousand");
            assert_in_range(comparisons, n - 1, n * (2 * log2_up(n) + 2));
            sjwt_json_free(&parsed);
            free(json);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsing_a_set),
        cmocka_unit_test(test_the_most_keys),
        cmocka_unit_test(test_the_most_keys_among_others),
        cmocka_unit_test(test_selecting),
        cmocka_unit_test(test_one_token_of_a_thousand_keys),
        cmocka_unit_test(test_one_kid_twice),
        cmocka_unit_test(test_many_repeated),
        cmocka_unit_test(test_a_large_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
