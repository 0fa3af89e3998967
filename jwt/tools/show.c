#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"

#include "crypto/sign.h"
#include "jwt/jwk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text of strangers, on a terminal ---------------------------------- */

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

/* What could move the cursor or is no text is shown as \xHH, new lines too where
 * indent is NULL; else indent follows each. */
static void print_safely(const char *text, size_t len, const char *indent)
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

/* ---- decode ------------------------------------------------------------ */

static int print_decoded(const char *text, size_t len)
{
    jwt_error error;
    char *header, *payload;
    size_t header_len, payload_len;

    if (jwt_decode_unverified(NULL, text, len, &header, &header_len, &payload, &payload_len,
                              &error) != JWT_OK)
        return refuse(&error, 0);

    printf("NOT VERIFIED: anybody may have written this.\nheader:\n  ");
    print_safely(header, header_len, "  ");
    printf("\npayload:\n  ");
    print_safely(payload, payload_len, "  ");
    putchar('\n');
    free(header);
    free(payload);
    fputs("sjwt: nothing was verified: anybody may have written this token\n", stderr);
    return EXIT_VALID;
}

static int decode(const command *self, int argc, char **argv)
{
    const option options[] = {{.name = NULL}};
    const char *token;
    buffer input;
    int code;

    if (!parse_options(self, options, argc, argv, &token, &code))
        return code;
    if (token != NULL && strcmp(token, "-") != 0)
        return print_decoded(token, strlen(token));

    if (!read_file("standard input", "-", MAX_INPUT_SIZE, &input))
        return EXIT_UNUSABLE;
    buffer_trim(&input);
    code = print_decoded(input.data, input.len);
    buffer_free(&input);
    return code;
}

/* ---- keys -------------------------------------------------------------- */

static void print_kid(const char *kid)
{
    if (kid == NULL) {
        printf("  no kid");
        return;
    }
    printf("  kid \"");
    print_safely(kid, strlen(kid), NULL);
    putchar('"');
}

static void print_usable(const jwt_key *key)
{
    printf("usable ");
    print_kid(key->kid);
    putchar(':');
    for (int alg = 0; alg < CRYPTO_ALG_COUNT; alg++) {
        if ((key->algorithms & CRYPTO_BIT(alg)) != 0)
            printf(" %s", crypto_algorithm_get((crypto_alg)alg)->name);
    }
    putchar('\n');
}

static void print_keys(const jwt_keyset *keys)
{
    size_t shown = 0, index;
    const char *kid;
    jwt_status why;

    for (size_t i = 0; i < jwt_keyset_count(keys); i++)
        print_usable(jwt_keyset_get(keys, i));
    for (; jwt_keyset_skipped(keys, shown, &index, &kid, &why); shown++) {
        printf("skipped");
        print_kid(kid);
        printf(", keys[%zu]: %s\n", index, jwt_status_text(why));
    }
    if (shown < jwt_keyset_skipped_count(keys))
        printf("skipped  %zu more\n", jwt_keyset_skipped_count(keys) - shown);
}

static int list_keys(const command *self, int argc, char **argv)
{
    const option options[] = {{.name = NULL}};
    const char *file;
    jwt_keyset *keys;
    int code;

    if (!parse_options(self, options, argc, argv, &file, &code))
        return code;
    if (file == NULL)
        return fail("FILE is needed; see sjwt %s --help", self->name);
    if (!load_keyset("FILE", file, &keys))
        return EXIT_UNUSABLE;
    print_keys(keys);
    jwt_keyset_free(keys);
    return EXIT_VALID;
}

/* ---- backends ---------------------------------------------------------- */

static const char *name_or_dash(const char *name)
{
    return name != NULL ? name : "-";
}

static int list_backends(const command *self, int argc, char **argv)
{
    const option options[] = {{.name = NULL}};
    int code;

    if (!parse_options(self, options, argc, argv, NULL, &code))
        return code;
    printf("%-10s%-10s%s\n", "algorithm", "verifies", "signs");
    for (int alg = 0; alg < CRYPTO_ALG_COUNT; alg++)
        printf("%-10s%-10s%s\n", crypto_algorithm_get((crypto_alg)alg)->name,
               name_or_dash(crypto_backend_name((crypto_alg)alg)),
               name_or_dash(crypto_signer_name((crypto_alg)alg)));
    return EXIT_VALID;
}

const command decode_command = {
    .name = "decode",
    .usage = "[TOKEN|-]",
    .summary = "print a token's header and payload, verifying nothing",
    .notes = "Octets that are not printable are shown as \\xHH.\n",
    .run = decode,
};

const command keys_command = {
    .name = "keys",
    .usage = "FILE|-",
    .summary = "tell which keys of a JWK or JWK Set are usable, and why others are not",
    .notes = NULL,
    .run = list_keys,
};

const command backends_command = {
    .name = "backends",
    .usage = "",
    .summary = "tell which crypto library verifies and signs with each algorithm",
    .notes = NULL,
    .run = list_backends,
};
