#include "jwt/error.h"
#include "jwt/jwk.h"
#include "jwt/memory.h"
#include "jwt/sort.h"

#include <stdio.h>
#include <string.h>

struct jwt_issuers {
    jwt_allocator allocator;
    size_t count; /* of the entries read, or begun */
    jwt_issuer entries[];
};

/* A document being read. */
typedef struct reading {
    const jwt_allocator *allocator;
    const jwt_json *json;
    size_t index; /* of the entry that is read */
    jwt_error *error;
} reading;

/* What is wrong with the document as a whole. */
static jwt_status refuse(const reading *r, const jwt_json_value *at, const char *what)
{
    return jwt_fail(r->error, JWT_ISSUERS_INVALID, jwt_json_position(r->json, at), what);
}

/* What is wrong with the entry; "" where the status says it all. */
static jwt_status refuse_entry(const reading *r, jwt_status status, const jwt_json_value *at,
                               const char *what)
{
    char detail[192];

    snprintf(detail, sizeof(detail), "issuers[%zu]%s%s", r->index, what[0] == '\0' ? "" : ": ",
             what);
    return jwt_fail(r->error, status, jwt_json_position(r->json, at), detail);
}

/* What is wrong with a member of a name that is known. */
static jwt_status refuse_member(const reading *r, const jwt_json_value *member,
                                const jwt_json_value *at, const char *what)
{
    char detail[128];

    snprintf(detail, sizeof(detail), "\"%s\" %s", jwt_json_name(member), what);
    return refuse_entry(r, JWT_ISSUERS_INVALID, at, detail);
}

static bool is_filled_string(const jwt_json_value *value)
{
    const char *string = jwt_json_string(value);

    return string != NULL && string[0] != '\0';
}

static jwt_status read_string(const reading *r, const jwt_json_value *member, const char **out)
{
    if (!is_filled_string(member))
        return refuse_member(r, member, member, "must be a string, and not empty");
    const char *string = jwt_json_string(member);
    size_t size = strlen(string) + 1;
    char *copy = jwt_allocate(r->allocator, size);
    if (copy == NULL)
        return jwt_fail(r->error, JWT_NO_MEMORY, 0, NULL);
    *out = memcpy(copy, string, size);
    return JWT_OK;
}

/* Is it an array of at least one string, none of them empty? */
static jwt_status check_list(const reading *r, const jwt_json_value *member)
{
    if (jwt_json_first(member) == NULL)
        return refuse_member(r, member, member, "must be an array, and not empty");
    for (const jwt_json_value *item = jwt_json_first(member); item != NULL;
         item = jwt_json_next(item)) {
        if (!is_filled_string(item))
            return refuse_member(r, member, item, "has an item that is no string, or empty");
    }
    return JWT_OK;
}

/* The list's one block of memory holds the pointers, then the strings. */
static jwt_status read_list(const reading *r, const jwt_json_value *member, jwt_string_list *out)
{
    size_t count = 0, size = 0;

    jwt_status status = check_list(r, member);
    if (status != JWT_OK)
        return status;
    for (const jwt_json_value *item = jwt_json_first(member); item != NULL;
         item = jwt_json_next(item), count++)
        size += sizeof(char *) + strlen(jwt_json_string(item)) + 1;
    const char **items = jwt_allocate(r->allocator, size);
    if (items == NULL)
        return jwt_fail(r->error, JWT_NO_MEMORY, 0, NULL);
    *out = (jwt_string_list){items, count};
    char *room = (char *)(items + count);
    for (const jwt_json_value *item = jwt_json_first(member); item != NULL;
         item = jwt_json_next(item)) {
        const char *string = jwt_json_string(item);
        size_t string_size = strlen(string) + 1;
        *items++ = memcpy(room, string, string_size);
        room += string_size;
    }
    return JWT_OK;
}

static jwt_status read_algorithms(const reading *r, const jwt_json_value *member,
                                  jwt_algorithm_set *out)
{
    jwt_status status = check_list(r, member);
    if (status != JWT_OK)
        return status;
    for (const jwt_json_value *item = jwt_json_first(member); item != NULL;
         item = jwt_json_next(item)) {
        const char *name = jwt_json_string(item);
        const crypto_algorithm *algorithm = crypto_algorithm_find(name, strlen(name));
        if (algorithm == NULL)
            return refuse_member(r, member, item, "names one that is not known");
        *out |= CRYPTO_BIT(algorithm->alg);
    }
    return JWT_OK;
}

static jwt_status read_keys(const reading *r, const jwt_json_value *member, const jwt_keyset **out)
{
    jwt_keyset *keys;
    jwt_error error;

    jwt_status status = jwt_keyset_read(r->allocator, member, &keys, &error);
    *out = keys;
    if (status == JWT_NO_MEMORY || status == JWT_INTERNAL)
        return jwt_fail(r->error, status, 0, NULL);
    return status == JWT_OK ? JWT_OK : refuse_entry(r, status, member, error.detail);
}

static jwt_status read_member(const reading *r, const jwt_json_value *member, jwt_issuer *entry)
{
    const char *name = jwt_json_name(member);

    if (strcmp(name, "issuer") == 0)
        return read_string(r, member, &entry->issuer);
    if (strcmp(name, "jwks") == 0)
        return read_keys(r, member, &entry->keys);
    if (strcmp(name, "jwks_file") == 0)
        return read_string(r, member, &entry->keys_file);
    if (strcmp(name, "audiences") == 0)
        return read_list(r, member, &entry->audiences);
    if (strcmp(name, "algorithms") == 0)
        return read_algorithms(r, member, &entry->algorithms);
    if (strcmp(name, "required_claims") == 0)
        return read_list(r, member, &entry->required_claims);
    if (strcmp(name, "token_types") == 0)
        return read_list(r, member, &entry->types);
    return refuse_entry(r, JWT_ISSUERS_INVALID, member, "a member is not known");
}

static jwt_status read_entry(const reading *r, const jwt_json_value *value, jwt_issuer *entry)
{
    if (!jwt_json_is_object(value))
        return refuse_entry(r, JWT_ISSUERS_INVALID, value, "must be an object");
    for (const jwt_json_value *member = jwt_json_first_member(value); member != NULL;
         member = jwt_json_next(member)) {
        jwt_status status = read_member(r, member, entry);
        if (status != JWT_OK)
            return status;
    }
    if (entry->issuer == NULL)
        return refuse_entry(r, JWT_ISSUERS_INVALID, value, "\"issuer\" is missing");
    if ((entry->keys == NULL) == (entry->keys_file == NULL))
        return refuse_entry(r, JWT_ISSUERS_INVALID, value,
                            entry->keys == NULL ? "\"jwks\" or \"jwks_file\" is missing"
                                                : "has both \"jwks\" and \"jwks_file\"");
    return JWT_OK;
}

/* Entries are in one array, so that the lower address is the earlier entry. */
static int compare_entries(const void *left, const void *right)
{
    const jwt_issuer *a = left, *b = right;
    int order = strcmp(a->issuer, b->issuer);

    if (order != 0)
        return order;
    return a < b ? -1 : a > b;
}

static const jwt_json_value *element(const jwt_json_value *array, size_t n)
{
    const jwt_json_value *value = jwt_json_first(array);

    for (; n > 0; n--)
        value = jwt_json_next(value);
    return value;
}

static jwt_status refuse_repeated(reading *r, const jwt_json_value *array,
                                  const jwt_issuers *issuers)
{
    const void **sorted = jwt_allocate(r->allocator, issuers->count * sizeof(*sorted));
    jwt_status status = JWT_OK;

    if (sorted == NULL)
        return jwt_fail(r->error, JWT_NO_MEMORY, 0, NULL);
    for (size_t i = 0; i < issuers->count; i++)
        sorted[i] = &issuers->entries[i];
    jwt_sort(sorted, issuers->count, compare_entries);
    for (size_t i = 1; i < issuers->count && status == JWT_OK; i++) {
        const jwt_issuer *first = sorted[i - 1], *second = sorted[i];
        char what[64];
        if (strcmp(first->issuer, second->issuer) != 0)
            continue;
        r->index = (size_t)(second - issuers->entries);
        snprintf(what, sizeof(what), "is of the same \"issuer\" as issuers[%zu]",
                 (size_t)(first - issuers->entries));
        status = refuse_entry(r, JWT_ISSUERS_INVALID, element(array, r->index), what);
    }
    jwt_release(r->allocator, sorted);
    return status;
}

static jwt_status read_entries(reading *r, const jwt_json_value *array, jwt_issuers *issuers)
{
    for (const jwt_json_value *value = jwt_json_first(array); value != NULL;
         value = jwt_json_next(value)) {
        r->index = issuers->count++;
        jwt_status status = read_entry(r, value, &issuers->entries[r->index]);
        if (status != JWT_OK)
            return status;
    }
    return refuse_repeated(r, array, issuers);
}

static jwt_status read_array(reading *r, const jwt_json_value *array, jwt_issuers **out)
{
    size_t count = 0;

    for (const jwt_json_value *value = jwt_json_first(array); value != NULL;
         value = jwt_json_next(value))
        count++;
    if (count == 0)
        return refuse(r, array, "\"issuers\" must be an array, and not empty");
    size_t size = sizeof(jwt_issuers) + count * sizeof(jwt_issuer);
    jwt_issuers *issuers = jwt_allocate(r->allocator, size);
    if (issuers == NULL)
        return jwt_fail(r->error, JWT_NO_MEMORY, 0, NULL);
    memset(issuers, 0, size);
    issuers->allocator = *r->allocator;
    jwt_status status = read_entries(r, array, issuers);
    if (status != JWT_OK) {
        jwt_issuers_free(issuers);
        return status;
    }
    *out = issuers;
    return JWT_OK;
}

static jwt_status read_document(reading *r, jwt_issuers **out)
{
    const jwt_json_value *root = r->json->root;
    const jwt_json_value *array = jwt_json_member(root, "issuers");

    if (array == NULL)
        return refuse(r, root, "it must be an object with \"issuers\"");
    for (const jwt_json_value *member = jwt_json_first_member(root); member != NULL;
         member = jwt_json_next(member)) {
        if (member != array)
            return refuse(r, member, "a member is not known");
    }
    return read_array(r, array, out);
}

jwt_status jwt_issuers_parse(const jwt_allocator *allocator, const char *json, size_t len,
                             jwt_issuers **out, jwt_error *error)
{
    jwt_allocator resolved = jwt_allocator_resolve(allocator);
    jwt_json document;
    size_t position;

    *out = NULL;
    if (len > JWT_MAX_KEYSET_SIZE)
        return jwt_fail(error, JWT_ISSUERS_TOO_LARGE, 0, NULL);
    jwt_status status =
        jwt_json_parse_secret(&resolved, json, len, JWT_ISSUERS_MALFORMED, &document, &position);
    if (status != JWT_OK)
        return jwt_fail(error, status, position, NULL);
    reading r = {.allocator = &resolved, .json = &document, .error = error};
    status = read_document(&r, out);
    jwt_json_free(&document);
    return status;
}

static void free_entry(const jwt_allocator *allocator, const jwt_issuer *entry)
{
    jwt_release(allocator, (void *)entry->issuer);
    jwt_keyset_free((jwt_keyset *)entry->keys);
    jwt_release(allocator, (void *)entry->keys_file);
    jwt_release(allocator, (void *)entry->audiences.items);
    jwt_release(allocator, (void *)entry->required_claims.items);
    jwt_release(allocator, (void *)entry->types.items);
}

void jwt_issuers_free(jwt_issuers *issuers)
{
    if (issuers == NULL)
        return;
    jwt_allocator allocator = issuers->allocator;
    for (size_t i = 0; i < issuers->count; i++)
        free_entry(&allocator, &issuers->entries[i]);
    jwt_release(&allocator, issuers);
}

size_t jwt_issuers_count(const jwt_issuers *issuers)
{
    return issuers->count;
}

const jwt_issuer *jwt_issuers_get(const jwt_issuers *issuers, size_t n)
{
    return &issuers->entries[n];
}
