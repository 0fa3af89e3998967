/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/jwk.h"
#include "jwt/document.h"
#include "jwt/error.h"
#include "jwt/memory.h"
#include "jwt/sort.h"

#include <stdio.h>
#include <string.h>

/* How many skipped keys are listed. */
#define MAX_SKIPPED 100

typedef struct skipped_key {
    size_t index;
    const char *kid;
    sjwt_status why;
} skipped_key;

struct sjwt_keyset {
    sjwt_allocator allocator;
    sjwt_algorithm_set algorithms;
    sjwt_key **keys; /* in order */
    size_t count;
    const void **by_kid; /* of sjwt_key: those that have a kid, by it */
    size_t by_kid_count;
    bool is_set;          /* a JWK Set, not a single JWK */
    skipped_key *skipped; /* when the set was parsed: the first MAX_SKIPPED, in order */
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
        sjwt_release(&allocator, (void *)keys->skipped[i].kid);
    sjwt_release(&allocator, keys->keys);
    sjwt_release(&allocator, keys->by_kid);
    sjwt_release(&allocator, keys->skipped);
    sjwt_release(&allocator, keys);
}

static sjwt_status make_set(const sjwt_allocator *allocator, size_t max_keys, sjwt_keyset **out)
{
    sjwt_keyset *set = sjwt_allocate(allocator, sizeof(*set));

    *out = NULL;
    if (set == NULL)
        return SJWT_NO_MEMORY;
    memset(set, 0, sizeof(*set));
    set->allocator = *allocator;
    if (max_keys > 0) {
        set->keys = sjwt_allocate(allocator, max_keys * sizeof(sjwt_key *));
        set->by_kid = sjwt_allocate(allocator, max_keys * sizeof(const void *));
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

static void add_key(sjwt_keyset *set, sjwt_key *key, size_t index)
{
    key->index = index;
    set->algorithms |= key->algorithms;
    set->keys[set->count++] = key;
    if (key->kid != NULL)
        set->by_kid[set->by_kid_count++] = key;
}

static sjwt_status add_skipped(sjwt_keyset *set, const sjwt_json_value *jwk, size_t index,
                               sjwt_status why)
{
    set->skipped_count++;
    if (set->skipped_kept == MAX_SKIPPED)
        return SJWT_OK;
    if (set->skipped == NULL) {
        set->skipped = sjwt_allocate(&set->allocator, MAX_SKIPPED * sizeof(skipped_key));
        if (set->skipped == NULL)
            return SJWT_NO_MEMORY;
    }
    skipped_key *entry = &set->skipped[set->skipped_kept];
    *entry = (skipped_key){index, NULL, why};
    const char *kid = sjwt_json_string(sjwt_json_member(jwk, "kid"));
    if (kid != NULL) {
        size_t size = strlen(kid) + 1;
        char *copy = sjwt_allocate(&set->allocator, size);
        if (copy == NULL)
            return SJWT_NO_MEMORY;
        entry->kid = memcpy(copy, kid, size);
    }
    set->skipped_kept++;
    return SJWT_OK;
}

/* By kid alone. The order of two keys of one kid does not matter: they serve different
 * algorithms, see refuse_ambiguous(). */
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

/* The detail names the reason of one key: the first that another build can use, or else the
 * first. */
static sjwt_status fail_none_usable(const sjwt_keyset *set, sjwt_error *error)
{
    char detail[sizeof(error->detail)] = "the set is empty";
    size_t index, chosen = 0;
    const char *kid;
    sjwt_status why;

    while (sjwt_keyset_skipped(set, chosen, &index, &kid, &why) && why != SJWT_JWK_UNSUPPORTED)
        chosen++;
    if (!sjwt_keyset_skipped(set, chosen, &index, &kid, &why))
        chosen = 0;
    if (sjwt_keyset_skipped(set, chosen, &index, &kid, &why))
        snprintf(detail, sizeof(detail), "%zu skipped, %s: %s", sjwt_keyset_skipped_count(set),
                 chosen == 0 ? "the first" : "among them", sjwt_status_text(why));
    return sjwt_fail(error, SJWT_JWK_NONE_USABLE, 0, detail);
}

/* Such a status says nothing of the key, and so nothing may be kept of it. */
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
        if (status == SJWT_OK && set->count == SJWT_MAX_KEYS) {
            sjwt_key_free(&set->allocator, key);
            return sjwt_fail(error, SJWT_JWK_TOO_MANY, 0, NULL);
        }
        if (status == SJWT_OK)
            add_key(set, key, index);
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
    size_t count = 0;

    if (!sjwt_json_is_array(members))
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY_SET, 0, NULL);
    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL;
         jwk = sjwt_json_next(jwk))
        count++;
    sjwt_status status = make_set(allocator, count < SJWT_MAX_KEYS ? count : SJWT_MAX_KEYS, out);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, NULL);
    (*out)->is_set = true;
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
    add_key(*out, key, 0);
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

    *out = NULL;
    sjwt_status status = sjwt_document_parse(&resolved, text, len, SJWT_JWK_TOO_LARGE,
                                             SJWT_JWK_MALFORMED, &json, error);
    if (status != SJWT_OK)
        return status;
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

/* ---- preparing --------------------------------------------------------- */

static sjwt_status prepare_keys(const sjwt_keyset *keys, bool all, sjwt_error *error)
{
    bool usable = false;

    for (size_t i = 0; i < keys->count && (all || !usable); i++) {
        const sjwt_key *key = keys->keys[i];
        sjwt_status status =
            all ? sjwt_key_prepare_all(key, error) : sjwt_key_prepare_any(key, error);
        if (ends_the_parse(status) || (status != SJWT_OK && !keys->is_set))
            return status;
        usable = usable || status == SJWT_OK;
    }
    return usable ? SJWT_OK : fail_none_usable(keys, error);
}

sjwt_status sjwt_keyset_prepare_all(const sjwt_keyset *keys, sjwt_error *error)
{
    return prepare_keys(keys, true, error);
}

sjwt_status sjwt_keyset_prepare_any(const sjwt_keyset *keys, sjwt_error *error)
{
    return prepare_keys(keys, false, error);
}

/* ---- what a set has ---------------------------------------------------- */

static bool is_refused(const sjwt_key *key)
{
    return sjwt_key_usable_algorithms(key) == 0;
}

static size_t count_refused(const sjwt_keyset *keys)
{
    size_t refused = 0;

    for (size_t i = 0; i < keys->count; i++)
        refused += is_refused(keys->keys[i]);
    return refused;
}

size_t sjwt_keyset_count(const sjwt_keyset *keys)
{
    return keys->count - count_refused(keys);
}

sjwt_algorithm_set sjwt_keyset_algorithms(const sjwt_keyset *keys)
{
    return keys->algorithms;
}

sjwt_algorithm_set sjwt_keyset_usable_algorithms(const sjwt_keyset *keys)
{
    sjwt_algorithm_set usable = 0;

    for (size_t i = 0; i < keys->count; i++)
        usable |= sjwt_key_usable_algorithms(keys->keys[i]);
    return usable;
}

size_t sjwt_keyset_skipped_count(const sjwt_keyset *keys)
{
    return keys->skipped_count + count_refused(keys);
}

/* Moves *i to the first key from there on that was refused when it was prepared. */
static const sjwt_key *find_refused(const sjwt_keyset *keys, size_t *i)
{
    while (*i < keys->count && !is_refused(keys->keys[*i]))
        (*i)++;
    return *i < keys->count ? keys->keys[*i] : NULL;
}

/* Those skipped by parsing and those refused by preparing, each in order, are merged. */
bool sjwt_keyset_skipped(const sjwt_keyset *keys, size_t n, size_t *index, const char **kid,
                         sjwt_status *why)
{
    size_t parsed = 0, prepared = 0;

    if (n >= MAX_SKIPPED)
        return false;
    for (;; n--) {
        const skipped_key *skipped = parsed < keys->skipped_kept ? &keys->skipped[parsed] : NULL;
        const sjwt_key *refused = find_refused(keys, &prepared);
        bool is_skipped = skipped != NULL && (refused == NULL || skipped->index < refused->index);

        if (skipped == NULL && refused == NULL)
            return false;
        if (n == 0) {
            *index = is_skipped ? skipped->index : refused->index;
            *kid = is_skipped ? skipped->kid : refused->kid;
            /* its reason is remembered: no library is asked */
            *why = is_skipped ? skipped->why : sjwt_key_prepare_any(refused, NULL);
            return true;
        }
        if (is_skipped)
            parsed++;
        else
            prepared++;
    }
}

size_t sjwt_keyset_size(const sjwt_keyset *keys)
{
    return keys->count;
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
    switch (key->octets.type) {
    case SJWT_CRYPTO_KEY_OKP:
    case SJWT_CRYPTO_KEY_EC:
        out->octets[0] = view(key->octets.x);
        out->octets[1] = view(key->octets.y);
        break;
    case SJWT_CRYPTO_KEY_RSA:
        out->octets[0] = view(key->octets.n);
        out->octets[1] = view(key->octets.e);
        break;
    case SJWT_CRYPTO_KEY_OCT:
        out->octets[0] = view(key->octets.k);
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

/* The key at this place of by_kid, if it has this kid. */
static const sjwt_key *get_by_kid(const sjwt_keyset *keys, size_t place, const char *kid)
{
    if (place >= keys->by_kid_count || strcmp(sorted(keys, place)->kid, kid) != 0)
        return NULL;
    return sorted(keys, place);
}

bool sjwt_keyset_has_kid(const sjwt_keyset *keys, const char *kid)
{
    return get_by_kid(keys, lower_bound(keys, kid), kid) != NULL;
}

static bool serves(const sjwt_key *key, sjwt_crypto_alg alg)
{
    return (key->algorithms & SJWT_CRYPTO_BIT(alg)) != 0;
}

/* No two keys of one kid serve one algorithm: there is one at most. */
static const sjwt_key *find_by_kid(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg)
{
    const sjwt_key *key;

    for (size_t place = lower_bound(keys, kid); (key = get_by_kid(keys, place, kid)) != NULL;
         place++) {
        if (serves(key, alg))
            return key;
    }
    return NULL;
}

const sjwt_key *sjwt_keyset_next(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg,
                                 size_t *position)
{
    if (kid != NULL)
        return (*position)++ == 0 ? find_by_kid(keys, kid, alg) : NULL;
    while (*position < keys->count) {
        const sjwt_key *key = keys->keys[(*position)++];
        if (serves(key, alg))
            return key;
    }
    return NULL;
}
