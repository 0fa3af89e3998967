/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a JWK or a JWK Set, over the real backends. */
#include "fuzz.h"

#include "jwt/jwk.h"

static void look_at(const sjwt_keyset *keys)
{
    size_t index, skipped = 0;
    const char *kid;
    sjwt_error why;

    must(sjwt_keyset_size(keys) > 0 && sjwt_keyset_size(keys) <= SJWT_MAX_KEYS);
    must(sjwt_keyset_count(keys) == sjwt_keyset_size(keys));
    must(sjwt_keyset_algorithms(keys) != 0);
    for (size_t n = 0; n < sjwt_keyset_size(keys); n++) {
        const sjwt_key *key = sjwt_keyset_get(keys, n);
        for (unsigned alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
            if ((key->algorithms & SJWT_CRYPTO_BIT(alg)) == 0)
                continue;
            sjwt_candidates candidates;
            const sjwt_key *found;
            sjwt_keyset_find(keys, key->kid, (sjwt_crypto_alg)alg, &candidates);
            must(candidates.kid_known == (key->kid != NULL));
            while ((found = sjwt_candidates_next(&candidates)) != NULL && found != key)
                must(key->kid == NULL || strcmp(found->kid, key->kid) == 0);
            must(found == key);
        }
    }
    const bool is_usable = sjwt_keyset_prepare_all(keys, NULL) == SJWT_OK;
    must(is_usable == (sjwt_keyset_count(keys) > 0));
    must(is_usable == (sjwt_keyset_usable_algorithms(keys) != 0));
    while (sjwt_keyset_skipped(keys, skipped, &index, &kid, &why)) {
        must(why.status != SJWT_OK);
        skipped++;
    }
    must(skipped <= sjwt_keyset_skipped_count(keys));
    must(sjwt_keyset_prepare_any(keys, NULL) == SJWT_OK || !is_usable);
}

static void look_at_view(const sjwt_keyset *keys)
{
    sjwt_key_view view;

    for (size_t n = 0; sjwt_keyset_key(keys, n, &view); n++) {
        const sjwt_key *key = sjwt_keyset_get(keys, n);
        must(view.kid == key->kid && view.algorithms == key->algorithms);
        must(view.octets[0].len > 0);
    }
}

typedef struct text {
    const char *json;
    size_t len;
} text;

static int parse_and_prepare(const void *context)
{
    const text *given = context;
    sjwt_keyset *keys;

    sjwt_status status = sjwt_keyset_parse(NULL, given->json, given->len, &keys, NULL);
    if (status == SJWT_OK)
        status = sjwt_keyset_prepare_any(keys, NULL);
    sjwt_keyset_free(keys);
    return (int)status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sjwt_keyset *keys;
    sjwt_error error;

    sjwt_status status = sjwt_keyset_parse(NULL, (const char *)data, size, &keys, &error);
    must((status == SJWT_OK) == (keys != NULL));
    if (keys != NULL) {
        look_at(keys);
        look_at_view(keys);
    } else {
        must(error.status == status && error.position <= size);
    }
    sjwt_keyset_free(keys);

    status = sjwt_keyset_parse_public_jwk(NULL, (const char *)data, size, &keys, &error);
    must((status == SJWT_OK) == (keys != NULL));
    if (keys != NULL)
        must((sjwt_keyset_algorithms(keys) & ~sjwt_public_key_algorithms()) == 0);
    sjwt_keyset_free(keys);
    fail_each_allocation(parse_and_prepare, &(text){(const char *)data, size}, SJWT_NO_MEMORY,
                         hash_of(data, size));
    return 0;
}
