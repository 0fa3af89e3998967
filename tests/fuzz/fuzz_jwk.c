/* Any text as a JWK or a JWK Set, over the real backends. */
#include "fuzz.h"

#include "jwt/jwk.h"

static void look_at(const jwt_keyset *keys)
{
    const jwt_key *found[JWT_MAX_CANDIDATE_KEYS];
    size_t index, skipped = 0;
    const char *kid;
    jwt_status why;
    bool known;

    must(jwt_keyset_count(keys) > 0);
    must(jwt_keyset_algorithms(keys) != 0);
    for (size_t n = 0; n < jwt_keyset_count(keys); n++) {
        const jwt_key *key = jwt_keyset_get(keys, n);
        for (unsigned alg = 0; alg < CRYPTO_ALG_COUNT; alg++) {
            if ((key->algorithms & CRYPTO_BIT(alg)) == 0)
                continue;
            size_t count = jwt_keyset_select(keys, key->kid, (crypto_alg)alg, found, &known);
            must(count > 0 && known == (key->kid != NULL));
            must(key->kid == NULL || (count == 1 && found[0] == key));
        }
    }
    while (jwt_keyset_skipped(keys, skipped, &index, &kid, &why)) {
        must(why != JWT_OK);
        skipped++;
    }
    must(skipped <= jwt_keyset_skipped_count(keys));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jwt_keyset *keys;
    jwt_error error;

    jwt_status status = jwt_keyset_parse(NULL, (const char *)data, size, &keys, &error);
    must((status == JWT_OK) == (keys != NULL));
    if (keys != NULL)
        look_at(keys);
    else
        must(error.status == status && error.position <= size);
    jwt_keyset_free(keys);

    status = jwt_keyset_parse_public_jwk(NULL, (const char *)data, size, &keys, &error);
    must((status == JWT_OK) == (keys != NULL));
    if (keys != NULL)
        must((jwt_keyset_algorithms(keys) & ~jwt_public_key_algorithms()) == 0);
    jwt_keyset_free(keys);
    return 0;
}
