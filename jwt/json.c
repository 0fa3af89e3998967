/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/json.h"
#include "jwt/memory.h"
#include "jwt/sort.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

/* Some releases of the parser cut a number here. */
#define MAX_NUMBER_LEN 63
#define MAX_EXPONENT 999

/* Up to this many members are compared each with each. */
#define FEW_MEMBERS 12

static const char blanks[] = " \t\n\r";

/* ---- the gate: one pass over the octets before the parser sees them ---- */

/* The text ends in a NUL, which no rule below accepts; so no rule need compare
 * its position with the end. */
typedef struct scanner {
    const unsigned char *next;
    sjwt_json *json;
    sjwt_status invalid;
} scanner;

static bool scan_hex4(scanner *s, unsigned *out)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        unsigned char c = *s->next;
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return false;
        value = value << 4 | digit;
        s->next++;
    }
    *out = value;
    return true;
}

static bool scan_escape(scanner *s)
{
    unsigned unit;

    s->next++;
    switch (*s->next) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->next++;
        return true;
    case 'u':
        s->next++;
        break;
    default:
        return false;
    }
    if (!scan_hex4(s, &unit) || unit == 0)
        return false;
    if (unit < 0xD800 || unit > 0xDFFF)
        return true;
    if (unit > 0xDBFF || s->next[0] != '\\' || s->next[1] != 'u')
        return false;
    s->next += 2;
    return scan_hex4(s, &unit) && unit >= 0xDC00 && unit <= 0xDFFF;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* RFC 3629 section 4: no overlong form, no surrogate, nothing above U+10FFFF. */
static bool scan_utf8(scanner *s)
{
    const unsigned char *c = s->next;

    if (c[0] >= 0xC2 && c[0] <= 0xDF) {
        if (!is_continuation(c[1]))
            return false;
        s->next += 2;
        return true;
    }
    if (c[0] >= 0xE0 && c[0] <= 0xEF) {
        if (!is_continuation(c[1]) || !is_continuation(c[2]) || (c[0] == 0xE0 && c[1] < 0xA0) ||
            (c[0] == 0xED && c[1] > 0x9F))
            return false;
        s->next += 3;
        return true;
    }
    if (c[0] >= 0xF0 && c[0] <= 0xF4) {
        if (!is_continuation(c[1]) || !is_continuation(c[2]) || !is_continuation(c[3]) ||
            (c[0] == 0xF0 && c[1] < 0x90) || (c[0] == 0xF4 && c[1] > 0x8F))
            return false;
        s->next += 4;
        return true;
    }
    return false;
}

static bool scan_string(scanner *s)
{
    if (*s->next != '"')
        return false;
    s->next++;
    for (;;) {
        while (*s->next >= 0x20 && *s->next < 0x80 && *s->next != '"' && *s->next != '\\')
            s->next++;
        if (*s->next == '"') {
            s->next++;
            return true;
        }
        if (*s->next < 0x20 || !(*s->next == '\\' ? scan_escape(s) : scan_utf8(s)))
            return false;
    }
}

static size_t scan_digits(scanner *s)
{
    const unsigned char *start = s->next;

    while (*s->next >= '0' && *s->next <= '9')
        s->next++;
    return (size_t)(s->next - start);
}

static bool scan_number(scanner *s)
{
    const unsigned char *start = s->next;

    if (*s->next == '-')
        s->next++;

    /* The first digit that is not 0 stands for 10^(magnitude - 1). */
    bool is_zero = true;
    long magnitude = 0;
    if (*s->next == '0') {
        s->next++;
    } else {
        magnitude = (long)scan_digits(s);
        if (magnitude == 0)
            return false;
        is_zero = false;
    }

    if (*s->next == '.') {
        s->next++;
        const unsigned char *fraction = s->next;
        if (scan_digits(s) == 0)
            return false;
        for (; is_zero && fraction < s->next; fraction++) {
            if (*fraction != '0')
                is_zero = false;
            else
                magnitude--;
        }
    }

    if (*s->next == 'e' || *s->next == 'E') {
        s->next++;
        bool negative = *s->next == '-';
        if (*s->next == '-' || *s->next == '+')
            s->next++;
        const unsigned char *digit = s->next;
        if (scan_digits(s) == 0)
            return false;
        long exponent = 0;
        for (; digit < s->next; digit++) {
            exponent = exponent * 10 + (*digit - '0');
            if (exponent > MAX_EXPONENT)
                return false;
        }
        magnitude += negative ? -exponent : exponent;
    }

    if (s->next - start > MAX_NUMBER_LEN)
        return false;
    /* A double reaches from 4.9e-324 to 1.8e308; the tree is asked about
     * infinity, which decides what is just above. */
    return is_zero || (magnitude >= -323 && magnitude <= 309);
}

static bool scan_word(scanner *s, const char *word)
{
    size_t len = strlen(word);

    if (strncmp((const char *)s->next, word, len) != 0)
        return false;
    s->next += len;
    return true;
}

static void skip_blanks(scanner *s)
{
    while (*s->next == ' ' || *s->next == '\t' || *s->next == '\n' || *s->next == '\r')
        s->next++;
}

static size_t offset_of(const scanner *s)
{
    return (size_t)((const char *)s->next - s->json->text);
}

static bool reserve_span(sjwt_json *json)
{
    if (json->span_count < json->span_capacity)
        return true;

    size_t capacity = json->span_capacity * 2;
    sjwt_json_span *spans = sjwt_allocate(&json->allocator, capacity * sizeof(*spans));
    if (spans == NULL)
        return false;
    memcpy(spans, json->spans, json->span_count * sizeof(*spans));
    if (json->spans != json->inside)
        sjwt_release(&json->allocator, json->spans);
    json->spans = spans;
    json->span_capacity = capacity;
    return true;
}

/* One value without what it contains: "{" and "[" are left to the caller. */
static bool scan_scalar(scanner *s)
{
    switch (*s->next) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return scan_number(s);
    }
}

/* A member's name and the colon after it. */
static sjwt_status scan_name(scanner *s, bool of_outermost_object)
{
    skip_blanks(s);
    size_t start = offset_of(s);
    if (!scan_string(s))
        return s->invalid;
    if (of_outermost_object) {
        sjwt_json *json = s->json;
        if (!reserve_span(json))
            return SJWT_NO_MEMORY;
        json->spans[json->span_count++] =
            (sjwt_json_span){.name = start, .name_len = offset_of(s) - start};
    }
    skip_blanks(s);
    if (*s->next != ':')
        return s->invalid;
    s->next++;
    return SJWT_OK;
}

static sjwt_status scan_text(scanner *s)
{
    unsigned char closers[SJWT_MAX_JSON_DEPTH];
    size_t depth = 0;
    sjwt_status status;

    for (;;) {
        skip_blanks(s);
        if (depth == 1 && s->json->span_count > 0)
            s->json->spans[s->json->span_count - 1].value.offset = offset_of(s);
        if (*s->next == '{' || *s->next == '[') {
            if (depth == SJWT_MAX_JSON_DEPTH)
                return s->invalid;
            unsigned char closer = *s->next == '{' ? '}' : ']';
            closers[depth++] = closer;
            s->next++;
            skip_blanks(s);
            if (*s->next != closer) {
                if (closer == '}' && (status = scan_name(s, depth == 1)) != SJWT_OK)
                    return status;
                continue;
            }
        } else if (!scan_scalar(s)) {
            return s->invalid;
        }

        /* A value has ended, or its last element has. */
        for (;;) {
            if (depth == 1 && s->json->span_count > 0) {
                sjwt_json_number *value = &s->json->spans[s->json->span_count - 1].value;
                value->len = offset_of(s) - value->offset;
            }
            skip_blanks(s);
            if (depth == 0)
                return SJWT_OK;
            if (*s->next != closers[depth - 1])
                break;
            depth--;
            s->next++;
        }
        if (*s->next != ',')
            return s->invalid;
        s->next++;
        if (closers[depth - 1] == '}' && (status = scan_name(s, depth == 1)) != SJWT_OK)
            return status;
    }
}

/* ---- the tree ---------------------------------------------------------- */

/* The parser makes an item of three allocations for each member. So the outermost object's
 * members are put into one piece of memory, in the parser's form. The parser reads what else
 * there is: arrays and objects, strings with an escape, and numbers that are not short. */

typedef struct object_member {
    cJSON item;
    cJSON *name;  /* what the parser made of the name, or NULL */
    cJSON *value; /* the same of the value */
} object_member;

typedef struct sjwt_json_object {
    cJSON item;
    size_t count;
    object_member members[]; /* then the text, in which a NUL ends each string */
} sjwt_json_object;

/* A double holds each integer of so many digits. */
#define SHORT_NUMBER_LEN 15

/* The gate accepts less than the parser, which fails for want of memory alone. No lock: all
 * that threads share in it is the variable behind cJSON_GetErrorPtr(), which is set here and
 * read nowhere. */
static cJSON *parse_from(const sjwt_json *json, size_t offset)
{
    const char *end;

    /* The length counts the NUL. */
    return cJSON_ParseWithLengthOpts(json->text + offset, json->text_len + 1 - offset, &end, false);
}

/* strings: a copy of the text. Ends the string that begins at offset, and returns it; NULL
 * where it has an escape. */
static char *end_string(char *strings, size_t offset, size_t len)
{
    char *string = strings + offset + 1;

    if (memchr(string, '\\', len - 2) != NULL)
        return NULL;
    string[len - 2] = '\0';
    return string;
}

static bool read_short_number(const char *text, size_t len, cJSON *item)
{
    const bool negative = *text == '-';
    int64_t value = 0;

    if (len > SHORT_NUMBER_LEN)
        return false;
    for (size_t i = negative; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    item->type = cJSON_Number;
    item->valuedouble = negative ? -(double)value : (double)value;
    return true;
}

/* False where the parser must read the value. */
static bool read_simple_value(const char *text, const sjwt_json_number *value, char *strings,
                              cJSON *item)
{
    const char *begin = text + value->offset;

    switch (*begin) {
    case '"':
        item->type = cJSON_String;
        item->valuestring = end_string(strings, value->offset, value->len);
        return item->valuestring != NULL;
    case 't':
        item->type = cJSON_True;
        return true;
    case 'f':
        item->type = cJSON_False;
        return true;
    case 'n':
        item->type = cJSON_NULL;
        return true;
    case '{':
    case '[':
        return false;
    default:
        return read_short_number(begin, value->len, item);
    }
}

static sjwt_status read_member(const sjwt_json *json, const sjwt_json_span *span, char *strings,
                               object_member *member)
{
    if (!read_simple_value(json->text, &span->value, strings, &member->item)) {
        member->value = parse_from(json, span->value.offset);
        if (member->value == NULL)
            return SJWT_NO_MEMORY;
        member->item = *member->value;
    }
    member->item.string = end_string(strings, span->name, span->name_len);
    if (member->item.string == NULL) {
        member->name = parse_from(json, span->name);
        if (member->name == NULL)
            return SJWT_NO_MEMORY;
        member->item.string = member->name->valuestring;
    }
    return SJWT_OK;
}

static sjwt_status make_object(sjwt_json *json)
{
    const size_t head = sizeof(sjwt_json_object) + json->span_count * sizeof(object_member);
    sjwt_json_object *object = sjwt_allocate(&json->allocator, head + json->text_len + 1);
    if (object == NULL)
        return SJWT_NO_MEMORY;
    char *strings = (char *)object + head;
    cJSON **next = &object->item.child;

    memset(object, 0, head);
    memcpy(strings, json->text, json->text_len + 1);
    object->count = json->span_count;
    object->item.type = cJSON_Object;
    json->object = object;
    json->root = &object->item;
    for (size_t i = 0; i < object->count; i++) {
        sjwt_status status = read_member(json, &json->spans[i], strings, &object->members[i]);
        if (status != SJWT_OK)
            return status;
        *next = &object->members[i].item;
        next = &object->members[i].item.next;
    }
    return SJWT_OK;
}

static sjwt_status make_tree(sjwt_json *json)
{
    if (json->text[strspn(json->text, blanks)] == '{')
        return make_object(json);
    json->root = parse_from(json, 0);
    return json->root == NULL ? SJWT_NO_MEMORY : SJWT_OK;
}

static void free_object(sjwt_json *json)
{
    sjwt_json_object *object = json->object;

    for (size_t i = 0; i < object->count; i++) {
        cJSON_Delete(object->members[i].name);
        cJSON_Delete(object->members[i].value);
    }
    if (json->copy != NULL)
        sjwt_wipe(object->members + object->count, json->text_len);
    sjwt_release(&json->allocator, object);
}

/* ---- what the text alone does not show --------------------------------- */

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

static sjwt_status refuse_duplicates_of_many(const sjwt_allocator *allocator, const cJSON *object,
                                             size_t count, sjwt_status invalid)
{
    const void **names = sjwt_allocate(allocator, count * sizeof(*names));
    if (names == NULL)
        return SJWT_NO_MEMORY;
    size_t n = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next)
        names[n++] = member->string;
    sjwt_sort(names, count, compare_names);
    sjwt_status status = SJWT_OK;
    for (n = 1; n < count; n++) {
        if (compare_names(names[n - 1], names[n]) == 0) {
            status = invalid;
            break;
        }
    }
    sjwt_release(allocator, names);
    return status;
}

static sjwt_status refuse_duplicates(const sjwt_allocator *allocator, const cJSON *object,
                                     sjwt_status invalid)
{
    size_t count = 0;

    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        if (++count > FEW_MEMBERS)
            continue;
        for (const cJSON *other = object->child; other != member; other = other->next) {
            if (compare_names(other->string, member->string) == 0)
                return invalid;
        }
    }
    return count > FEW_MEMBERS ? refuse_duplicates_of_many(allocator, object, count, invalid)
                               : SJWT_OK;
}

/* Recurses as deep as the gate lets a text nest. */
static sjwt_status check_tree(const sjwt_allocator *allocator, const cJSON *value,
                              sjwt_status invalid)
{
    sjwt_status status = SJWT_OK;

    if (cJSON_IsNumber(value))
        return isfinite(value->valuedouble) ? SJWT_OK : invalid;
    if (cJSON_IsObject(value))
        status = refuse_duplicates(allocator, value, invalid);
    for (const cJSON *child = value->child; child != NULL && status == SJWT_OK; child = child->next)
        status = check_tree(allocator, child, invalid);
    return status;
}

static void wipe_string(char *string)
{
    if (string != NULL)
        sjwt_wipe(string, strlen(string));
}

static void wipe_tree(cJSON *value)
{
    for (; value != NULL; value = value->next) {
        wipe_string(value->valuestring);
        wipe_tree(value->child);
    }
}

/* ---- the interface ----------------------------------------------------- */

static void start(sjwt_json *json, const sjwt_allocator *allocator, const char *text, size_t len)
{
    json->allocator = *allocator;
    json->text = text;
    json->text_len = len;
    json->copy = NULL;
    json->root = NULL;
    json->object = NULL;
    json->spans = json->inside;
    json->span_count = 0;
    json->span_capacity = SJWT_JSON_SPANS_INSIDE;
}

static sjwt_status read_text(sjwt_json *json, sjwt_status invalid, size_t *position)
{
    scanner s = {(const unsigned char *)json->text, json, invalid};
    sjwt_status status = scan_text(&s);
    size_t stopped = (size_t)((const char *)s.next - json->text);

    if (status == SJWT_OK && stopped != json->text_len)
        status = invalid;
    if (status == SJWT_OK) {
        stopped = 0;
        status = make_tree(json);
        if (status == SJWT_OK)
            status = check_tree(&json->allocator, json->root, invalid);
    }
    if (status != SJWT_OK) {
        sjwt_json_free(json);
        if (position != NULL)
            *position = stopped;
    }
    return status;
}

sjwt_status sjwt_json_parse(const sjwt_allocator *allocator, const char *text, size_t len,
                            sjwt_status invalid, sjwt_json *json, size_t *position)
{
    start(json, allocator, text, len);
    return read_text(json, invalid, position);
}

sjwt_status sjwt_json_parse_secret(const sjwt_allocator *allocator, const char *text, size_t len,
                                   sjwt_status invalid, sjwt_json *json, size_t *position)
{
    char *copy = sjwt_allocate(allocator, len + 1);

    start(json, allocator, copy, len);
    if (copy == NULL) {
        if (position != NULL)
            *position = 0;
        return SJWT_NO_MEMORY;
    }
    if (len > 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    json->copy = copy;
    return read_text(json, invalid, position);
}

void sjwt_json_free(sjwt_json *json)
{
    if (json->copy != NULL) {
        wipe_tree(json->root);
        sjwt_wipe(json->copy, json->text_len);
    }
    if (json->object != NULL)
        free_object(json);
    else
        cJSON_Delete(json->root);
    json->object = NULL;
    sjwt_release(&json->allocator, json->copy);
    json->copy = NULL;
    if (json->spans != json->inside)
        sjwt_release(&json->allocator, json->spans);
    json->spans = NULL;
    json->span_count = 0;
    json->root = NULL;
}

bool sjwt_json_is_object(const sjwt_json_value *value)
{
    return cJSON_IsObject(value);
}

bool sjwt_json_is_array(const sjwt_json_value *value)
{
    return cJSON_IsArray(value);
}

bool sjwt_json_is_number(const sjwt_json_value *value)
{
    return cJSON_IsNumber(value);
}

bool sjwt_json_is_null(const sjwt_json_value *value)
{
    return cJSON_IsNull(value);
}

bool sjwt_json_boolean(const sjwt_json_value *value, bool *out)
{
    if (!cJSON_IsBool(value))
        return false;
    *out = cJSON_IsTrue(value);
    return true;
}

double sjwt_json_double(const sjwt_json_value *number)
{
    return number->valuedouble;
}

const char *sjwt_json_string(const sjwt_json_value *value)
{
    return cJSON_IsString(value) ? value->valuestring : NULL;
}

const sjwt_json_value *sjwt_json_member(const sjwt_json_value *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const sjwt_json_value *sjwt_json_first(const sjwt_json_value *array)
{
    return cJSON_IsArray(array) ? array->child : NULL;
}

const sjwt_json_value *sjwt_json_next(const sjwt_json_value *element)
{
    return element->next;
}

const sjwt_json_value *sjwt_json_first_member(const sjwt_json_value *object)
{
    return cJSON_IsObject(object) ? object->child : NULL;
}

const char *sjwt_json_name(const sjwt_json_value *member)
{
    return member->string;
}

/* Adds to *count the values that begin before the one sought; true when it was
 * found below value. Recurses as deep as the gate lets a text nest. */
static bool count_before(const cJSON *value, const cJSON *sought, size_t *count)
{
    if (value == sought)
        return true;
    ++*count;
    for (const cJSON *child = value->child; child != NULL; child = child->next) {
        if (count_before(child, sought, count))
            return true;
    }
    return false;
}

/* The octet after the string that begins here. */
static const char *skip_string(const char *next)
{
    for (next++; *next != '"'; next++)
        next += *next == '\\';
    return next + 1;
}

static const char between[] = " \t\n\r,:]}";

size_t sjwt_json_position(const sjwt_json *json, const sjwt_json_value *value)
{
    const char *next = json->text;
    size_t left = 0;

    count_before(json->root, value, &left);
    for (;;) {
        next += strspn(next, between);
        const char *begin = next;
        if (*next == '"') {
            next = skip_string(next);
            if (next[strspn(next, blanks)] == ':')
                continue; /* a name */
        } else if (*next == '{' || *next == '[') {
            next++;
        } else {
            next += strcspn(next, between);
        }
        if (left-- == 0)
            return (size_t)(begin - json->text);
    }
}

const char *sjwt_json_text(const sjwt_json *json, const sjwt_json_value *value, size_t *len)
{
    const char *begin = json->text + sjwt_json_position(json, value);
    const char *next = begin;
    size_t depth = 0;

    do {
        if (*next == '"') {
            next = skip_string(next);
        } else if (*next == '{' || *next == '[') {
            depth++;
            next++;
        } else if (*next == '}' || *next == ']') {
            depth--;
            next++;
        } else {
            next += depth > 0 ? 1 : strcspn(next, between);
        }
    } while (depth > 0);
    *len = (size_t)(next - begin);
    return begin;
}

const sjwt_json_number *sjwt_json_find_number(const sjwt_json *json, const char *name)
{
    const cJSON *found = sjwt_json_member(json->root, name);

    if (!cJSON_IsNumber(found))
        return NULL;
    size_t n = 0;
    while (&json->object->members[n].item != found)
        n++;
    return &json->spans[n].value;
}

bool sjwt_json_number_int64(const sjwt_json *json, const sjwt_json_number *number, int64_t *out)
{
    const char *digit = json->text + number->offset;
    const char *end = digit + number->len;
    bool negative = *digit == '-';
    uint64_t limit = negative ? UINT64_C(1) << 63 : INT64_MAX;
    uint64_t value = 0;

    for (digit += negative; digit < end; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        unsigned units = (unsigned)(*digit - '0');
        if (value > (limit - units) / 10)
            return false;
        value = value * 10 + units;
    }
    if (negative)
        *out = value == limit ? INT64_MIN : -(int64_t)value;
    else
        *out = (int64_t)value;
    return true;
}

int64_t sjwt_json_number_scaled(const sjwt_json *json, const sjwt_json_number *number, int power)
{
    const char *next = json->text + number->offset;
    const char *end = next + number->len;
    bool negative = *next == '-';
    char digits[MAX_NUMBER_LEN];
    int count = 0;
    int point; /* digits before the decimal point */

    next += negative;
    for (; next < end && *next >= '0' && *next <= '9'; next++)
        digits[count++] = *next;
    point = count;
    if (next < end && *next == '.') {
        for (next++; next < end && *next >= '0' && *next <= '9'; next++)
            digits[count++] = *next;
    }
    if (next < end) {
        next++;
        bool to_the_left = *next == '-';
        next += *next == '-' || *next == '+';
        int exponent = 0;
        for (; next < end; next++)
            exponent = exponent * 10 + (*next - '0');
        point += to_the_left ? -exponent : exponent;
    }
    point += power;

    uint64_t limit = negative ? UINT64_C(1) << 63 : INT64_MAX;
    uint64_t value = 0;
    for (int i = 0; i < point; i++) {
        unsigned units = i < count ? (unsigned)(digits[i] - '0') : 0;
        if (value > (limit - units) / 10)
            return negative ? INT64_MIN : INT64_MAX;
        value = value * 10 + units;
    }
    if (!negative)
        return (int64_t)value;
    bool has_rest = false;
    for (int i = point > 0 ? point : 0; i < count; i++)
        has_rest = has_rest || digits[i] != '0';
    if (value + has_rest >= limit)
        return INT64_MIN;
    return -(int64_t)(value + has_rest);
}
