#include "jwt/tools/print.h"

#include "crypto/crypto.h"

#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 sequence at text, or 0 where there is none or where it
 * is a control character. */
static size_t printable_length(const char *text, size_t len)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t length;
    unsigned long code;

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
    return length;
}

void print_safely(const char *text, size_t len, const char *indent)
{
    size_t i = 0;

    while (i < len) {
        size_t length = printable_length(text + i, len - i);

        if (length > 0)
            fwrite(text + i, 1, length, stdout);
        else if (text[i] == '\n' && indent != NULL)
            printf("\n%s", indent);
        else
            printf("\\x%02X", (unsigned char)text[i]);
        i += length > 0 ? length : 1;
    }
}

void print_quoted(const char *text)
{
    putchar('"');
    print_safely(text, strlen(text), NULL);
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

void print_algorithms(jwt_algorithm_set algorithms)
{
    for (int alg = 0; alg < CRYPTO_ALG_COUNT; alg++) {
        if ((algorithms & CRYPTO_BIT(alg)) != 0)
            printf(" %s", crypto_algorithm_get((crypto_alg)alg)->name);
    }
}

void print_skipped(const char *indent, const jwt_keyset *keys)
{
    size_t shown = 0, index;
    const char *kid;
    jwt_status why;

    for (; jwt_keyset_skipped(keys, shown, &index, &kid, &why); shown++) {
        printf("%sskipped", indent);
        print_kid(kid);
        printf(", keys[%zu]: %s\n", index, jwt_status_text(why));
    }
    if (shown < jwt_keyset_skipped_count(keys))
        printf("%sskipped  %zu more\n", indent, jwt_keyset_skipped_count(keys) - shown);
}
