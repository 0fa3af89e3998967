/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/sign.h"

#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"

#include <stdio.h>
#include <string.h>

typedef sjwt_status print_function(const sjwt_private_key *key, char **json, size_t *len,
                                   sjwt_error *error);

/* out: the file to write; NULL: standard output. */
static int print_key(const sjwt_private_key *key, print_function *print, const char *what,
                     const char *out)
{
    int code = EXIT_VALID;
    sjwt_error error;
    char *json;
    size_t len;

    if (print(key, &json, &len, &error) != SJWT_OK)
        return fail_input(what, &error);
    if (out == NULL) {
        fwrite(json, 1, len, stdout);
        putchar('\n');
    } else if (!write_private_file("--out", out, json, len)) {
        code = EXIT_UNUSABLE;
    }
    sjwt_secret_text_free(key, json, len);
    return code;
}

static int fail_to_generate(const sjwt_error *error)
{
    switch ((int)error->status) {
    case SJWT_ALG_UNKNOWN:
        return fail_unknown_algorithm();
    case SJWT_JWK_KEY_REFUSED:
        return fail("--bits: not a size of keys for this algorithm");
    case SJWT_KID_INVALID:
        return fail_input("--kid", error);
    default:
        return fail_input("--alg", error);
    }
}

static int keygen(const command *self, int argc, char **argv)
{
    const char *alg = NULL, *kid = NULL, *bits = NULL, *out = NULL;
    const option options[] = {
        {.name = "alg",
         .argument = "A",
         .value = &alg,
         .help = "what the key is for (needed); see sjwt backends"},
        {.name = "kid", .argument = "K", .value = &kid, .help = "the key's id (default: none)"},
        {.name = "bits",
         .argument = "N",
         .value = &bits,
         .help = "the size: 2048 (default) to 4096 for RSA, the hash's\n(default) or more for "
                 "HS256 and the like"},
        {.name = "out",
         .argument = "FILE",
         .value = &out,
         .help = "make this file, which only its owner can read\n(default: standard output)"},
        {.name = NULL},
    };
    int64_t size = 0;
    sjwt_private_key *key;
    sjwt_error error;
    int code;

    if (!parse_options(self, options, argc, argv, NULL, &code))
        return code;
    if (alg == NULL)
        return fail("--alg is needed; see sjwt %s --help", self->name);
    if (bits != NULL && !parse_number("bits", bits, 8, 32768, &size))
        return EXIT_UNUSABLE;

    if (sjwt_private_key_generate(NULL, alg, (size_t)size, kid, &key, &error) != SJWT_OK)
        return fail_to_generate(&error);
    if (out == NULL)
        warn_of_readable_output();
    code = print_key(key, sjwt_private_key_print, "--alg", out);
    sjwt_private_key_free(key);
    return code;
}

static int print_public(const command *self, int argc, char **argv)
{
    const char *file = NULL;
    const option options[] = {
        {.name = "key",
         .argument = "FILE",
         .value = &file,
         .help = "the private JWK (needed; - for standard input)"},
        {.name = NULL},
    };
    sjwt_private_key *key;
    int code;

    if (!parse_options(self, options, argc, argv, NULL, &code))
        return code;
    if (file == NULL)
        return fail("--key is needed; see sjwt %s --help", self->name);

    if (!load_private_key("--key", file, &key))
        return EXIT_UNUSABLE;
    code = print_key(key, sjwt_private_key_print_public, "--key", NULL);
    sjwt_private_key_free(key);
    return code;
}

const command keygen_command = {
    .name = "keygen",
    .usage = "--alg A [--kid K] [--bits N] [--out FILE]",
    .summary = "make a new key and print it, a private JWK",
    .run = keygen,
};

const command public_command = {
    .name = "public",
    .usage = "--key FILE",
    .summary = "print the public half of a private JWK",
    .run = print_public,
};
