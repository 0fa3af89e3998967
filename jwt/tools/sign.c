/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/sign.h"

#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The command line; NULL for an option that is absent. */
typedef struct sign_options {
    const char *key, *alg, *kid, *typ, *header;
    const char *claims, *raw_payload;
} sign_options;

static bool is_standard_input(const char *value)
{
    return value != NULL && strcmp(value, "-") == 0;
}

static bool check_usage(const command *self, const sign_options *given)
{
    if (given->key == NULL) {
        fail("--key is needed; see sjwt %s --help", self->name);
        return false;
    }
    if ((given->claims == NULL) == (given->raw_payload == NULL)) {
        fail("one of --claims and --raw-payload is needed; see sjwt %s --help", self->name);
        return false;
    }
    if (given->header != NULL && (given->kid != NULL || given->typ != NULL)) {
        fail("--header is the whole header: --kid and --typ do not go with it");
        return false;
    }
    if (is_standard_input(given->key) &&
        (is_standard_input(given->claims) || is_standard_input(given->raw_payload))) {
        fail("standard input cannot be both the key and the payload");
        return false;
    }
    return true;
}

static bool read_payload(const sign_options *given, buffer *out)
{
    if (given->raw_payload != NULL)
        return read_file("--raw-payload", given->raw_payload, MAX_INPUT_SIZE, out);
    if (is_standard_input(given->claims))
        return read_file("--claims", "-", MAX_INPUT_SIZE, out);
    return copy_text("--claims", given->claims, MAX_INPUT_SIZE, out);
}

/* Returns the option that caused an error of signing. */
static const char *option_at_fault(const sign_options *given, sjwt_status status)
{
    switch ((int)status) {
    case SJWT_PAYLOAD_JSON:
    case SJWT_TOO_LARGE:
        return "--claims";
    case SJWT_KID_INVALID:
        return "--kid";
    case SJWT_HEADER_JSON:
        return "--typ";
    case SJWT_ALG_MISMATCH:
    case SJWT_ALG_UNSUPPORTED:
        return given->alg != NULL ? "--alg" : "--key";
    default:
        return "--key";
    }
}

static int sign_payload(const sign_options *given, const sjwt_private_key *key,
                        const buffer *payload)
{
    sjwt_jws_header header = {.alg = given->alg, .kid = given->kid, .typ = given->typ};
    sjwt_status status;
    sjwt_error error;
    char *token;
    size_t len;

    if (given->header != NULL) {
        header.exact = given->header;
        header.exact_len = strlen(given->header);
    }
    status =
        given->claims != NULL
            ? sjwt_sign(NULL, key, &header, payload->data, payload->len, &token, &len, &error)
            : sjwt_jws_sign(NULL, key, &header, payload->data, payload->len, &token, &len, &error);
    if (status == SJWT_ALG_UNKNOWN)
        return fail_unknown_algorithm();
    if (status != SJWT_OK)
        return fail_input(option_at_fault(given, status), &error);

    fwrite(token, 1, len, stdout);
    putchar('\n');
    free(token);
    return EXIT_VALID;
}

static int sign(const command *self, int argc, char **argv)
{
    sign_options given = {0};
    const option options[] = {
        {.name = "key",
         .argument = "FILE",
         .value = &given.key,
         .help = "the private JWK to sign with (needed); - for standard\ninput"},
        {.name = "claims",
         .argument = "JSON|-",
         .value = &given.claims,
         .help = "the claims, one JSON object"},
        {.name = "raw-payload",
         .argument = "FILE|-",
         .value = &given.raw_payload,
         .help = "sign these octets instead, whatever they are"},
        {.name = "alg",
         .argument = "A",
         .value = &given.alg,
         .help = "the algorithm (default: the key's; RS256 or HS256\nwhere it has none)"},
        {.name = "kid",
         .argument = "K",
         .value = &given.kid,
         .help = "the header's key id (default: the key's)"},
        {.name = "typ",
         .argument = "T",
         .value = &given.typ,
         .help = "the header's type (default: none)"},
        {.name = "header",
         .argument = "TEXT",
         .value = &given.header,
         .help = "this very header instead, for tests"},
        {.name = NULL},
    };
    sjwt_private_key *key;
    buffer payload;
    int code;

    if (!parse_options(self, options, argc, argv, NULL, &code))
        return code;
    if (!check_usage(self, &given) || !load_private_key("--key", given.key, &key))
        return EXIT_UNUSABLE;

    code = EXIT_UNUSABLE;
    if (read_payload(&given, &payload)) {
        code = sign_payload(&given, key, &payload);
        buffer_free(&payload);
    }
    sjwt_private_key_free(key);
    return code;
}

const command sign_command = {
    .name = "sign",
    .usage = "--key FILE (--claims JSON|- | --raw-payload FILE|-) [OPTION]...",
    .summary = "make a token and print it",
    .notes = "Exit status: 0 made, 2 usage or an input that cannot be used.\n",
    .run = sign,
};
