/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/text_fault.h"
#include "jwt/ascii.h"

#include <stdbool.h>
#include <string.h>

typedef struct beginning {
    const char *octets; /* letters in lower case */
    const char *fault;
} beginning;

static const beginning of_token[] = {
    {"\xEF\xBB\xBF", "the text begins with a byte order mark"},
    {"bearer ", "the text begins with \"Bearer \""},
    {"authorization:", "the text begins with \"Authorization:\""},
    {"\"", "the text begins with a quote"},
    {"'", "the text begins with a quote"},
    {"{", "the text is JSON, not a token"},
    {"-----begin", "the text is PEM, not a token"},
    {" ", "the text begins with a blank"},
    {"\t", "the text begins with a tab"},
    {"\r", "the text begins with a line end"},
    {"\n", "the text begins with a line end"},
};

static const beginning of_json[] = {
    {"\xEF\xBB\xBF", "byte order mark at octet 1"},
    {"\xFE\xFF", "the text is UTF-16; it must be UTF-8"},
    {"\xFF\xFE", "the text is UTF-16; it must be UTF-8"},
    {"\x1F\x8B", "the text is compressed (gzip)"},
    {"-----begin", "the text is PEM, not JSON: sjwt jwk FILE converts it"},
    {"0\x82", "the text is DER, not JSON: sjwt jwk FILE converts it"},
    {"<", "the text is HTML or XML, not JSON"},
    {"'", "the text is in single quotes"},
};

static bool begins_with(const char *text, size_t len, const char *octets)
{
    size_t i = 0;

    while (i < len && octets[i] != '\0' && sjwt_lower(text[i]) == octets[i])
        i++;
    return octets[i] == '\0';
}

static const char *find(const beginning *table, size_t count, const char *text, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_with(text, len, table[i].octets))
            return table[i].fault;
    }
    return NULL;
}

#define FIND(table, text, len) find(table, sizeof(table) / sizeof((table)[0]), text, len)

static const char *find_ending(const char *text, size_t len)
{
    switch (text[len - 1]) {
    case '\n':
    case '\r':
        return "the text ends with a line end";
    case ' ':
        return "the text ends with a blank";
    case '\t':
        return "the text ends with a tab";
    case '"':
    case '\'':
        return "the text ends with a quote";
    default:
        return NULL;
    }
}

static size_t count_dots(const char *text, size_t len)
{
    size_t dots = 0;

    for (size_t i = 0; i < len; i++)
        dots += text[i] == '.';
    return dots;
}

const char *sjwt_token_text_fault(const char *text, size_t len)
{
    const char *fault = FIND(of_token, text, len);
    if (fault == NULL && len > 0)
        fault = find_ending(text, len);
    if (fault == NULL && count_dots(text, len) == 4)
        fault = "an encrypted token (JWE) has five parts";
    return fault;
}

const char *sjwt_json_text_fault(const char *text, size_t len)
{
    return len == 0 ? "the text is empty" : FIND(of_json, text, len);
}
