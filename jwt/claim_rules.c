/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/claim_rules.h"
#include "jwt/document.h"
#include "jwt/error.h"
#include "jwt/memory.h"

#include <sjwt/limits.h>

#include <string.h>

/* ---- reading ----------------------------------------------------------- */

static bool is_any(const sjwt_json_value *value)
{
    const char *string = sjwt_json_string(value);

    return string != NULL && strcmp(string, "*") == 0;
}

/* Of an array its first item, else the value itself. */
static const sjwt_json_value *first_value(const sjwt_json_value *value)
{
    return sjwt_json_is_array(value) ? sjwt_json_first(value) : value;
}

static const sjwt_json_value *next_value(const sjwt_json_value *value, const sjwt_json_value *item)
{
    return sjwt_json_is_array(value) ? sjwt_json_next(item) : NULL;
}

static const char *find_value_fault(const sjwt_json_value *value)
{
    bool boolean;

    if (sjwt_json_string(value) == NULL && !sjwt_json_boolean(value, &boolean))
        return "has a value that is no string, true or false";
    return NULL;
}

static bool set_fault(sjwt_claim_rules_fault *fault, const sjwt_json_value *at, const char *what)
{
    *fault = (sjwt_claim_rules_fault){at, what};
    return false;
}

/* Adds the octets that the values take to *size. */
static bool measure_values(const sjwt_json_value *value, size_t *size,
                           sjwt_claim_rules_fault *fault)
{
    size_t count = 0;

    if (is_any(value))
        return true;
    for (const sjwt_json_value *item = first_value(value); item != NULL;
         item = next_value(value, item)) {
        const char *what = find_value_fault(item);
        if (what == NULL && is_any(item))
            what = "has \"*\" among other values";
        if (what == NULL && ++count > SJWT_MAX_CLAIM_VALUES)
            what = "has too many values of one claim";
        if (what != NULL)
            return set_fault(fault, item, what);
        const char *string = sjwt_json_string(item);
        *size += sizeof(sjwt_claim_value) + (string == NULL ? 0 : strlen(string) + 1);
    }
    return count > 0 || set_fault(fault, value, "has a claim without a value");
}

static bool measure(const sjwt_json_value *object, size_t *count, size_t *size,
                    sjwt_claim_rules_fault *fault)
{
    *count = 0;
    *size = sizeof(sjwt_claim_rules);
    for (const sjwt_json_value *member = sjwt_json_first_member(object); member != NULL;
         member = sjwt_json_next(member)) {
        const char *name = sjwt_json_name(member);
        if (name[0] == '\0')
            return set_fault(fault, member, "has a claim without a name");
        if (++*count > SJWT_MAX_CLAIM_RULES)
            return set_fault(fault, member, "has too many claims");
        *size += sizeof(sjwt_claim_rule) + strlen(name) + 1;
        if (!measure_values(member, size, fault))
            return false;
    }
    return *count > 0 || set_fault(fault, object, "must be an object, and not empty");
}

/* The one block of memory: the rules, their values, and the strings. */
typedef struct block {
    sjwt_claim_rule *rule;
    sjwt_claim_value *value;
    char *string;
} block;

static const char *keep_string(block *next, const char *string)
{
    size_t size = strlen(string) + 1;
    const char *kept = memcpy(next->string, string, size);

    next->string += size;
    return kept;
}

static void keep_rule(block *next, const sjwt_json_value *member)
{
    sjwt_claim_rule *rule = next->rule++;

    rule->name = keep_string(next, sjwt_json_name(member));
    rule->any_value = is_any(member);
    if (rule->any_value)
        return;
    rule->values = next->value;
    for (const sjwt_json_value *item = first_value(member); item != NULL;
         item = next_value(member, item)) {
        const char *string = sjwt_json_string(item);
        if (string != NULL)
            next->value->string = keep_string(next, string);
        else
            sjwt_json_boolean(item, &next->value->boolean);
        next->value++;
        rule->count++;
    }
}

static size_t count_values(const sjwt_json_value *object)
{
    size_t count = 0;

    for (const sjwt_json_value *member = sjwt_json_first_member(object); member != NULL;
         member = sjwt_json_next(member)) {
        if (is_any(member))
            continue;
        for (const sjwt_json_value *item = first_value(member); item != NULL;
             item = next_value(member, item))
            count++;
    }
    return count;
}

sjwt_status sjwt_claim_rules_read(const sjwt_allocator *allocator, const sjwt_json_value *value,
                                  sjwt_claim_rules **out, sjwt_claim_rules_fault *fault)
{
    size_t count, size;

    *out = NULL;
    if (!measure(value, &count, &size, fault))
        return SJWT_CLAIM_RULES_INVALID;
    sjwt_claim_rules *rules = sjwt_allocate(allocator, size);
    if (rules == NULL)
        return SJWT_NO_MEMORY;
    memset(rules, 0, size);
    block next = {.rule = (sjwt_claim_rule *)(rules + 1)};
    next.value = (sjwt_claim_value *)(next.rule + count);
    next.string = (char *)(next.value + count_values(value));
    rules->items = next.rule;
    rules->count = count;
    for (const sjwt_json_value *member = sjwt_json_first_member(value); member != NULL;
         member = sjwt_json_next(member))
        keep_rule(&next, member);
    *out = rules;
    return SJWT_OK;
}

sjwt_status sjwt_claim_rules_parse(const sjwt_allocator *allocator, const char *json, size_t len,
                                   sjwt_claim_rules **out, sjwt_error *error)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);
    sjwt_claim_rules_fault fault = {NULL, NULL};
    sjwt_json document;

    *out = NULL;
    sjwt_status status = sjwt_document_parse(&resolved, json, len, SJWT_CLAIM_RULES_INVALID,
                                             SJWT_CLAIM_RULES_MALFORMED, &document, error);
    if (status != SJWT_OK)
        return status;
    status = sjwt_claim_rules_read(&resolved, document.root, out, &fault);
    if (status != SJWT_OK)
        sjwt_fail(error, status, fault.at == NULL ? 0 : sjwt_json_position(&document, fault.at),
                  fault.what);
    sjwt_json_free(&document);
    return status;
}

void sjwt_claim_rules_free(const sjwt_allocator *allocator, sjwt_claim_rules *rules)
{
    sjwt_allocator resolved = sjwt_allocator_resolve(allocator);

    if (rules != NULL)
        sjwt_release(&resolved, rules);
}

/* ---- checking ---------------------------------------------------------- */

static bool is_one_of(const sjwt_json_value *value, const sjwt_claim_rule *rule)
{
    const char *string = sjwt_json_string(value);
    bool boolean;

    if (string == NULL && !sjwt_json_boolean(value, &boolean))
        return false;
    for (size_t i = 0; i < rule->count; i++) {
        const sjwt_claim_value *wanted = &rule->values[i];
        if ((string == NULL) != (wanted->string == NULL))
            continue;
        if (string == NULL ? boolean == wanted->boolean : strcmp(string, wanted->string) == 0)
            return true;
    }
    return false;
}

static bool fits(const sjwt_json_value *claim, const sjwt_claim_rule *rule)
{
    if (rule->any_value)
        return true;
    for (const sjwt_json_value *item = first_value(claim); item != NULL;
         item = next_value(claim, item)) {
        if (is_one_of(item, rule))
            return true;
    }
    return false;
}

sjwt_status sjwt_claim_rules_check(const sjwt_json_value *claims, const sjwt_claim_rules *rules,
                                   size_t first_index, sjwt_error *error)
{
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        const sjwt_claim_rule *rule = &rules->items[i];
        const sjwt_json_value *claim = sjwt_json_member(claims, rule->name);
        bool missing = claim == NULL || sjwt_json_is_null(claim);
        if (!missing && fits(claim, rule))
            continue;
        sjwt_status status =
            sjwt_fail(error, missing ? SJWT_CLAIM_MISSING : SJWT_CLAIM_REFUSED, 0, rule->name);
        if (error != NULL)
            error->claim_index = first_index + i;
        return status;
    }
    return SJWT_OK;
}

/* ---- issuers that have a claim's value in their name -------------------- */

bool sjwt_issuer_is_pattern(const char *issuer)
{
    return strpbrk(issuer, "{}") != NULL;
}

/* A place for a claim's value in a pattern. */
typedef struct place {
    const char *begin; /* "{" */
    const char *name;
    size_t name_len;
    const char *end; /* after "}" */
} place;

/* The first place from here on. False: there is none, or a brace is out of place; then
 * out->begin is at the brace, else NULL. */
static bool find_place(const char *pattern, place *out)
{
    *out = (place){.begin = strpbrk(pattern, "{}")};
    if (out->begin == NULL || *out->begin != '{')
        return false;
    out->name = out->begin + 1;
    out->name_len = strcspn(out->name, "{}");
    if (out->name_len == 0 || out->name[out->name_len] != '}')
        return false;
    out->end = out->name + out->name_len + 1;
    return true;
}

static const sjwt_claim_rule *find_rule(const sjwt_claim_rules *rules, const place *at)
{
    for (size_t i = 0; rules != NULL && i < rules->count; i++) {
        const char *name = rules->items[i].name;
        if (strlen(name) == at->name_len && memcmp(name, at->name, at->name_len) == 0)
            return &rules->items[i];
    }
    return NULL;
}

const char *sjwt_issuer_pattern_fault(const char *pattern, const sjwt_claim_rules *rules)
{
    place at;

    for (; find_place(pattern, &at); pattern = at.end) {
        if (find_rule(rules, &at) == NULL)
            return "\"issuer\" has a claim in braces that is not in \"claims\"";
    }
    return at.begin == NULL ? NULL : "\"issuer\" has a brace that is not one of \"{claim}\"";
}

/* The unreserved characters of RFC 3986 section 2.3: with "/", a tenant could name the
 * issuer of another. */
static bool is_plain(const char *value, size_t len)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    return len > 0 && len <= 255 && strspn(value, plain) == len;
}

/* Moves *issuer behind the value of the place. */
static bool skip_value(const place *at, const sjwt_claim_rules *rules,
                       const sjwt_json_value *claims, const char **issuer)
{
    const sjwt_claim_rule *rule = find_rule(rules, at);
    const char *value =
        rule == NULL ? NULL : sjwt_json_string(sjwt_json_member(claims, rule->name));

    if (value == NULL)
        return false;
    size_t len = strlen(value);
    if (!is_plain(value, len) || strncmp(*issuer, value, len) != 0)
        return false;
    *issuer += len;
    return true;
}

bool sjwt_issuer_matches(const char *pattern, const sjwt_claim_rules *rules, const char *issuer,
                         const sjwt_json_value *claims)
{
    place at;

    if (!sjwt_issuer_is_pattern(pattern))
        return false;
    for (; find_place(pattern, &at); pattern = at.end) {
        size_t before = (size_t)(at.begin - pattern);
        if (strncmp(issuer, pattern, before) != 0)
            return false;
        issuer += before;
        if (!skip_value(&at, rules, claims, &issuer))
            return false;
    }
    return at.begin == NULL && strcmp(issuer, pattern) == 0;
}

sjwt_status sjwt_issuer_check(const char *issuer, const sjwt_claim_rules *rules, sjwt_error *error)
{
    const char *fault = sjwt_issuer_pattern_fault(issuer, rules);

    return fault == NULL ? SJWT_OK : sjwt_fail(error, SJWT_CLAIM_RULES_INVALID, 0, fault);
}

bool sjwt_issuer_is_several(const char *issuer, const sjwt_claim_rules *rules)
{
    place at;

    for (; find_place(issuer, &at); issuer = at.end) {
        const sjwt_claim_rule *rule = find_rule(rules, &at);
        if (rule == NULL || rule->any_value || rule->count != 1)
            return true;
    }
    return false;
}
