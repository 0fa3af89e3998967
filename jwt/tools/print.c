/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/print.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 sequence at text and its code point, or 0 if there
 * is none or it is a control character. */
static size_t read_character(const char *text, size_t len, unsigned long *character)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t length;
    unsigned long code;

    *character = c[0];
    if (c[0] < 0x80)
        return c[0] >= 0x20 && c[0] < 0x7f ? 1 : 0;
    if (c[0] < 0xc0 || c[0] > 0xf4)
        return 0;
    length = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    if (length > len)
        return 0;
    code = c[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (c[i] & 0x3f);
    }
    if (code < 0xa0 || (length == 3 && code < 0x800) || (length == 4 && code < 0x10000) ||
        (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
        return 0;
    *character = code;
    return length;
}

/* Does it change the order of the text around it, or begin a line? Those with the property Bidi_Control (Unicode Standard Annex 9 section 2)
 * and the two separators. */
static bool rearranges(unsigned long character)
{
    return character == 0x061c || character == 0x200e || character == 0x200f ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2066 && character <= 0x2069);
}

/* Returns the number of octets read. */
static size_t print_character(const char *text, size_t len)
{
    unsigned long character;
    size_t length = read_character(text, len, &character);

    if (length == 0) {
        printf("\\x%02X", (unsigned char)text[0]);
        return 1;
    }
    if (rearranges(character))
        printf("\\u%04lX", character);
    else
        fwrite(text, 1, length, stdout);
    return length;
}

void print_safely(const char *text, size_t len, const char *indent)
{
    size_t i = 0;

    while (i < len) {
        if (text[i] == '\n') {
            printf("\n%s", indent);
            i++;
        } else
            i += print_character(text + i, len - i);
    }
}

void print_quoted(const char *text)
{
    size_t len = strlen(text);
    size_t i = 0;

    putchar('"');
    while (i < len) {
        if (text[i] == '"' || text[i] == '\\')
            putchar('\\');
        i += print_character(text + i, len - i);
    }
    putchar('"');
}

void print_kid(const char *kid)
{
    if (kid == NULL) {
        printf("  no kid");
        return;
    }
    printf("  kid ");
    print_quoted(kid);
}

void print_algorithms(sjwt_algorithm_set algorithms)
{
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        if ((algorithms & SJWT_CRYPTO_BIT(alg)) != 0)
            printf(" %s", sjwt_crypto_algorithm_get((sjwt_crypto_alg)alg)->name);
    }
}

void print_skipped(const char *indent, const sjwt_keyset *keys)
{
    size_t shown = 0, index;
    const char *kid;
    sjwt_error why;

    for (; sjwt_keyset_skipped(keys, shown, &index, &kid, &why); shown++) {
        printf("%sskipped", indent);
        print_kid(kid);
        printf(", keys[%zu]: %s%s%s\n", index, sjwt_status_text(why.status),
               why.detail[0] == '\0' ? "" : ": ", why.detail);
    }
    if (shown < sjwt_keyset_skipped_count(keys))
        printf("%sskipped  %zu more\n", indent, sjwt_keyset_skipped_count(keys) - shown);
}
