#include "jwt/jwk.h"
#include "jwt/error.h"
#include "jwt/memory.h"
#include "jwt/sort.h"

#include <stdio.h>
#include <string.h>

/* How many skipped keys are remembered. */
#define MAX_SKIPPED_KEPT 100

typedef struct skipped_key {
    size_t index;
    char *kid;
    sjwt_status why;
} skipped_key;

struct sjwt_keyset {
    sjwt_allocator allocator;
    sjwt_algorithm_set algorithms;
    sjwt_key **keys; /* in order */
    size_t count;
    const void **by_kid; /* of sjwt_key: those that have a kid, by it */
    size_t by_kid_count;
    skipped_key *skipped;
    size_t skipped_kept;
    size_t skipped_count;
};

void sjwt_keyset_free(sjwt_keyset *keys)
{
    if (keys == NULL)
        return;
    sjwt_allocator allocator = keys->allocator;
    for (size_t i = 0; i < keys->count; i++)
        sjwt_key_free(&allocator, keys->keys[i]);
    for (size_t i = 0; i < keys->skipped_kept; i++)
        sjwt_release(&allocator, keys->skipped[i].kid);
    sjwt_release(&allocator, keys->keys);
    sjwt_release(&allocator, keys->by_kid);
    sjwt_release(&allocator, keys->skipped);
    sjwt_release(&allocator, keys);
}

static sjwt_status make_set(const sjwt_allocator *allocator, size_t room, sjwt_keyset **out)
{
    sjwt_keyset *set = sjwt_allocate(allocator, sizeof(*set));

    *out = NULL;
    if (set == NULL)
        return SJWT_NO_MEMORY;
    memset(set, 0, sizeof(*set));
    set->allocator = *allocator;
    if (room > 0) {
        set->keys = sjwt_allocate(allocator, room * sizeof(sjwt_key *));
        set->by_kid = sjwt_allocate(allocator, room * sizeof(const void *));
        if (set->keys == NULL || set->by_kid == NULL) {
            sjwt_release(allocator, set->keys);
            sjwt_release(allocator, set->by_kid);
            sjwt_release(allocator, set);
            return SJWT_NO_MEMORY;
        }
    }
    *out = set;
    return SJWT_OK;
}

static void add_key(sjwt_keyset *set, sjwt_key *key)
{
    set->algorithms |= key->algorithms;
    set->keys[set->count++] = key;
    if (key->kid != NULL)
        set->by_kid[set->by_kid_count++] = key;
}

static sjwt_status add_skipped(sjwt_keyset *set, const sjwt_json_value *jwk, size_t index,
                               sjwt_status why)
{
    set->skipped_count++;
    if (set->skipped_kept == MAX_SKIPPED_KEPT)
        return SJWT_OK;
    if (set->skipped == NULL) {
        set->skipped = sjwt_allocate(&set->allocator, MAX_SKIPPED_KEPT * sizeof(skipped_key));
        if (set->skipped == NULL)
            return SJWT_NO_MEMORY;
    }
    skipped_key *entry = &set->skipped[set->skipped_kept];
    *entry = (skipped_key){index, NULL, why};
    const char *kid = sjwt_json_string(sjwt_json_member(jwk, "kid"));
    if (kid != NULL) {
        size_t size = strlen(kid) + 1;
        entry->kid = sjwt_allocate(&set->allocator, size);
        if (entry->kid == NULL)
            return SJWT_NO_MEMORY;
        memcpy(entry->kid, kid, size);
    }
    set->skipped_kept++;
    return SJWT_OK;
}

/* By kid alone: no two keys of one kid serve one algorithm, see below, so that
 * their order decides nothing. */
static int compare_keys(const void *left, const void *right)
{
    const sjwt_key *a = left, *b = right;

    return strcmp(a->kid, b->kid);
}

static const sjwt_key *sorted(const sjwt_keyset *set, size_t n)
{
    return set->by_kid[n];
}

/* Keys of one kid must differ in what they serve. (An algorithm belongs to one
 * type, so that algorithms in common imply the type.) */
static sjwt_status refuse_ambiguous(sjwt_keyset *set, sjwt_error *error)
{
    sjwt_algorithm_set served = 0;

    sjwt_sort(set->by_kid, set->by_kid_count, compare_keys);
    for (size_t i = 0; i < set->by_kid_count; i++) {
        const sjwt_key *key = sorted(set, i);
        if (i == 0 || strcmp(sorted(set, i - 1)->kid, key->kid) != 0)
            served = 0;
        if ((served & key->algorithms) != 0)
            return sjwt_fail(error, SJWT_JWK_AMBIGUOUS, 0, NULL);
        served |= key->algorithms;
    }
    return SJWT_OK;
}

/* A key that another build can use tells more than one that none can. */
static sjwt_status fail_none_usable(const sjwt_keyset *set, sjwt_error *error)
{
    char detail[sizeof(error->detail)] = "the set is empty";
    size_t told = 0;

    while (told < set->skipped_kept && set->skipped[told].why != SJWT_JWK_UNSUPPORTED)
        told++;
    if (told == set->skipped_kept)
        told = 0;
    if (set->skipped_count > 0)
        snprintf(detail, sizeof(detail), "%zu skipped, %s: %s", set->skipped_count,
                 told == 0 ? "the first" : "among them", sjwt_status_text(set->skipped[told].why));
    return sjwt_fail(error, SJWT_JWK_NONE_USABLE, 0, detail);
}

static bool ends_the_parse(sjwt_status status)
{
    return status == SJWT_NO_MEMORY || status == SJWT_INTERNAL;
}

static sjwt_status fill_set(sjwt_keyset *set, const sjwt_json_value *members, sjwt_error *error)
{
    size_t index = 0;

    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL;
         jwk = sjwt_json_next(jwk), index++) {
        sjwt_key *key;
        sjwt_status status = sjwt_key_read(&set->allocator, jwk, &key, NULL);
        if (status == SJWT_OK)
            add_key(set, key);
        else if (!ends_the_parse(status))
            status = add_skipped(set, jwk, index, status);
        if (ends_the_parse(status))
            return sjwt_fail(error, status, 0, NULL);
    }
    return set->count == 0 ? fail_none_usable(set, error) : refuse_ambiguous(set, error);
}

static sjwt_status read_set(const sjwt_allocator *allocator, const sjwt_json_value *members,
                            sjwt_keyset **out, sjwt_error *error)
{
    size_t room = 0;

    if (!sjwt_json_is_array(members))
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY_SET, 0, NULL);
    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL;
         jwk = sjwt_json_next(jwk))
        room++;
    sjwt_status status = make_set(allocator, room, out);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, NULL);
    status = fill_set(*out, members, error);
    if (status != SJWT_OK) {
        sjwt_keyset_free(*out);
        *out = NULL;
    }
    return status;
}

static sjwt_status read_single(const sjwt_allocator *allocator, const sjwt_json_value *jwk,
                               sjwt_keyset **out, sjwt_error *error)
{
    sjwt_key *key;

    sjwt_status status = sjwt_key_read(allocator, jwk, &key, error);
    if (status != SJWT_OK)
        return status;
    status = make_set(allocator, 1, out);
    if (status != SJWT_OK) {
        sjwt_key_free(allocator, key);
        return sjwt_fail(error, status, 0, NULL);
    }
    add_key(*out, key);
    return SJWT_OK;
}

sjwt_status sjwt_keyset_read(const sjwt_allocator *allocator, const sjwt_json_value *root,
                             sjwt_keyset **out, sjwt_error *error)
{
    const sjwt_json_value *members = sjwt_json_member(root, "keys");

    *out = NULL;
    if (members != NULL)
        return read_set(allocator, members, out, error);
    if (sjwt_json_member(root, "kty") == NULL)
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY_SET, 0, NULL);
    return read_single(allocator, root, out, error);
}

static sjwt_status read_public_jwk(const sjwt_allocator *allocator, const sjwt_json_value *root,
                                   sjwt_keyset **out, sjwt_error *error)
{
    const char *type = sjwt_json_string(sjwt_json_member(root, "kty"));

    if (sjwt_json_member(root, "keys") != NULL)
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY, 0, NULL);
    if (type != NULL && strcmp(type, "oct") == 0)
        return sjwt_fail(error, SJWT_JWK_SYMMETRIC, 0, NULL);
    return read_single(allocator, root, out, error);
}

typedef sjwt_status reader(const sjwt_allocator *allocator, const sjwt_json_value *root,
                           sjwt_keyset **out, sjwt_error *error);

static sjwt_status parse(const sjwt_allocator *allocator, const char *text, size_t len,
                         reader *read, sjwt_keyset **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_json json;
    size_t position;

    *out = NULL;
    if (len > SJWT_MAX_KEYSET_SIZE)
        return sjwt_fail(error, SJWT_JWK_TOO_LARGE, 0, NULL);
    sjwt_status status =
        sjwt_json_parse_secret(&resolved, text, len, SJWT_JWK_MALFORMED, &json, &position);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, position, NULL);
    status = read(&resolved, json.root, out, error);
    sjwt_json_free(&json);
    return status;
}

sjwt_status sjwt_keyset_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                              sjwt_keyset **out, sjwt_error *error)
{
    return parse(allocator, json, len, sjwt_keyset_read, out, error);
}

sjwt_status sjwt_keyset_parse_public_jwk(const sjwt_allocator *allocator, const char *json,
                                         size_t len, sjwt_keyset **out, sjwt_error *error)
{
    return parse(allocator, json, len, read_public_jwk, out, error);
}

size_t sjwt_keyset_count(const sjwt_keyset *keys)
{
    return keys->count;
}

sjwt_algorithm_set sjwt_keyset_algorithms(const sjwt_keyset *keys)
{
    return keys->algorithms;
}

size_t sjwt_keyset_skipped_count(const sjwt_keyset *keys)
{
    return keys->skipped_count;
}

bool sjwt_keyset_skipped(const sjwt_keyset *keys, size_t n, size_t *index, const char **kid,
                         sjwt_status *why)
{
    if (n >= keys->skipped_kept)
        return false;
    *index = keys->skipped[n].index;
    *kid = keys->skipped[n].kid;
    *why = keys->skipped[n].why;
    return true;
}

static sjwt_octets view(sjwt_crypto_span span)
{
    return (sjwt_octets){.data = span.data, .len = span.len};
}

bool sjwt_keyset_key(const sjwt_keyset *keys, size_t n, sjwt_key_view *out)
{
    if (n >= keys->count)
        return false;
    const sjwt_key *key = keys->keys[n];
    *out = (sjwt_key_view){.kid = key->kid, .algorithms = key->algorithms};
    switch (key->key.type) {
    case SJWT_CRYPTO_KEY_OKP:
    case SJWT_CRYPTO_KEY_EC:
        out->octets[0] = view(key->key.x);
        out->octets[1] = view(key->key.y);
        break;
    case SJWT_CRYPTO_KEY_RSA:
        out->octets[0] = view(key->key.n);
        out->octets[1] = view(key->key.e);
        break;
    case SJWT_CRYPTO_KEY_OCT:
        out->octets[0] = view(key->key.k);
        break;
    }
    return true;
}

const sjwt_key *sjwt_keyset_get(const sjwt_keyset *keys, size_t n)
{
    return keys->keys[n];
}

/* The first place in by_kid whose kid is not less than this one. */
static size_t lower_bound(const sjwt_keyset *keys, const char *kid)
{
    size_t low = 0, high = keys->by_kid_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(sorted(keys, middle)->kid, kid) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t sjwt_keyset_select(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg,
                          const sjwt_key **out, bool *kid_known)
{
    size_t found = 0;

    *kid_known = false;
    if (kid == NULL) {
        for (size_t i = 0; i < keys->count && found < SJWT_MAX_CANDIDATE_KEYS; i++) {
            if ((keys->keys[i]->algorithms & SJWT_CRYPTO_BIT(alg)) != 0)
                out[found++] = keys->keys[i];
        }
        return found;
    }
    /* No two keys of one kid serve one algorithm, so this ends soon. */
    for (size_t i = lower_bound(keys, kid);
         i < keys->by_kid_count && strcmp(sorted(keys, i)->kid, kid) == 0; i++) {
        *kid_known = true;
        if ((sorted(keys, i)->algorithms & SJWT_CRYPTO_BIT(alg)) != 0) {
            out[found++] = sorted(keys, i);
            break;
        }
    }
    return found;
}
