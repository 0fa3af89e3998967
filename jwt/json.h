/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - strict JSON (RFC 8259), read one way only.
 *
 * What the core checks, PostgreSQL's jsonb must later read alike; so every text
 * that two readers might take differently is refused: invalid UTF-8, U+0000
 * however written, lone surrogates, raw control characters, a byte order mark,
 * duplicate members at any level, anything after the value, nesting beyond
 * SJWT_MAX_JSON_DEPTH, and numbers longer than 63 octets, with an exponent
 * beyond 999 or of a magnitude that no double holds.
 *
 * json.c alone knows the parser behind this.
 */
#ifndef PG_SESSION_JWT_JWT_JSON_H
#define PG_SESSION_JWT_JWT_JSON_H

#include <sjwt/limits.h>
#include <sjwt/memory.h>
#include <sjwt/status.h>

/* A node of the tree; the parser's own. */
typedef struct cJSON sjwt_json_value;

/* A number as it stands in the text, since a double does not hold it. */
typedef struct sjwt_json_number {
    size_t offset;
    size_t len;
} sjwt_json_number;

/* A member of the outermost object, as it stands in the text: the name with its quotes, and
 * the value. */
typedef struct sjwt_json_span {
    size_t name;
    size_t name_len;
    sjwt_json_number value;
} sjwt_json_span;

#define SJWT_JSON_SPANS_INSIDE 16

/* A parsed text; initialized by sjwt_json_parse(), its members are json.c's. */
typedef struct sjwt_json {
    sjwt_allocator allocator;
    const char *text;
    size_t text_len;
    char *copy; /* the text, where it is this one's own */
    sjwt_json_value *root;
    struct sjwt_json_object *object; /* of which root is a part; NULL: root is the parser's */
    /* the outermost object's members, in order */
    sjwt_json_span *spans;
    size_t span_count;
    size_t span_capacity;
    sjwt_json_span inside[SJWT_JSON_SPANS_INSIDE];
} sjwt_json;

/*
 * Parses text[0..len), borrowed until sjwt_json_free(); text[len] must be NUL.
 * SJWT_OK, SJWT_NO_MEMORY or, for all that is not strict JSON, the status given
 * as invalid, *position (may be NULL) then being where reading stopped. On
 * failure nothing is left to free, and sjwt_json_free() harmless.
 * json must not be copied.
 */
sjwt_status sjwt_json_parse(const sjwt_allocator *allocator, const char *text, size_t len,
                            sjwt_status invalid, sjwt_json *json, size_t *position);

/* The same for a text that may hold private keys, and that need not end in a
 * NUL: it is copied, and what was made of it is zeroed before it is freed; but
 * for what the parser has made when it runs out of memory, and frees itself. */
sjwt_status sjwt_json_parse_secret(const sjwt_allocator *allocator, const char *text, size_t len,
                                   sjwt_status invalid, sjwt_json *json, size_t *position);

/* Harmless also for a sjwt_json that is all zeros. */
void sjwt_json_free(sjwt_json *json);

bool sjwt_json_is_object(const sjwt_json_value *value);
bool sjwt_json_is_array(const sjwt_json_value *value);
bool sjwt_json_is_number(const sjwt_json_value *value);
bool sjwt_json_is_null(const sjwt_json_value *value);
/* True where the value is true or false; that goes to *out. */
bool sjwt_json_boolean(const sjwt_json_value *value, bool *out);
/* A number, rounded. */
double sjwt_json_double(const sjwt_json_value *number);
/* The unescaped string, NUL-terminated, the tree's own; NULL if it is none. */
const char *sjwt_json_string(const sjwt_json_value *value);

/* The member of exactly this name, or NULL; NULL also where object is no object. */
const sjwt_json_value *sjwt_json_member(const sjwt_json_value *object, const char *name);

/* An array's elements: the first, and the one after; NULL when there is none. */
const sjwt_json_value *sjwt_json_first(const sjwt_json_value *array);
const sjwt_json_value *sjwt_json_next(const sjwt_json_value *element);

/* An object's members in order: the first; sjwt_json_next() is the one after. */
const sjwt_json_value *sjwt_json_first_member(const sjwt_json_value *object);
/* The unescaped name, NUL-terminated, the tree's own. */
const char *sjwt_json_name(const sjwt_json_value *member);

/* The octet at which a value of this tree begins: for telling where it is wrong. */
size_t sjwt_json_position(const sjwt_json *json, const sjwt_json_value *value);

/* The value as it stands in the text, from its first octet: *len octets. */
const char *sjwt_json_text(const sjwt_json *json, const sjwt_json_value *value, size_t *len);

/* The number that is the outermost object's member of exactly this name; NULL
 * where the member is absent or no number. */
const sjwt_json_number *sjwt_json_find_number(const sjwt_json *json, const char *name);

/* The number exactly; false where it has a fraction or an exponent, or is
 * outside of int64. */
bool sjwt_json_number_int64(const sjwt_json *json, const sjwt_json_number *number, int64_t *out);

/* The number times ten to the power given, rounded down, limited to the range of int64. */
int64_t sjwt_json_number_scaled(const sjwt_json *json, const sjwt_json_number *number, int power);

#endif
