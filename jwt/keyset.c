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
    jwt_status why;
} skipped_key;

struct jwt_keyset {
    jwt_allocator allocator;
    jwt_algorithm_set algorithms;
    jwt_key **keys; /* in order */
    size_t count;
    const void **by_kid; /* of jwt_key: those that have a kid, by it */
    size_t by_kid_count;
    skipped_key *skipped;
    size_t skipped_kept;
    size_t skipped_count;
};

void jwt_keyset_free(jwt_keyset *keys)
{
    if (keys == NULL)
        return;
    jwt_allocator allocator = keys->allocator;
    for (size_t i = 0; i < keys->count; i++)
        jwt_key_free(&allocator, keys->keys[i]);
    for (size_t i = 0; i < keys->skipped_kept; i++)
        jwt_release(&allocator, keys->skipped[i].kid);
    jwt_release(&allocator, keys->keys);
    jwt_release(&allocator, keys->by_kid);
    jwt_release(&allocator, keys->skipped);
    jwt_release(&allocator, keys);
}

static jwt_status make_set(const jwt_allocator *allocator, size_t room, jwt_keyset **out)
{
    jwt_keyset *set = jwt_allocate(allocator, sizeof(*set));

    *out = NULL;
    if (set == NULL)
        return JWT_NO_MEMORY;
    memset(set, 0, sizeof(*set));
    set->allocator = *allocator;
    if (room > 0) {
        set->keys = jwt_allocate(allocator, room * sizeof(jwt_key *));
        set->by_kid = jwt_allocate(allocator, room * sizeof(const void *));
        if (set->keys == NULL || set->by_kid == NULL) {
            jwt_release(allocator, set->keys);
            jwt_release(allocator, set->by_kid);
            jwt_release(allocator, set);
            return JWT_NO_MEMORY;
        }
    }
    *out = set;
    return JWT_OK;
}

static void add_key(jwt_keyset *set, jwt_key *key)
{
    set->algorithms |= key->algorithms;
    set->keys[set->count++] = key;
    if (key->kid != NULL)
        set->by_kid[set->by_kid_count++] = key;
}

static jwt_status add_skipped(jwt_keyset *set, const jwt_json_value *jwk, size_t index,
                              jwt_status why)
{
    set->skipped_count++;
    if (set->skipped_kept == MAX_SKIPPED_KEPT)
        return JWT_OK;
    if (set->skipped == NULL) {
        set->skipped = jwt_allocate(&set->allocator, MAX_SKIPPED_KEPT * sizeof(skipped_key));
        if (set->skipped == NULL)
            return JWT_NO_MEMORY;
    }
    skipped_key *entry = &set->skipped[set->skipped_kept];
    *entry = (skipped_key){index, NULL, why};
    const char *kid = jwt_json_string(jwt_json_member(jwk, "kid"));
    if (kid != NULL) {
        size_t size = strlen(kid) + 1;
        entry->kid = jwt_allocate(&set->allocator, size);
        if (entry->kid == NULL)
            return JWT_NO_MEMORY;
        memcpy(entry->kid, kid, size);
    }
    set->skipped_kept++;
    return JWT_OK;
}

/* By kid alone: no two keys of one kid serve one algorithm, see below, so that
 * their order decides nothing. */
static int compare_keys(const void *left, const void *right)
{
    const jwt_key *a = left, *b = right;

    return strcmp(a->kid, b->kid);
}

static const jwt_key *sorted(const jwt_keyset *set, size_t n)
{
    return set->by_kid[n];
}

/* Keys of one kid must differ in what they serve. (An algorithm belongs to one
 * type, so that algorithms in common imply the type.) */
static jwt_status refuse_ambiguous(jwt_keyset *set, jwt_error *error)
{
    jwt_algorithm_set served = 0;

    jwt_sort(set->by_kid, set->by_kid_count, compare_keys);
    for (size_t i = 0; i < set->by_kid_count; i++) {
        const jwt_key *key = sorted(set, i);
        if (i == 0 || strcmp(sorted(set, i - 1)->kid, key->kid) != 0)
            served = 0;
        if ((served & key->algorithms) != 0)
            return jwt_fail(error, JWK_AMBIGUOUS, 0, NULL);
        served |= key->algorithms;
    }
    return JWT_OK;
}

/* A key that another build can use tells more than one that none can. */
static jwt_status fail_none_usable(const jwt_keyset *set, jwt_error *error)
{
    char detail[sizeof(error->detail)] = "the set is empty";
    size_t told = 0;

    while (told < set->skipped_kept && set->skipped[told].why != JWK_UNSUPPORTED)
        told++;
    if (told == set->skipped_kept)
        told = 0;
    if (set->skipped_count > 0)
        snprintf(detail, sizeof(detail), "%zu skipped, %s: %s", set->skipped_count,
                 told == 0 ? "the first" : "among them", jwt_status_text(set->skipped[told].why));
    return jwt_fail(error, JWK_NONE_USABLE, 0, detail);
}

static bool ends_the_parse(jwt_status status)
{
    return status == JWT_NO_MEMORY || status == JWT_INTERNAL;
}

static jwt_status fill_set(jwt_keyset *set, const jwt_json_value *members, jwt_error *error)
{
    size_t index = 0;

    for (const jwt_json_value *jwk = jwt_json_first(members); jwk != NULL;
         jwk = jwt_json_next(jwk), index++) {
        jwt_key *key;
        jwt_status status = jwt_key_read(&set->allocator, jwk, &key, NULL);
        if (status == JWT_OK)
            add_key(set, key);
        else if (!ends_the_parse(status))
            status = add_skipped(set, jwk, index, status);
        if (ends_the_parse(status))
            return jwt_fail(error, status, 0, NULL);
    }
    return set->count == 0 ? fail_none_usable(set, error) : refuse_ambiguous(set, error);
}

static jwt_status read_set(const jwt_allocator *allocator, const jwt_json_value *members,
                           jwt_keyset **out, jwt_error *error)
{
    size_t room = 0;

    if (!jwt_json_is_array(members))
        return jwt_fail(error, JWK_NOT_A_KEY_SET, 0, NULL);
    for (const jwt_json_value *jwk = jwt_json_first(members); jwk != NULL; jwk = jwt_json_next(jwk))
        room++;
    jwt_status status = make_set(allocator, room, out);
    if (status != JWT_OK)
        return jwt_fail(error, status, 0, NULL);
    status = fill_set(*out, members, error);
    if (status != JWT_OK) {
        jwt_keyset_free(*out);
        *out = NULL;
    }
    return status;
}

static jwt_status read_single(const jwt_allocator *allocator, const jwt_json_value *jwk,
                              jwt_keyset **out, jwt_error *error)
{
    jwt_key *key;

    jwt_status status = jwt_key_read(allocator, jwk, &key, error);
    if (status != JWT_OK)
        return status;
    status = make_set(allocator, 1, out);
    if (status != JWT_OK) {
        jwt_key_free(allocator, key);
        return jwt_fail(error, status, 0, NULL);
    }
    add_key(*out, key);
    return JWT_OK;
}

jwt_status jwt_keyset_read(const jwt_allocator *allocator, const jwt_json_value *root,
                           jwt_keyset **out, jwt_error *error)
{
    const jwt_json_value *members = jwt_json_member(root, "keys");

    *out = NULL;
    if (members != NULL)
        return read_set(allocator, members, out, error);
    if (jwt_json_member(root, "kty") == NULL)
        return jwt_fail(error, JWK_NOT_A_KEY_SET, 0, NULL);
    return read_single(allocator, root, out, error);
}

static jwt_status read_public_jwk(const jwt_allocator *allocator, const jwt_json_value *root,
                                  jwt_keyset **out, jwt_error *error)
{
    const char *type = jwt_json_string(jwt_json_member(root, "kty"));

    if (jwt_json_member(root, "keys") != NULL)
        return jwt_fail(error, JWK_NOT_A_KEY, 0, NULL);
    if (type != NULL && strcmp(type, "oct") == 0)
        return jwt_fail(error, JWK_SYMMETRIC, 0, NULL);
    return read_single(allocator, root, out, error);
}

typedef jwt_status reader(const jwt_allocator *allocator, const jwt_json_value *root,
                          jwt_keyset **out, jwt_error *error);

static jwt_status parse(const jwt_allocator *allocator, const char *text, size_t len, reader *read,
                        jwt_keyset **out, jwt_error *error)
{
    jwt_allocator resolved = jwt_allocator_resolve(allocator);
    jwt_json json;
    size_t position;

    *out = NULL;
    if (len > JWT_MAX_KEYSET_SIZE)
        return jwt_fail(error, JWK_TOO_LARGE, 0, NULL);
    jwt_status status =
        jwt_json_parse_secret(&resolved, text, len, JWK_MALFORMED, &json, &position);
    if (status != JWT_OK)
        return jwt_fail(error, status, position, NULL);
    status = read(&resolved, json.root, out, error);
    jwt_json_free(&json);
    return status;
}

jwt_status jwt_keyset_parse(const jwt_allocator *allocator, const char *json, size_t len,
                            jwt_keyset **out, jwt_error *error)
{
    return parse(allocator, json, len, jwt_keyset_read, out, error);
}

jwt_status jwt_keyset_parse_public_jwk(const jwt_allocator *allocator, const char *json, size_t len,
                                       jwt_keyset **out, jwt_error *error)
{
    return parse(allocator, json, len, read_public_jwk, out, error);
}

size_t jwt_keyset_count(const jwt_keyset *keys)
{
    return keys->count;
}

jwt_algorithm_set jwt_keyset_algorithms(const jwt_keyset *keys)
{
    return keys->algorithms;
}

size_t jwt_keyset_skipped_count(const jwt_keyset *keys)
{
    return keys->skipped_count;
}

bool jwt_keyset_skipped(const jwt_keyset *keys, size_t n, size_t *index, const char **kid,
                        jwt_status *why)
{
    if (n >= keys->skipped_kept)
        return false;
    *index = keys->skipped[n].index;
    *kid = keys->skipped[n].kid;
    *why = keys->skipped[n].why;
    return true;
}

const jwt_key *jwt_keyset_get(const jwt_keyset *keys, size_t n)
{
    return keys->keys[n];
}

/* The first place in by_kid whose kid is not less than this one. */
static size_t lower_bound(const jwt_keyset *keys, const char *kid)
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

size_t jwt_keyset_select(const jwt_keyset *keys, const char *kid, crypto_alg alg,
                         const jwt_key **out, bool *kid_known)
{
    size_t found = 0;

    *kid_known = false;
    if (kid == NULL) {
        for (size_t i = 0; i < keys->count && found < JWT_MAX_CANDIDATE_KEYS; i++) {
            if ((keys->keys[i]->algorithms & CRYPTO_BIT(alg)) != 0)
                out[found++] = keys->keys[i];
        }
        return found;
    }
    /* No two keys of one kid serve one algorithm, so this ends soon. */
    for (size_t i = lower_bound(keys, kid);
         i < keys->by_kid_count && strcmp(sorted(keys, i)->kid, kid) == 0; i++) {
        *kid_known = true;
        if ((sorted(keys, i)->algorithms & CRYPTO_BIT(alg)) != 0) {
            out[found++] = sorted(keys, i);
            break;
        }
    }
    return found;
}
