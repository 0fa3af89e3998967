/* What the gate lets through, the parser takes; and it is one value, whole. */
#include "fuzz.h"

#include "jwt/json.h"
#include "jwt/memory.h"

static jwt_status parse(const char *text, size_t len, jwt_json *json, size_t *position)
{
    jwt_allocator allocator = jwt_allocator_resolve(NULL);

    return jwt_json_parse(&allocator, text, len, JWT_PAYLOAD_JSON, json, position);
}

static void look_at(const jwt_json *json)
{
    static const char *const names[] = {"exp", "nbf", "iat", "jti", ""};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const jwt_json_number *number = jwt_json_find_number(json, names[i]);
        int64_t exact;
        must((number != NULL) == jwt_json_is_number(jwt_json_member(json->root, names[i])));
        if (number == NULL)
            continue;
        int64_t seconds = jwt_json_number_scaled(json, number, 0);
        int64_t microseconds = jwt_json_number_scaled(json, number, 6);
        if (jwt_json_number_int64(json, number, &exact))
            must(exact == seconds);
        must(seconds >= 0 ? microseconds >= seconds : microseconds <= 0);
    }

    size_t before = 0;
    for (const jwt_json_value *member = jwt_json_first_member(json->root); member != NULL;
         member = jwt_json_next(member)) {
        size_t position = jwt_json_position(json, member);
        must(position > before && position < json->text_len);
        must(memchr("\"{[tfn-0123456789", json->text[position], 17) != NULL);
        must(jwt_json_member(json->root, jwt_json_name(member)) == member);
        before = position;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jwt_json json;
    size_t position = 0;
    char *text = copied(data, size);

    jwt_status status = parse(text, size, &json, &position);
    must(status == JWT_OK || status == JWT_PAYLOAD_JSON);
    if (status == JWT_OK) {
        must(memchr(text, '\0', size) == NULL);
        look_at(&json);
        jwt_json_free(&json);
        /* Followed by anything but blanks it is nothing. */
        char *longer = malloc(size + 2);
        must(longer != NULL);
        memcpy(longer, text, size);
        memcpy(longer + size, "!", 2);
        must(parse(longer, size + 1, &json, NULL) == JWT_PAYLOAD_JSON);
        memcpy(longer + size, " ", 2);
        must(parse(longer, size + 1, &json, NULL) == JWT_OK);
        jwt_json_free(&json);
        free(longer);
    } else {
        must(position <= size);
    }
    free(text);
    return 0;
}
