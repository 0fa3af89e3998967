/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"
#include "jwt/tools/print.h"

#include "crypto/sign.h"
#include "jwt/jwk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- decode ------------------------------------------------------------ */

static int print_decoded(const char *text, size_t len)
{
    sjwt_error error;
    char *header, *payload;
    size_t header_len, payload_len;

    if (sjwt_decode_unverified(NULL, text, len, &header, &header_len, &payload, &payload_len,
                               &error) != SJWT_OK)
        return refuse(&error, 0, 0);

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

static void print_keys(const sjwt_keyset *keys)
{
    for (size_t i = 0; i < sjwt_keyset_size(keys); i++) {
        const sjwt_key *key = sjwt_keyset_get(keys, i);
        sjwt_algorithm_set algorithms = sjwt_key_usable_algorithms(key);

        if (algorithms == 0)
            continue;
        printf("usable ");
        print_kid(key->kid);
        putchar(':');
        print_algorithms(algorithms);
        putchar('\n');
    }
    print_skipped("", keys);
}

static int list_keys(const command *self, int argc, char **argv)
{
    const option options[] = {{.name = NULL}};
    const char *file;
    sjwt_keyset *keys;
    sjwt_error error;
    int code;

    if (!parse_options(self, options, argc, argv, &file, &code))
        return code;
    if (file == NULL)
        return fail("FILE is needed; see sjwt %s --help", self->name);
    if (!load_keyset("FILE", file, &keys))
        return EXIT_UNUSABLE;
    sjwt_status status = sjwt_keyset_prepare_all(keys, &error);
    if (status == SJWT_OK)
        print_keys(keys);
    else
        fail_input("FILE", &error);
    sjwt_keyset_free(keys);
    return status == SJWT_OK ? EXIT_VALID : EXIT_UNUSABLE;
}

/* ---- backends ---------------------------------------------------------- */

static const char *name_or_dash(const char *name)
{
    return name != NULL ? name : "-";
}

/* Prints the module of each crypto library that names one. */
static void print_modules(void)
{
    const char *last = "";

    for (size_t alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        const char *module = sjwt_algorithm_module(alg);

        if (module[0] != '\0' && strcmp(module, last) != 0)
            printf("\n%s: %s\n", sjwt_crypto_backend_name((sjwt_crypto_alg)alg), module);
        if (module[0] != '\0')
            last = module;
    }
}

static int list_backends(const command *self, int argc, char **argv)
{
    const option options[] = {{.name = NULL}};
    const char *name;
    const char *backend;
    int code;

    if (!parse_options(self, options, argc, argv, NULL, &code))
        return code;
    printf("%-10s%-14s%s\n", "algorithm", "verifies", "signs");
    for (size_t alg = 0; sjwt_algorithm_info(alg, &name, &backend); alg++) {
        const char *signer = sjwt_crypto_signer_name((sjwt_crypto_alg)alg);

        /* A module that does not verify an algorithm does not sign with it. */
        if (backend == NULL && signer != NULL &&
            sjwt_crypto_backend_name((sjwt_crypto_alg)alg) != NULL &&
            strcmp(signer, sjwt_crypto_backend_name((sjwt_crypto_alg)alg)) == 0)
            signer = NULL;
        printf("%-10s%-14s%s\n", name, name_or_dash(backend), name_or_dash(signer));
    }
    print_modules();
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        if (sjwt_crypto_probe((sjwt_crypto_alg)alg) == SJWT_CRYPTO_INTERNAL)
            return EXIT_UNUSABLE;
    }
    return EXIT_VALID;
}

const command decode_command = {
    .name = "decode",
    .usage = "[TOKEN|-]",
    .summary = "print a token's header and payload, verifying nothing",
    .notes = "Octets that are not printable are shown as \\xHH, characters that would\n"
             "rearrange the text as \\uHHHH.\n",
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
