/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/revocation.h>

#include "jwt/error.h"
#include "jwt/json.h"
#include "jwt/memory.h"

#include <string.h>

static const char *const names[SJWT_REVOKED_BY_COUNT] = {"jti", "sid", "sub"};

const char *sjwt_revoked_by_name(sjwt_revoked_by by)
{
    return (unsigned)by < SJWT_REVOKED_BY_COUNT ? names[by] : "";
}

/* ---- one block of memory ------------------------------------------------- */

typedef struct line_block {
    sjwt_allocator allocator;
    sjwt_revocation revocation;
} line_block;

typedef struct claims_block {
    sjwt_allocator allocator;
    sjwt_revocable revocable;
} claims_block;

/* Appends a NUL-terminated copy of text to *buf, and moves *buf behind it. */
static const char *append(char **buf, const char *text, size_t len)
{
    char *copy = memcpy(*buf, text, len);

    copy[len] = '\0';
    *buf += len + 1;
    return copy;
}

/* The text of a string or of a number; NULL: it is neither. */
static const char *value_text(const sjwt_json *json, const sjwt_json_value *value, size_t *len)
{
    const char *string = sjwt_json_string(value);

    if (string != NULL) {
        *len = strlen(string);
        return string;
    }
    return sjwt_json_is_number(value) ? sjwt_json_text(json, value, len) : NULL;
}

/* ---- lines --------------------------------------------------------------- */

/* The members of one line. */
typedef struct members {
    const sjwt_json *json;
    const sjwt_json_value *issuer;
    const sjwt_json_value *by[SJWT_REVOKED_BY_COUNT];
    const sjwt_json_value *issued_before;
    const sjwt_json_value *until;
    const sjwt_json_value *end;
    sjwt_error *error;
} members;

static sjwt_status refuse(const members *m, const sjwt_json_value *value, const char *what)
{
    return sjwt_fail(m->error, SJWT_REVOCATION_INVALID, sjwt_json_position(m->json, value), what);
}

static const sjwt_json_value **find_place(members *m, const char *name)
{
    for (size_t i = 0; i < SJWT_REVOKED_BY_COUNT; i++) {
        if (strcmp(name, names[i]) == 0)
            return &m->by[i];
    }
    if (strcmp(name, "iss") == 0)
        return &m->issuer;
    if (strcmp(name, "issued_before") == 0)
        return &m->issued_before;
    if (strcmp(name, "until") == 0)
        return &m->until;
    return strcmp(name, "end") == 0 ? &m->end : NULL;
}

static sjwt_status find_members(members *m)
{
    const sjwt_json_value *root = m->json->root;

    if (!sjwt_json_is_object(root))
        return refuse(m, root, "it is not an object");
    for (const sjwt_json_value *member = sjwt_json_first_member(root); member != NULL;
         member = sjwt_json_next(member)) {
        const sjwt_json_value **place = find_place(m, sjwt_json_name(member));
        if (place == NULL)
            return refuse(m, member, "a member is not known");
        *place = member;
    }
    return SJWT_OK;
}

static sjwt_status read_time(const members *m, const char *name, const sjwt_json_value *member,
                             bool *has, int64_t *out)
{
    if (member == NULL)
        return SJWT_OK;
    const sjwt_json_number *number = sjwt_json_find_number(m->json, name);
    if (number == NULL || !sjwt_json_number_int64(m->json, number, out) || *out < 0)
        return refuse(m, member, "a time is not a whole number of seconds since 1970");
    *has = true;
    return SJWT_OK;
}

/* Adds the size of a value to *size. */
static sjwt_status measure_value(const members *m, const sjwt_json_value *value, size_t *size)
{
    const char *text = sjwt_json_string(value);

    if (text == NULL || text[0] == '\0')
        return refuse(m, value, "a value is not a string, or is empty");
    *size += sizeof(char *) + strlen(text) + 1;
    return SJWT_OK;
}

/* The first value of a member that has one value or an array of them, and the one after. */
static const sjwt_json_value *first_value(const sjwt_json_value *member)
{
    return sjwt_json_is_array(member) ? sjwt_json_first(member) : member;
}

static const sjwt_json_value *next_value(const sjwt_json_value *member,
                                         const sjwt_json_value *value)
{
    return sjwt_json_is_array(member) ? sjwt_json_next(value) : NULL;
}

static void copy_values(const members *m, const sjwt_json_value *member, size_t count,
                        sjwt_revocation *out, char *buf)
{
    const char **items = (const char **)(void *)buf;
    size_t n = 0;

    buf += count * sizeof(char *);
    for (const sjwt_json_value *value = first_value(member); value != NULL;
         value = next_value(member, value)) {
        const char *text = sjwt_json_string(value);
        items[n++] = append(&buf, text, strlen(text));
    }
    out->values = (sjwt_string_list){items, count};
    const char *issuer = sjwt_json_string(m->issuer);
    out->issuer = append(&buf, issuer, strlen(issuer));
}

/* Makes the block of a line whose other members are read into *line. */
static sjwt_status make_line(const members *m, const sjwt_allocator *allocator,
                             const sjwt_revocation *line, const sjwt_json_value *values,
                             sjwt_revocation **out)
{
    size_t size = sizeof(line_block);
    size_t count = 0;

    for (const sjwt_json_value *value = values == NULL ? NULL : first_value(values); value != NULL;
         value = next_value(values, value), count++) {
        sjwt_status status = measure_value(m, value, &size);
        if (status != SJWT_OK)
            return status;
    }
    if (values != NULL) {
        if (count == 0)
            return refuse(m, values, "an array is empty");
        size += strlen(sjwt_json_string(m->issuer)) + 1;
    }
    line_block *block = sjwt_allocate(allocator, size);
    if (block == NULL)
        return sjwt_fail(m->error, SJWT_NO_MEMORY, 0, NULL);
    *block = (line_block){.allocator = *allocator, .revocation = *line};
    if (values != NULL)
        copy_values(m, values, count, &block->revocation, (char *)(block + 1));
    *out = &block->revocation;
    return SJWT_OK;
}

static sjwt_status read_end(const members *m, const sjwt_allocator *allocator,
                            sjwt_revocation **out)
{
    bool is_end;

    if (!sjwt_json_boolean(m->end, &is_end) || !is_end ||
        sjwt_json_next(sjwt_json_first_member(m->json->root)) != NULL)
        return refuse(m, m->end, "\"end\" is not true, or is not alone");
    return make_line(m, allocator, &(sjwt_revocation){.is_end = true}, NULL, out);
}

static sjwt_status read_line(members *m, const sjwt_allocator *allocator, sjwt_revocation **out)
{
    const sjwt_json_value *values = NULL;
    sjwt_revocation line = {.is_end = false};

    sjwt_status status = find_members(m);
    if (status != SJWT_OK)
        return status;
    if (m->end != NULL)
        return read_end(m, allocator, out);
    if (sjwt_json_string(m->issuer) == NULL)
        return refuse(m, m->issuer == NULL ? m->json->root : m->issuer,
                      "\"iss\" is missing, or is no string");
    for (size_t i = 0; i < SJWT_REVOKED_BY_COUNT; i++) {
        if (m->by[i] == NULL)
            continue;
        if (values != NULL)
            return refuse(m, m->by[i], "it has more than one of \"jti\", \"sid\" and \"sub\"");
        values = m->by[i];
        line.by = (sjwt_revoked_by)i;
    }
    if (values == NULL)
        return refuse(m, m->json->root, "it has none of \"jti\", \"sid\" and \"sub\"");
    if ((status = read_time(m, "issued_before", m->issued_before, &line.has_issued_before,
                            &line.issued_before)) != SJWT_OK ||
        (status = read_time(m, "until", m->until, &line.has_until, &line.until)) != SJWT_OK)
        return status;
    return make_line(m, allocator, &line, values, out);
}

/* Parses a text that need not end in a NUL. *copy is to be released after json. */
static sjwt_status parse_copy(const sjwt_allocator *allocator, const char *text, size_t len,
                              sjwt_status malformed, char **copy, sjwt_json *json,
                              sjwt_error *error)
{
    size_t position = 0;

    *copy = sjwt_allocate(allocator, len + 1);
    if (*copy == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    memcpy(*copy, text, len);
    (*copy)[len] = '\0';
    sjwt_status status = sjwt_json_parse(allocator, *copy, len, malformed, json, &position);
    if (status == SJWT_OK)
        return SJWT_OK;
    sjwt_release(allocator, *copy);
    return sjwt_fail(error, status, position, NULL);
}

sjwt_status sjwt_revocation_parse(const sjwt_allocator *allocator, const char *line, size_t len,
                                  sjwt_revocation **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_json json = {0};
    char *copy;

    *out = NULL;
    if (len > SJWT_MAX_REVOCATION_LINE)
        return sjwt_fail(error, SJWT_REVOCATION_TOO_LARGE, 0, NULL);
    sjwt_status status =
        parse_copy(&resolved, line, len, SJWT_REVOCATION_MALFORMED, &copy, &json, error);
    if (status != SJWT_OK)
        return status;
    members m = {.json = &json, .error = error};
    status = read_line(&m, &resolved, out);
    sjwt_json_free(&json);
    sjwt_release(&resolved, copy);
    return status;
}

void sjwt_revocation_free(sjwt_revocation *revocation)
{
    if (revocation == NULL)
        return;
    line_block *block =
        (line_block *)(void *)((char *)revocation - offsetof(line_block, revocation));
    sjwt_allocator allocator = block->allocator;
    sjwt_release(&allocator, block);
}

/* ---- claims of a token --------------------------------------------------- */

static sjwt_status read_claims(const sjwt_allocator *allocator, const sjwt_json *json,
                               sjwt_revocable **out, sjwt_error *error)
{
    const char *issuer = sjwt_json_string(sjwt_json_member(json->root, "iss"));
    const char *texts[SJWT_REVOKED_BY_COUNT];
    size_t lens[SJWT_REVOKED_BY_COUNT];
    size_t size;

    if (!sjwt_json_is_object(json->root))
        return sjwt_fail(error, SJWT_PAYLOAD_JSON, 0, NULL);
    if (issuer == NULL)
        issuer = "";
    size = sizeof(claims_block) + strlen(issuer) + 1;
    for (size_t i = 0; i < SJWT_REVOKED_BY_COUNT; i++) {
        texts[i] = value_text(json, sjwt_json_member(json->root, names[i]), &lens[i]);
        if (texts[i] != NULL)
            size += lens[i] + 1;
    }
    claims_block *block = sjwt_allocate(allocator, size);
    if (block == NULL)
        return sjwt_fail(error, SJWT_NO_MEMORY, 0, NULL);
    *block = (claims_block){.allocator = *allocator};
    char *buf = (char *)(block + 1);
    block->revocable.issuer = append(&buf, issuer, strlen(issuer));
    for (size_t i = 0; i < SJWT_REVOKED_BY_COUNT; i++) {
        if (texts[i] != NULL)
            block->revocable.values[i] = append(&buf, texts[i], lens[i]);
    }
    const sjwt_json_number *number = sjwt_json_find_number(json, "iat");
    if (number != NULL) {
        block->revocable.has_issued_at = true;
        block->revocable.issued_at = sjwt_json_number_scaled(json, number, 6);
    }
    *out = &block->revocable;
    return SJWT_OK;
}

sjwt_status sjwt_revocable_parse(const sjwt_allocator *allocator, const char *payload, size_t len,
                                 sjwt_revocable **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_json json = {0};
    char *copy;

    *out = NULL;
    sjwt_status status =
        parse_copy(&resolved, payload, len, SJWT_PAYLOAD_JSON, &copy, &json, error);
    if (status != SJWT_OK)
        return status;
    status = read_claims(&resolved, &json, out, error);
    sjwt_json_free(&json);
    sjwt_release(&resolved, copy);
    return status;
}

void sjwt_revocable_free(sjwt_revocable *revocable)
{
    if (revocable == NULL)
        return;
    claims_block *block =
        (claims_block *)(void *)((char *)revocable - offsetof(claims_block, revocable));
    sjwt_allocator allocator = block->allocator;
    sjwt_release(&allocator, block);
}
