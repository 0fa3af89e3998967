/* SPDX-License-Identifier: Apache-2.0 */
#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define DEFAULT_LEEWAY 60
#define MICROSECONDS INT64_C(1000000)

/* The command line; NULL or 0 for an option that is absent. */
typedef struct verify_options {
    const char *keys, *token;
    const char *issuer, *algorithms, *leeway, *now, *claim_values, *max_lifetime;
    value_list audiences, types, required_claims;
    bool jws;
} verify_options;

static sjwt_string_list as_strings(const value_list *list)
{
    return (sjwt_string_list){.items = list->items, .count = list->count};
}

static bool check_usage(const command *self, const verify_options *given)
{
    if (given->keys == NULL) {
        fail("--keys is needed; see sjwt %s --help", self->name);
        return false;
    }
    if (given->jws &&
        (given->issuer != NULL || given->audiences.count > 0 || given->required_claims.count > 0 ||
         given->leeway != NULL || given->now != NULL || given->claim_values != NULL ||
         given->max_lifetime != NULL)) {
        fail("--jws looks at no claims: --iss, --aud, --require, --claim-values, --max-lifetime, "
             "--leeway and --now do not go with it");
        return false;
    }
    if (strcmp(given->keys, "-") == 0 && strcmp(given->token, "-") == 0) {
        fail("standard input cannot be both the keys and the token");
        return false;
    }
    return true;
}

static bool read_times(const verify_options *given, sjwt_policy *policy)
{
    int64_t number = DEFAULT_LEEWAY;
    struct timespec clock;

    if (given->leeway != NULL && !parse_number("leeway", given->leeway, 0, INT32_MAX, &number))
        return false;
    policy->leeway = (uint32_t)number;

    if (given->now != NULL) {
        if (!parse_number("now", given->now, INT64_MIN / MICROSECONDS, INT64_MAX / MICROSECONDS,
                          &number))
            return false;
        policy->now = number * MICROSECONDS;
        return true;
    }
    if (timespec_get(&clock, TIME_UTC) != TIME_UTC) {
        fail("the clock cannot be read; see --now");
        return false;
    }
    policy->now = (int64_t)clock.tv_sec * MICROSECONDS + clock.tv_nsec / 1000;
    return true;
}

static bool choose_algorithms(const verify_options *given, sjwt_issuer_policy *issuer_policy)
{
    if (given->algorithms != NULL) {
        if (sjwt_algorithms_parse(given->algorithms, strlen(given->algorithms),
                                  &issuer_policy->algorithms, NULL) == SJWT_OK)
            return true;
        fail_unknown_algorithm();
        return false;
    }
    /* HMAC is never allowed by default: with a public key used as a secret, anyone could
     * make a valid token. */
    issuer_policy->algorithms =
        sjwt_keyset_algorithms(issuer_policy->keys) & sjwt_public_key_algorithms();
    if (issuer_policy->algorithms != 0)
        return true;
    fail("--keys: shared secrets only; name their algorithms with --alg");
    return false;
}

static bool read_claim_rules(const verify_options *given, sjwt_issuer_policy *issuer_policy,
                             sjwt_claim_rules **rules)
{
    const char *text = given->claim_values;
    int64_t seconds = 0;
    sjwt_error error;

    *rules = NULL;
    if (given->max_lifetime != NULL &&
        !parse_number("max-lifetime", given->max_lifetime, 1, INT32_MAX, &seconds))
        return false;
    issuer_policy->max_lifetime = (uint32_t)seconds;
    if (text != NULL &&
        sjwt_claim_rules_parse(NULL, text, strlen(text), rules, &error) != SJWT_OK) {
        fail_input("--claim-values", &error);
        return false;
    }
    issuer_policy->claims = *rules;
    if (given->issuer != NULL && sjwt_issuer_check(given->issuer, *rules, &error) != SJWT_OK) {
        fail_input("--iss", &error);
        return false;
    }
    return true;
}

static int print_payload(const sjwt_token *token, bool add_newline)
{
    size_t len;
    const char *payload = sjwt_token_payload(token, &len);

    fwrite(payload, 1, len, stdout);
    if (add_newline)
        putchar('\n');
    return EXIT_VALID;
}

static int verify_token(const verify_options *given, const sjwt_policy *policy, const char *text,
                        size_t len)
{
    sjwt_token *token;
    sjwt_error error;
    sjwt_status status = given->jws ? sjwt_jws_verify(NULL, text, len, policy, &token, &error)
                                    : sjwt_verify(NULL, text, len, policy, &token, &error);
    int code;

    if (status != SJWT_OK)
        return refuse(&error, policy->now / MICROSECONDS, given->required_claims.count);
    code = print_payload(token, !given->jws);
    sjwt_token_free(token);
    return code;
}

static int verify_input(const verify_options *given, const sjwt_policy *policy)
{
    buffer input;
    int code;

    if (strcmp(given->token, "-") != 0)
        return verify_token(given, policy, given->token, strlen(given->token));
    if (!read_file("standard input", "-", MAX_INPUT_SIZE, &input))
        return EXIT_UNUSABLE;
    buffer_trim(&input);
    code = verify_token(given, policy, input.data, input.len);
    buffer_free(&input);
    return code;
}

static int verify_with_keys(const verify_options *given, const sjwt_keyset *keys)
{
    sjwt_issuer_policy issuer_policy = {.issuer = given->issuer,
                                        .keys = keys,
                                        .audiences = as_strings(&given->audiences),
                                        .required_claims = as_strings(&given->required_claims),
                                        .types = as_strings(&given->types)};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_claim_rules *rules;
    int code = EXIT_UNUSABLE;

    if (read_claim_rules(given, &issuer_policy, &rules) &&
        choose_algorithms(given, &issuer_policy) && read_times(given, &policy))
        code = verify_input(given, &policy);
    sjwt_claim_rules_free(NULL, rules);
    return code;
}

static int verify(const command *self, int argc, char **argv)
{
    verify_options given = {0};
    const option options[] = {
        {.name = "keys",
         .argument = "FILE",
         .value = &given.keys,
         .help = "the JWK or JWK Set to verify with (needed);\n- for standard input"},
        {.name = "alg",
         .argument = "A[,A]...",
         .value = &given.algorithms,
         .help = "accept only these (default: the public-key ones that\nthe keys are for; HS256 "
                 "and the like must be named)"},
        {.name = "iss",
         .argument = "S",
         .value = &given.issuer,
         .help = "the issuer that the token must name"},
        {.name = "aud",
         .argument = "S",
         .list = &given.audiences,
         .help = "an audience that the token may be for; repeats"},
        {.name = "typ",
         .argument = "T",
         .list = &given.types,
         .help = "a type that the header may name; repeats"},
        {.name = "require",
         .argument = "CLAIM[,CLAIM]...",
         .commas = &given.required_claims,
         .help = "claims that must be there; repeats"},
        {.name = "claim-values",
         .argument = "JSON",
         .value = &given.claim_values,
         .help =
             "values that claims must have, such as\n{\"azp\": [\"a\", \"b\"], \"tid\": \"*\"}"},
        {.name = "max-lifetime",
         .argument = "SECONDS",
         .value = &given.max_lifetime,
         .help = "for how long a token may be valid (default: any time)"},
        {.name = "leeway",
         .argument = "SECONDS",
         .value = &given.leeway,
         .help = "how far clocks may differ (default: 60)"},
        {.name = "now",
         .argument = "SECONDS",
         .value = &given.now,
         .help = "the time, since 1970-01-01 00:00 UTC (default: now)"},
        {.name = "jws",
         .flag = &given.jws,
         .help = "check the signature alone and write the payload's\noctets as they are"},
        {.name = NULL},
    };
    sjwt_keyset *keys;
    int code;

    if (!parse_options(self, options, argc, argv, &given.token, &code))
        return code;
    if (given.token == NULL)
        given.token = "-";
    if (!check_usage(self, &given))
        return EXIT_UNUSABLE;

    if (!load_keyset("--keys", given.keys, &keys))
        return EXIT_UNUSABLE;
    code = verify_with_keys(&given, keys);
    sjwt_keyset_free(keys);
    return code;
}

const command verify_command = {
    .name = "verify",
    .usage = "--keys FILE [OPTION]... [TOKEN|-]",
    .summary = "verify a token and print its payload",
    .notes = "Without TOKEN the token is read from standard input, white space around it\n"
             "aside. Exit status: 0 valid, 1 refused (the reason on standard error), 2 usage\n"
             "or keys that cannot be used.\n",
    .run = verify,
};
