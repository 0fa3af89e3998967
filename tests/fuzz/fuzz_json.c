/* SPDX-License-Identifier: Apache-2.0 */
/* The parser accepts each text that the checker accepts, and makes the same tree of it. */
#include "fuzz.h"

#include <cjson/cJSON.h>

#include "jwt/json.h"
#include "jwt/memory.h"

static sjwt_status parse(const char *text, size_t len, sjwt_json *json, size_t *position)
{
    sjwt_allocator allocator = sjwt_allocator_resolve(NULL);

    return sjwt_json_parse(&allocator, text, len, SJWT_PAYLOAD_JSON, json, position);
}

static void look_at(const sjwt_json *json)
{
    static const char *const names[] = {"exp", "nbf", "iat", "jti", ""};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const sjwt_json_number *number = sjwt_json_find_number(json, names[i]);
        int64_t exact;
        must((number != NULL) == sjwt_json_is_number(sjwt_json_member(json->root, names[i])));
        if (number == NULL)
            continue;
        int64_t seconds = sjwt_json_number_scaled(json, number, 0);
        int64_t microseconds = sjwt_json_number_scaled(json, number, 6);
        if (sjwt_json_number_int64(json, number, &exact))
            must(exact == seconds);
        must(seconds >= 0 ? microseconds >= seconds : microseconds <= 0);
    }

    size_t before = 0;
    for (const sjwt_json_value *member = sjwt_json_first_member(json->root); member != NULL;
         member = sjwt_json_next(member)) {
        size_t position = sjwt_json_position(json, member);
        must(position > before && position < json->text_len);
        must(memchr("\"{[tfn-0123456789", json->text[position], 17) != NULL);
        must(sjwt_json_member(json->root, sjwt_json_name(member)) == member);
        before = position;
    }
}

typedef struct given {
    const char *text;
    size_t len;
} given;

static int parse_only(const void *context)
{
    const given *g = context;
    sjwt_json json;

    sjwt_status status = parse(g->text, g->len, &json, NULL);
    sjwt_json_free(&json);
    return (int)status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sjwt_json json;
    size_t position = 0;
    char *text = copied(data, size);

    sjwt_status status = parse(text, size, &json, &position);
    must(status == SJWT_OK || status == SJWT_PAYLOAD_JSON);
    if (status == SJWT_OK) {
        must(memchr(text, '\0', size) == NULL);
        look_at(&json);
        cJSON *tree = cJSON_Parse(text);
        must(tree != NULL && cJSON_Compare(json.root, tree, true));
        cJSON_Delete(tree);
        sjwt_json_free(&json);
        /* With any text but blanks after the value, it is refused. */
        char *longer = malloc(size + 2);
        must(longer != NULL);
        memcpy(longer, text, size);
        memcpy(longer + size, "!", 2);
        must(parse(longer, size + 1, &json, NULL) == SJWT_PAYLOAD_JSON);
        memcpy(longer + size, " ", 2);
        must(parse(longer, size + 1, &json, NULL) == SJWT_OK);
        sjwt_json_free(&json);
        free(longer);
    } else {
        must(position <= size);
    }
    fail_each_allocation(parse_only, &(given){text, size}, SJWT_NO_MEMORY, hash_of(data, size));
    free(text);
    return 0;
}
