/* Any text as a JWK or a JWK Set, over the real backends. */
#include "fuzz.h"

#include "jwt/jwk.h"

static void look_at(const sjwt_keyset *keys)
{
    const sjwt_key *found[SJWT_MAX_CANDIDATE_KEYS];
    size_t index, skipped = 0;
    const char *kid;
    sjwt_status why;
    bool known;

    must(sjwt_keyset_count(keys) > 0);
    must(sjwt_keyset_algorithms(keys) != 0);
    for (size_t n = 0; n < sjwt_keyset_count(keys); n++) {
        const sjwt_key *key = sjwt_keyset_get(keys, n);
        for (unsigned alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
            if ((key->algorithms & SJWT_CRYPTO_BIT(alg)) == 0)
                continue;
            size_t count = sjwt_keyset_select(keys, key->kid, (sjwt_crypto_alg)alg, found, &known);
            must(count > 0 && known == (key->kid != NULL));
            must(key->kid == NULL || (count == 1 && found[0] == key));
        }
    }
    while (sjwt_keyset_skipped(keys, skipped, &index, &kid, &why)) {
        must(why != SJWT_OK);
        skipped++;
    }
    must(skipped <= sjwt_keyset_skipped_count(keys));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sjwt_keyset *keys;
    sjwt_error error;

    sjwt_status status = sjwt_keyset_parse(NULL, (const char *)data, size, &keys, &error);
    must((status == SJWT_OK) == (keys != NULL));
    if (keys != NULL)
        look_at(keys);
    else
        must(error.status == status && error.position <= size);
    sjwt_keyset_free(keys);

    status = sjwt_keyset_parse_public_jwk(NULL, (const char *)data, size, &keys, &error);
    must((status == SJWT_OK) == (keys != NULL));
    if (keys != NULL)
        must((sjwt_keyset_algorithms(keys) & ~sjwt_public_key_algorithms()) == 0);
    sjwt_keyset_free(keys);
    return 0;
}
