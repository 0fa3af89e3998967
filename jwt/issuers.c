/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/issuers.h>

#include "jwt/claim_rules.h"
#include "jwt/document.h"
#include "jwt/error.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/sort.h"

#include <stdio.h>
#include <string.h>

struct sjwt_issuers {
    sjwt_allocator allocator;
    size_t count; /* of the entries, with the one that is being read */
    sjwt_issuer entries[];
};

/* A document being read. */
typedef struct reading {
    const sjwt_allocator *allocator;
    const sjwt_json *json;
    size_t index; /* of the entry that is being read */
    sjwt_error *error;
} reading;

/* Fails for the document as a whole. */
static sjwt_status refuse(const reading *r, const sjwt_json_value *at, const char *what)
{
    return sjwt_fail(r->error, SJWT_ISSUERS_INVALID, sjwt_json_position(r->json, at), what);
}

/* Fails for the entry; what is "" where the status says enough. */
static sjwt_status refuse_entry(const reading *r, sjwt_status status, const sjwt_json_value *at,
                                const char *what)
{
    char detail[192];

    snprintf(detail, sizeof(detail), "issuers[%zu]%s%s", r->index, what[0] == '\0' ? "" : ": ",
             what);
    return sjwt_fail(r->error, status, sjwt_json_position(r->json, at), detail);
}

/* Fails for a member whose name is known. */
static sjwt_status refuse_member(const reading *r, const sjwt_json_value *member,
                                 const sjwt_json_value *at, const char *what)
{
    char detail[128];

    snprintf(detail, sizeof(detail), "\"%s\" %s", sjwt_json_name(member), what);
    return refuse_entry(r, SJWT_ISSUERS_INVALID, at, detail);
}

static bool is_filled_string(const sjwt_json_value *value)
{
    const char *string = sjwt_json_string(value);

    return string != NULL && string[0] != '\0';
}

static sjwt_status read_string(const reading *r, const sjwt_json_value *member, const char **out)
{
    if (!is_filled_string(member))
        return refuse_member(r, member, member, "must be a string, and not empty");
    const char *string = sjwt_json_string(member);
    size_t size = strlen(string) + 1;
    char *copy = sjwt_allocate(r->allocator, size);
    if (copy == NULL)
        return sjwt_fail(r->error, SJWT_NO_MEMORY, 0, NULL);
    *out = memcpy(copy, string, size);
    return SJWT_OK;
}

/* Absent is the only other value: a member that says no may be one that was meant to say yes. */
static sjwt_status read_true(const reading *r, const sjwt_json_value *member, bool *out)
{
    if (!sjwt_json_boolean(member, out) || !*out)
        return refuse_member(r, member, member, "must be true");
    return SJWT_OK;
}

/* Is it an array of at least one string, none of them empty? */
static sjwt_status check_list(const reading *r, const sjwt_json_value *member)
{
    if (sjwt_json_first(member) == NULL)
        return refuse_member(r, member, member, "must be an array, and not empty");
    for (const sjwt_json_value *item = sjwt_json_first(member); item != NULL;
         item = sjwt_json_next(item)) {
        if (!is_filled_string(item))
            return refuse_member(r, member, item, "has an item that is no string, or empty");
    }
    return SJWT_OK;
}

/* The list's one block of memory holds the pointers, then the strings. */
static sjwt_status read_list(const reading *r, const sjwt_json_value *member, sjwt_string_list *out)
{
    size_t count = 0, size = 0;

    sjwt_status status = check_list(r, member);
    if (status != SJWT_OK)
        return status;
    for (const sjwt_json_value *item = sjwt_json_first(member); item != NULL;
         item = sjwt_json_next(item), count++)
        size += sizeof(char *) + strlen(sjwt_json_string(item)) + 1;
    const char **items = sjwt_allocate(r->allocator, size);
    if (items == NULL)
        return sjwt_fail(r->error, SJWT_NO_MEMORY, 0, NULL);
    *out = (sjwt_string_list){items, count};
    char *buf = (char *)(items + count);
    for (const sjwt_json_value *item = sjwt_json_first(member); item != NULL;
         item = sjwt_json_next(item)) {
        const char *string = sjwt_json_string(item);
        size_t string_size = strlen(string) + 1;
        *items++ = memcpy(buf, string, string_size);
        buf += string_size;
    }
    return SJWT_OK;
}

static sjwt_status read_files(const reading *r, const sjwt_json_value *member,
                              sjwt_string_list *out)
{
    sjwt_status status = read_list(r, member, out);

    if (status == SJWT_OK && out->count > SJWT_MAX_KEY_FILES)
        return refuse_member(r, member, member, "has more than 16 items");
    return status;
}

static sjwt_status read_algorithms(const reading *r, const sjwt_json_value *member,
                                   sjwt_algorithm_set *out)
{
    sjwt_status status = check_list(r, member);
    if (status != SJWT_OK)
        return status;
    for (const sjwt_json_value *item = sjwt_json_first(member); item != NULL;
         item = sjwt_json_next(item)) {
        const char *name = sjwt_json_string(item);
        const sjwt_crypto_algorithm *algorithm = sjwt_crypto_algorithm_find(name, strlen(name));
        if (algorithm == NULL)
            return refuse_member(r, member, item, "names one that is not known");
        *out |= SJWT_CRYPTO_BIT(algorithm->alg);
    }
    return SJWT_OK;
}

static sjwt_status read_keys(const reading *r, const sjwt_json_value *member,
                             const sjwt_keyset **out)
{
    sjwt_keyset *keys;
    sjwt_error error;

    sjwt_status status = sjwt_keyset_read(r->allocator, member, &keys, &error);
    *out = keys;
    if (status == SJWT_NO_MEMORY)
        return sjwt_fail(r->error, status, 0, NULL);
    return status == SJWT_OK ? SJWT_OK : refuse_entry(r, status, member, error.detail);
}

static sjwt_status read_subjects(const reading *r, const sjwt_json_value *member,
                                 sjwt_subjects *out)
{
    static const struct {
        const char *name;
        sjwt_subjects subjects;
    } values[] = {{"plain", SJWT_SUBJECTS_PLAIN},
                  {"qualified", SJWT_SUBJECTS_QUALIFIED},
                  {"shared", SJWT_SUBJECTS_SHARED}};
    const char *name = sjwt_json_string(member);

    for (size_t i = 0; name != NULL && i < sizeof(values) / sizeof(*values); i++) {
        if (strcmp(name, values[i].name) == 0) {
            *out = values[i].subjects;
            return SJWT_OK;
        }
    }
    return refuse_member(r, member, member, "must be \"plain\", \"qualified\" or \"shared\"");
}

static sjwt_status read_claims(const reading *r, const sjwt_json_value *member,
                               const sjwt_claim_rules **out)
{
    sjwt_claim_rules_fault fault;
    sjwt_claim_rules *rules;

    sjwt_status status = sjwt_claim_rules_read(r->allocator, member, &rules, &fault);
    *out = rules;
    if (status == SJWT_NO_MEMORY)
        return sjwt_fail(r->error, status, 0, NULL);
    return status == SJWT_OK ? SJWT_OK : refuse_member(r, member, fault.at, fault.what);
}

/* Only digits, so that no rounding decides. */
static sjwt_status read_lifetime(const reading *r, const sjwt_json_value *member, uint32_t *out)
{
    int64_t seconds = 0;

    if (sjwt_json_is_number(member)) {
        size_t len;
        const char *digits = sjwt_json_text(r->json, member, &len);
        for (size_t i = 0; i < len && seconds >= 0; i++) {
            bool is_digit = digits[i] >= '0' && digits[i] <= '9';
            seconds = is_digit ? seconds * 10 + (digits[i] - '0') : -1;
            if (seconds > INT32_MAX)
                seconds = -1;
        }
    }
    if (seconds <= 0)
        return refuse_member(r, member, member, "must be a whole number of seconds from 1 up");
    *out = (uint32_t)seconds;
    return SJWT_OK;
}

static sjwt_status read_member(const reading *r, const sjwt_json_value *member, sjwt_issuer *entry)
{
    const char *name = sjwt_json_name(member);

    if (strcmp(name, "issuer") == 0)
        return read_string(r, member, &entry->issuer);
    if (strcmp(name, "jwks") == 0)
        return read_keys(r, member, &entry->keys);
    if (strcmp(name, "jwks_file") == 0)
        return read_string(r, member, &entry->keys_file);
    if (strcmp(name, "jwks_files") == 0)
        return read_files(r, member, &entry->keys_files);
    if (strcmp(name, "audiences") == 0)
        return read_list(r, member, &entry->audiences);
    if (strcmp(name, "jwks_url") == 0)
        return read_string(r, member, &entry->keys_url);
    if (strcmp(name, "discovery") == 0)
        return read_true(r, member, &entry->discovery);
    if (strcmp(name, "algorithms") == 0)
        return read_algorithms(r, member, &entry->algorithms);
    if (strcmp(name, "required_claims") == 0)
        return read_list(r, member, &entry->required_claims);
    if (strcmp(name, "token_types") == 0)
        return read_list(r, member, &entry->types);
    if (strcmp(name, "subjects") == 0)
        return read_subjects(r, member, &entry->subjects);
    if (strcmp(name, "claims") == 0)
        return read_claims(r, member, &entry->claims);
    if (strcmp(name, "max_lifetime") == 0)
        return read_lifetime(r, member, &entry->max_lifetime);
    return refuse_entry(r, SJWT_ISSUERS_INVALID, member, "a member is not known");
}

static sjwt_status read_entry(const reading *r, const sjwt_json_value *value, sjwt_issuer *entry)
{
    if (!sjwt_json_is_object(value))
        return refuse_entry(r, SJWT_ISSUERS_INVALID, value, "must be an object");
    for (const sjwt_json_value *member = sjwt_json_first_member(value); member != NULL;
         member = sjwt_json_next(member)) {
        sjwt_status status = read_member(r, member, entry);
        if (status != SJWT_OK)
            return status;
    }
    if (entry->issuer == NULL)
        return refuse_entry(r, SJWT_ISSUERS_INVALID, value, "\"issuer\" is missing");
    if (entry->keys == NULL && entry->keys_file == NULL && entry->keys_files.count == 0 &&
        entry->keys_url == NULL && !entry->discovery)
        return refuse_entry(r, SJWT_ISSUERS_INVALID, value,
                            "\"jwks\", \"jwks_file\", \"jwks_files\", \"jwks_url\" or "
                            "\"discovery\" is missing");
    const char *fault = sjwt_issuer_pattern_fault(entry->issuer, entry->claims);
    if (fault == NULL && entry->discovery && sjwt_issuer_is_pattern(entry->issuer))
        fault = "\"discovery\" needs an \"issuer\" without braces";
    return fault == NULL ? SJWT_OK : refuse_entry(r, SJWT_ISSUERS_INVALID, value, fault);
}

/* Entries are in one array, so that the lower address is the earlier entry. */
static int compare_entries(const void *left, const void *right)
{
    const sjwt_issuer *a = left, *b = right;
    int order = strcmp(a->issuer, b->issuer);

    if (order != 0)
        return order;
    return a < b ? -1 : a > b;
}

static const sjwt_json_value *element(const sjwt_json_value *array, size_t n)
{
    const sjwt_json_value *value = sjwt_json_first(array);

    for (; n > 0; n--)
        value = sjwt_json_next(value);
    return value;
}

static sjwt_status refuse_repeated(reading *r, const sjwt_json_value *array,
                                   const sjwt_issuers *issuers)
{
    const void **sorted = sjwt_allocate(r->allocator, issuers->count * sizeof(*sorted));
    sjwt_status status = SJWT_OK;

    if (sorted == NULL)
        return sjwt_fail(r->error, SJWT_NO_MEMORY, 0, NULL);
    for (size_t i = 0; i < issuers->count; i++)
        sorted[i] = &issuers->entries[i];
    sjwt_sort(sorted, issuers->count, compare_entries);
    for (size_t i = 1; i < issuers->count && status == SJWT_OK; i++) {
        const sjwt_issuer *first = sorted[i - 1], *second = sorted[i];
        char what[64];
        if (strcmp(first->issuer, second->issuer) != 0)
            continue;
        r->index = (size_t)(second - issuers->entries);
        snprintf(what, sizeof(what), "is of the same \"issuer\" as issuers[%zu]",
                 (size_t)(first - issuers->entries));
        status = refuse_entry(r, SJWT_ISSUERS_INVALID, element(array, r->index), what);
    }
    sjwt_release(r->allocator, sorted);
    return status;
}

/* May the subjects of both be the names of users, as they are? */
static bool can_be_together(const sjwt_issuer *a, const sjwt_issuer *b)
{
    return a->subjects == SJWT_SUBJECTS_QUALIFIED || b->subjects == SJWT_SUBJECTS_QUALIFIED ||
           (a->subjects == SJWT_SUBJECTS_SHARED && b->subjects == SJWT_SUBJECTS_SHARED);
}

/* Sets absent "subjects", and refuses two entries with one name space that do not both say
 * that they share it. */
static sjwt_status settle_subjects(reading *r, const sjwt_json_value *array, sjwt_issuers *issuers)
{
    const sjwt_issuer *unqualified = NULL;

    for (size_t i = 0; i < issuers->count; i++) {
        sjwt_issuer *entry = &issuers->entries[i];
        bool is_several = sjwt_issuer_is_several(entry->issuer, entry->claims);
        if (entry->subjects == SJWT_SUBJECTS_UNCHECKED)
            entry->subjects =
                issuers->count == 1 && !is_several ? SJWT_SUBJECTS_PLAIN : SJWT_SUBJECTS_QUALIFIED;
        if (entry->subjects == SJWT_SUBJECTS_PLAIN && is_several) {
            r->index = i;
            return refuse_entry(r, SJWT_ISSUERS_INVALID, element(array, i),
                                "equal subjects of its several issuers would be one user, which "
                                "\"shared\" allows");
        }
        if (unqualified != NULL && !can_be_together(unqualified, entry)) {
            char what[96];
            r->index = i;
            snprintf(what, sizeof(what),
                     "equal subjects of issuers[%zu] would be one user, which \"shared\" in both "
                     "allows",
                     (size_t)(unqualified - issuers->entries));
            return refuse_entry(r, SJWT_ISSUERS_INVALID, element(array, i), what);
        }
        if (entry->subjects != SJWT_SUBJECTS_QUALIFIED)
            unqualified = entry;
    }
    return SJWT_OK;
}

static sjwt_status read_entries(reading *r, const sjwt_json_value *array, sjwt_issuers *issuers)
{
    for (const sjwt_json_value *value = sjwt_json_first(array); value != NULL;
         value = sjwt_json_next(value)) {
        r->index = issuers->count++;
        sjwt_status status = read_entry(r, value, &issuers->entries[r->index]);
        if (status != SJWT_OK)
            return status;
    }
    sjwt_status status = refuse_repeated(r, array, issuers);
    return status == SJWT_OK ? settle_subjects(r, array, issuers) : status;
}

static sjwt_status read_array(reading *r, const sjwt_json_value *array, sjwt_issuers **out)
{
    size_t count = 0;

    for (const sjwt_json_value *value = sjwt_json_first(array); value != NULL;
         value = sjwt_json_next(value))
        count++;
    if (count == 0)
        return refuse(r, array, "\"issuers\" must be an array, and not empty");
    size_t size = sizeof(sjwt_issuers) + count * sizeof(sjwt_issuer);
    sjwt_issuers *issuers = sjwt_allocate(r->allocator, size);
    if (issuers == NULL)
        return sjwt_fail(r->error, SJWT_NO_MEMORY, 0, NULL);
    memset(issuers, 0, size);
    issuers->allocator = *r->allocator;
    sjwt_status status = read_entries(r, array, issuers);
    if (status != SJWT_OK) {
        sjwt_issuers_free(issuers);
        return status;
    }
    *out = issuers;
    return SJWT_OK;
}

static sjwt_status read_document(reading *r, sjwt_issuers **out)
{
    const sjwt_json_value *root = r->json->root;
    const sjwt_json_value *array = sjwt_json_member(root, "issuers");

    if (array == NULL)
        return refuse(r, root, "it must be an object with \"issuers\"");
    for (const sjwt_json_value *member = sjwt_json_first_member(root); member != NULL;
         member = sjwt_json_next(member)) {
        if (member != array)
            return refuse(r, member, "a member is not known");
    }
    return read_array(r, array, out);
}

sjwt_status sjwt_issuers_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                               sjwt_issuers **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_json document;

    *out = NULL;
    sjwt_status status = sjwt_document_parse(&resolved, json, len, SJWT_ISSUERS_TOO_LARGE,
                                             SJWT_ISSUERS_MALFORMED, &document, error);
    if (status != SJWT_OK)
        return status;
    reading r = {.allocator = &resolved, .json = &document, .error = error};
    status = read_document(&r, out);
    sjwt_json_free(&document);
    return status;
}

static void free_entry(const sjwt_allocator *allocator, const sjwt_issuer *entry)
{
    sjwt_release(allocator, (void *)entry->issuer);
    sjwt_keyset_free((sjwt_keyset *)entry->keys);
    sjwt_release(allocator, (void *)entry->keys_file);
    sjwt_release(allocator, (void *)entry->keys_url);
    sjwt_release(allocator, (void *)entry->keys_files.items);
    sjwt_release(allocator, (void *)entry->audiences.items);
    sjwt_release(allocator, (void *)entry->required_claims.items);
    sjwt_release(allocator, (void *)entry->types.items);
    sjwt_claim_rules_free(allocator, (sjwt_claim_rules *)entry->claims);
}

void sjwt_issuers_free(sjwt_issuers *issuers)
{
    if (issuers == NULL)
        return;
    sjwt_allocator allocator = issuers->allocator;
    for (size_t i = 0; i < issuers->count; i++)
        free_entry(&allocator, &issuers->entries[i]);
    sjwt_release(&allocator, issuers);
}

size_t sjwt_issuers_count(const sjwt_issuers *issuers)
{
    return issuers->count;
}

const sjwt_issuer *sjwt_issuers_get(const sjwt_issuers *issuers, size_t n)
{
    return &issuers->entries[n];
}
