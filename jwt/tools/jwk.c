/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/sign.h"

#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"

#include <stdio.h>
#include <stdlib.h>

static int fail_to_convert(const sjwt_error *error)
{
    switch ((int)error->status) {
    case SJWT_ALG_UNKNOWN:
        return fail_unknown_algorithm();
    case SJWT_KID_INVALID:
        return fail_input("--kid", error);
    case SJWT_JWK_MALFORMED:
        return fail("FILE: no key in PEM or DER that can be used; a key with a passphrase cannot");
    case SJWT_JWK_UNSUPPORTED:
    case SJWT_ALG_UNSUPPORTED:
        return fail("this build reads and writes no PEM and DER: that needs OpenSSL");
    default:
        return fail_input("FILE", error);
    }
}

static int to_jwk(const buffer *document, bool with_private, const char *alg, const char *kid)
{
    sjwt_private_key *key;
    sjwt_error error;
    char *json;
    size_t len;
    sjwt_status status;

    if (sjwt_private_key_read_document(NULL, document->data, document->len, with_private, alg, kid,
                                       &key, &error) != SJWT_OK)
        return fail_to_convert(&error);
    if (with_private)
        warn_of_readable_output();
    status = with_private ? sjwt_private_key_print(key, &json, &len, &error)
                          : sjwt_private_key_print_public(key, &json, &len, &error);
    if (status == SJWT_OK)
        printf("%s\n", json);
    sjwt_secret_text_free(key, json, len);
    sjwt_private_key_free(key);
    return status == SJWT_OK ? EXIT_VALID : fail_to_convert(&error);
}

static int to_pem(const char *path)
{
    sjwt_keyset *keys = NULL;
    sjwt_error error;
    char *pem;
    size_t len;
    sjwt_status status;

    if (!load_keyset("FILE", path, &keys))
        return EXIT_UNUSABLE;
    status = sjwt_keyset_print_pem(NULL, keys, &pem, &len, &error);
    sjwt_keyset_free(keys);
    if (status != SJWT_OK)
        return fail_to_convert(&error);
    fwrite(pem, 1, len, stdout);
    free(pem);
    return EXIT_VALID;
}

static int run(const command *self, int argc, char **argv)
{
    bool with_private = false, pem = false;
    const char *alg = NULL, *kid = NULL, *file;
    const option options[] = {
        {.name = "alg",
         .argument = "A",
         .value = &alg,
         .help = "what the key is for (default: not said)"},
        {.name = "kid",
         .argument = "K",
         .value = &kid,
         .help = "the key's id (default: its thumbprint, RFC 7638)"},
        {.name = "private", .flag = &with_private, .help = "the private half, too"},
        {.name = "pem", .flag = &pem, .help = "the other way: public keys of a JWK or set as PEM"},
        {.name = NULL},
    };
    buffer document;
    int code;

    if (!parse_options(self, options, argc, argv, &file, &code))
        return code;
    if (file == NULL)
        return fail("FILE is needed; see sjwt %s --help", self->name);
    if (pem && (with_private || alg != NULL || kid != NULL))
        return fail("--pem takes no other option");
    if (pem)
        return to_pem(file);
    if (!read_file("FILE", file, SJWT_MAX_KEYSET_SIZE, &document))
        return EXIT_UNUSABLE;
    code = to_jwk(&document, with_private, alg, kid);
    buffer_free(&document);
    return code;
}

const command jwk_command = {
    .name = "jwk",
    .usage = "[--alg A] [--kid K] [--private] [--pem] FILE",
    .summary = "convert a key or certificate in PEM or DER to a JWK, or back",
    .notes = "FILE is - for standard input. Of a certificate only the key is read: whether it\n"
             "is valid is not checked.\n",
    .run = run,
};
