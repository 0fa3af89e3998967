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
    sjwt_error why;
} skipped_key;

struct sjwt_keyset {
    sjwt_allocator allocator;
    sjwt_algorithm_set algorithms;
    sjwt_key **keys; /* in order */
    size_t count;
    const void **by_kid; /* of sjwt_key: those that have a kid, by it */
    size_t by_kid_count;
    bool is_set;          /* a JWK Set, not a single JWK */
    bool is_joined;       /* keys, and the kids of those skipped, belong to other sets */
    skipped_key *skipped; /* when the set was parsed: the first MAX_SKIPPED, in order */
    size_t skipped_max;   /* for how many there is room */
    size_t skipped_kept;
    size_t skipped_count;
};

void sjwt_keyset_free(sjwt_keyset *keys)
{
    if (keys == NULL)
        return;
    sjwt_allocator allocator = keys->allocator;
    for (size_t i = 0; i < keys->count && !keys->is_joined; i++)
        sjwt_key_free(&allocator, keys->keys[i]);
    for (size_t i = 0; i < keys->skipped_kept && !keys->is_joined; i++)
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

static void append_key(sjwt_keyset *set, sjwt_key *key)
{
    set->algorithms |= key->algorithms;
    set->keys[set->count++] = key;
    if (key->kid != NULL)
        set->by_kid[set->by_kid_count++] = key;
}

static void add_key(sjwt_keyset *set, sjwt_key *key, size_t index)
{
    key->index = index;
    append_key(set, key);
}

/* A larger array doubles, up to MAX_SKIPPED: most sets skip one or two. */
static bool make_room(sjwt_keyset *set)
{
    if (set->skipped_kept < set->skipped_max)
        return true;
    size_t max = set->skipped_max == 0 ? 2 : 2 * set->skipped_max;
    if (max > MAX_SKIPPED)
        max = MAX_SKIPPED;
    skipped_key *larger = sjwt_allocate(&set->allocator, max * sizeof(skipped_key));
    if (larger == NULL)
        return false;
    if (set->skipped_kept > 0)
        memcpy(larger, set->skipped, set->skipped_kept * sizeof(skipped_key));
    sjwt_release(&set->allocator, set->skipped);
    set->skipped = larger;
    set->skipped_max = max;
    return true;
}

static sjwt_status add_skipped(sjwt_keyset *set, const sjwt_json_value *jwk, size_t index,
                               const sjwt_error *why)
{
    set->skipped_count++;
    if (set->skipped_kept == MAX_SKIPPED)
        return SJWT_OK;
    if (!make_room(set))
        return SJWT_NO_MEMORY;
    skipped_key *entry = &set->skipped[set->skipped_kept];
    *entry = (skipped_key){index, NULL, *why};
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

/* By kid, then in the order of the set. */
static int compare_keys(const void *left, const void *right)
{
    const sjwt_key *a = left, *b = right;
    int order = strcmp(a->kid, b->kid);

    if (order != 0)
        return order;
    return a->index < b->index ? -1 : a->index > b->index;
}

static const sjwt_key *sorted(const sjwt_keyset *set, size_t n)
{
    return set->by_kid[n];
}

/* The detail names the reason of one key: the first that another build can use, or else the
 * first. */
static sjwt_status fail_none_usable(const sjwt_keyset *set, sjwt_error *error)
{
    char detail[2 * sizeof(error->detail)] = "the set is empty";
    size_t index, chosen = 0;
    const char *kid;
    sjwt_error why;

    while (sjwt_keyset_skipped(set, chosen, &index, &kid, &why) &&
           why.status != SJWT_JWK_UNSUPPORTED)
        chosen++;
    if (!sjwt_keyset_skipped(set, chosen, &index, &kid, &why))
        chosen = 0;
    if (sjwt_keyset_skipped(set, chosen, &index, &kid, &why))
        snprintf(detail, sizeof(detail), "%zu skipped, %s: %s%s%s", sjwt_keyset_skipped_count(set),
                 chosen == 0 ? "the first" : "among them", sjwt_status_text(why.status),
                 why.detail[0] == '\0' ? "" : ": ", why.detail);
    return sjwt_fail(error, SJWT_JWK_NONE_USABLE, 0, detail);
}

/* The keys of a set while it is read, by hash, so that a repeated one is found at once. At most
 * half of the slots are taken. */
typedef struct key_table {
    const sjwt_key **slots;
    size_t mask; /* the number of slots, a power of two, less one */
} key_table;

static bool make_table(const sjwt_allocator *allocator, size_t max_keys, key_table *out)
{
    size_t slots = 2;

    while (slots < 2 * max_keys)
        slots *= 2;
    out->mask = slots - 1;
    out->slots = sjwt_allocate(allocator, slots * sizeof(const sjwt_key *));
    if (out->slots != NULL)
        memset(out->slots, 0, slots * sizeof(const sjwt_key *));
    return out->slots != NULL;
}

/* Where the same key is, or else where this one belongs. */
static const sjwt_key **find_slot(const key_table *table, const sjwt_key *key)
{
    size_t i = (size_t)key->hash & table->mask;

    while (table->slots[i] != NULL && !sjwt_key_is_same(table->slots[i], key))
        i = (i + 1) & table->mask;
    return &table->slots[i];
}

/* Reads one member of "keys" and takes it in, or else keeps the reason why not. */
static sjwt_status add_member(sjwt_keyset *set, const key_table *table, const sjwt_json_value *jwk,
                              size_t index, sjwt_error *error)
{
    const sjwt_key **slot = NULL;
    sjwt_error why;
    sjwt_key *key;
    sjwt_status status = sjwt_key_read(&set->allocator, jwk, &key, &why);

    if (status == SJWT_OK) {
        slot = find_slot(table, key);
        if (*slot != NULL)
            status = sjwt_fail(&why, SJWT_JWK_REPEATED, 0, NULL);
        else if (set->count == SJWT_MAX_KEYS)
            status = SJWT_JWK_TOO_MANY;
    }
    if (status == SJWT_OK) {
        *slot = key;
        add_key(set, key, index);
        return SJWT_OK;
    }
    sjwt_key_free(&set->allocator, key);
    if (!sjwt_status_is_transient(status) && status != SJWT_JWK_TOO_MANY)
        status = add_skipped(set, jwk, index, &why);
    return status == SJWT_OK ? SJWT_OK : sjwt_fail(error, status, 0, NULL);
}

static sjwt_status fill_set(sjwt_keyset *set, const key_table *table,
                            const sjwt_json_value *members, sjwt_error *error)
{
    size_t index = 0;

    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL;
         jwk = sjwt_json_next(jwk)) {
        sjwt_status status = add_member(set, table, jwk, index++, error);
        if (status != SJWT_OK)
            return status;
    }
    if (set->count == 0)
        return fail_none_usable(set, error);
    sjwt_sort(set->by_kid, set->by_kid_count, compare_keys);
    return SJWT_OK;
}

static sjwt_status read_set(const sjwt_allocator *allocator, const sjwt_json_value *members,
                            sjwt_keyset **out, sjwt_error *error)
{
    size_t count = 0;

    if (!sjwt_json_is_array(members))
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY_SET, 0, "\"keys\" is not an array");
    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL;
         jwk = sjwt_json_next(jwk))
        count++;
    size_t max_keys = count < SJWT_MAX_KEYS ? count : SJWT_MAX_KEYS;
    key_table table;
    sjwt_status status = make_set(allocator, max_keys, out);
    if (status != SJWT_OK)
        return sjwt_fail(error, status, 0, NULL);
    (*out)->is_set = true;
    if (make_table(allocator, max_keys, &table))
        status = fill_set(*out, &table, members, error);
    else
        status = sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    sjwt_release(allocator, table.slots);
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

/* What else the text may be. */
static const char *describe_other(const sjwt_json_value *root)
{
    if (sjwt_json_string(root) != NULL)
        return "it is a string";
    if (!sjwt_json_is_object(root))
        return "it is not an object";
    if (sjwt_jwk_member(root, "jwks_uri") != NULL)
        return "it is a discovery document, which tells where the keys are";
    if (sjwt_jwk_member(root, "issuers") != NULL)
        return "it is a document of issuers";
    return "it has neither \"keys\" nor \"kty\"";
}

sjwt_status sjwt_keyset_read(const sjwt_allocator *allocator, const sjwt_json_value *root,
                             sjwt_keyset **out, sjwt_error *error)
{
    const sjwt_json_value *members = sjwt_jwk_member(root, "keys");

    *out = NULL;
    if (members != NULL)
        return read_set(allocator, members, out, error);
    if (sjwt_jwk_member(root, "kty") == NULL)
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY_SET, 0, describe_other(root));
    return read_single(allocator, root, out, error);
}

static sjwt_status read_public_jwk(const sjwt_allocator *allocator, const sjwt_json_value *root,
                                   sjwt_keyset **out, sjwt_error *error)
{
    const char *type = sjwt_json_string(sjwt_json_member(root, "kty"));

    if (sjwt_jwk_member(root, "keys") != NULL)
        return sjwt_fail(error, SJWT_JWK_NOT_A_KEY, 0, "it is a JWK Set");
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

/* ---- several sets ------------------------------------------------------ */

static void join_keys(sjwt_keyset *out, const key_table *table, const sjwt_keyset *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const sjwt_key **slot = find_slot(table, set->keys[i]);
        if (*slot != NULL)
            continue;
        *slot = set->keys[i];
        append_key(out, set->keys[i]);
    }
}

static bool join_skipped(sjwt_keyset *out, const sjwt_keyset *set)
{
    out->skipped_count += set->skipped_count;
    for (size_t i = 0; i < set->skipped_kept && out->skipped_kept < MAX_SKIPPED; i++) {
        if (!make_room(out))
            return false;
        out->skipped[out->skipped_kept++] = set->skipped[i];
    }
    return true;
}

sjwt_status sjwt_keyset_join(const sjwt_allocator *allocator, const sjwt_keyset *const *sets,
                             size_t count, sjwt_keyset **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    size_t max_keys = 0;
    key_table table = {0};

    for (size_t i = 0; i < count; i++)
        max_keys += sets[i]->count;
    if (make_set(&resolved, max_keys, out) != SJWT_OK)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    (*out)->is_set = (*out)->is_joined = true;
    bool done = make_table(&resolved, max_keys, &table);
    for (size_t i = 0; i < count && done; i++) {
        join_keys(*out, &table, sets[i]);
        done = join_skipped(*out, sets[i]);
    }
    sjwt_release(&resolved, table.slots);
    if (!done) {
        sjwt_keyset_free(*out);
        *out = NULL;
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    }
    sjwt_sort((*out)->by_kid, (*out)->by_kid_count, compare_keys);
    return SJWT_OK;
}

/* ---- preparing --------------------------------------------------------- */

static sjwt_status prepare_keys(const sjwt_keyset *keys, bool all, sjwt_error *error)
{
    bool usable = false;

    for (size_t i = 0; i < keys->count && (all || !usable); i++) {
        const sjwt_key *key = keys->keys[i];
        sjwt_status status =
            all ? sjwt_key_prepare_all(key, error) : sjwt_key_prepare_any(key, error);
        if (sjwt_status_is_transient(status) || (status != SJWT_OK && !keys->is_set))
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
                         sjwt_error *why)
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
            if (is_skipped)
                *why = skipped->why;
            else /* its reason is remembered: no library is asked */
                sjwt_key_prepare_any(refused, why);
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

bool sjwt_keyset_key(const sjwt_keyset *keys, size_t n, sjwt_key_view *out)
{
    sjwt_crypto_span octets[2];

    if (n >= keys->count)
        return false;
    const sjwt_key *key = keys->keys[n];
    *out = (sjwt_key_view){.kid = key->kid, .algorithms = key->algorithms};
    sjwt_key_get_octets(key, octets);
    for (int i = 0; i < 2; i++)
        out->octets[i] = (sjwt_octets){.data = octets[i].data, .len = octets[i].len};
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

void sjwt_keyset_find(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg,
                      sjwt_candidates *out)
{
    *out = (sjwt_candidates){.keys = keys, .alg = alg, .kid = kid};
    if (kid == NULL)
        return;
    size_t place = lower_bound(keys, kid);
    out->kid_known = get_by_kid(keys, place, kid) != NULL;
    if (out->kid_known)
        out->next = place;
}

static bool serves(const sjwt_key *key, sjwt_crypto_alg alg)
{
    return (key->algorithms & SJWT_CRYPTO_BIT(alg)) != 0;
}

/* The key at the next place, whatever its algorithms; NULL after the last one. */
static const sjwt_key *step(sjwt_candidates *candidates)
{
    const sjwt_keyset *keys = candidates->keys;

    if (candidates->kid != NULL && candidates->kid_known)
        return get_by_kid(keys, candidates->next++, candidates->kid);
    return candidates->next < keys->count ? keys->keys[candidates->next++] : NULL;
}

const sjwt_key *sjwt_candidates_next(sjwt_candidates *candidates)
{
    const bool without_kid = candidates->kid != NULL && !candidates->kid_known;
    const sjwt_key *key;

    while ((key = step(candidates)) != NULL) {
        if (serves(key, candidates->alg) && !(without_kid && key->kid != NULL))
            return key;
    }
    return NULL;
}
