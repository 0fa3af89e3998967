/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - shows the checks of a token one after the other, up to the first that fails, and
 * what to do then. The core verifies the token once; its status names the check.
 */
#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/load.h"
#include "jwt/tools/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The server's default of pg_session_jwt.leeway, in seconds. */
#define LEEWAY 60
#define MICROSECONDS INT64_C(1000000)

typedef struct explain_options {
    const char *keys, *issuers, *data_directory, *token;
    const char *issuer, *algorithms, *now;
    value_list audiences;
} explain_options;

/* ---- the checks --------------------------------------------------------- */

/* In the core's order for one issuer. Of several, the issuer is found before the algorithm is
 * compared. */
typedef enum check {
    CHECK_FORM,
    CHECK_ALGORITHM,
    CHECK_ISSUER,
    CHECK_KEY,
    CHECK_SIGNATURE,
    CHECK_PAYLOAD,
    CHECK_TIMES,
    CHECK_REQUIRED,
    CHECK_AUDIENCE,
    CHECK_VALUES,
    CHECK_SUBJECT,
    CHECK_COUNT
} check;

static const struct {
    const char *name;
    const char *what;
} checks[CHECK_COUNT] = {
    [CHECK_FORM] = {"form", "three parts in base64url, and a header of a known algorithm"},
    [CHECK_ALGORITHM] = {"algorithm", "accepted, and in this build; so is the type of token"},
    [CHECK_ISSUER] = {"issuer", "claim \"iss\" is a trusted issuer"},
    [CHECK_KEY] = {"key", "there is a key for \"kid\" and algorithm"},
    [CHECK_SIGNATURE] = {"signature", "made with that key"},
    [CHECK_PAYLOAD] = {"payload", "a strict JSON object"},
    [CHECK_TIMES] = {"times", "\"nbf\", \"exp\" and \"iat\""},
    [CHECK_REQUIRED] = {"required", "claims that must be there, and the lifetime"},
    [CHECK_AUDIENCE] = {"audience", "claim \"aud\" has an accepted one"},
    [CHECK_VALUES] = {"values", "claims that must have a certain value"},
    [CHECK_SUBJECT] = {"subject", "claim \"sub\" is not the form of another issuer's"},
};

static check check_of(sjwt_status status, bool has_form)
{
    if (!has_form)
        return CHECK_FORM;
    switch ((int)status) {
    case SJWT_TOO_LARGE:
    case SJWT_MALFORMED:
    case SJWT_HEADER_ENCODING:
    case SJWT_HEADER_JSON:
    case SJWT_ALG_UNKNOWN:
    case SJWT_CRITICAL_HEADER:
        return CHECK_FORM;
    case SJWT_ALG_MISSING:
    case SJWT_ALG_NOT_ALLOWED:
    case SJWT_ALG_UNSUPPORTED:
    case SJWT_TYPE_REFUSED:
        return CHECK_ALGORITHM;
    case SJWT_ISSUER_MISSING:
    case SJWT_ISSUER_REFUSED:
        return CHECK_ISSUER;
    case SJWT_ALG_MISMATCH:
    case SJWT_KID_INVALID:
    case SJWT_KEY_NOT_FOUND:
    case SJWT_KEY_REFUSED:
    case SJWT_KEYS_NOT_ALL_TRIED:
        return CHECK_KEY;
    case SJWT_SIGNATURE_ENCODING:
    case SJWT_SIGNATURE_INVALID:
        return CHECK_SIGNATURE;
    case SJWT_PAYLOAD_ENCODING:
    case SJWT_PAYLOAD_JSON:
        return CHECK_PAYLOAD;
    case SJWT_CLAIM_MISSING:
    case SJWT_LIFETIME_REFUSED:
        return CHECK_REQUIRED;
    case SJWT_AUDIENCE_MISSING:
    case SJWT_AUDIENCE_INVALID:
    case SJWT_AUDIENCE_REFUSED:
        return CHECK_AUDIENCE;
    case SJWT_CLAIM_REFUSED:
        return CHECK_VALUES;
    case SJWT_SUBJECT_REFUSED:
        return CHECK_SUBJECT;
    default:
        return CHECK_TIMES;
    }
}

static const char *mend_of(sjwt_status status, check failed)
{
    switch ((int)status) {
    case SJWT_EXPIRED:
        return "Get a new token. If it is new, compare the clocks of this machine and the issuer.";
    case SJWT_NOT_YET_VALID:
        return "Wait, or compare the clocks of this machine and the issuer.";
    case SJWT_ALG_MISSING:
        return "Let the issuer name the algorithm in \"alg\" of the header.";
    case SJWT_ALG_UNKNOWN:
        return "Let the issuer sign with an algorithm of sjwt backends. \"none\" is not accepted.";
    case SJWT_KEY_NOT_FOUND:
        return "Get the issuer's current keys. sjwt decode shows the token's \"kid\", sjwt check "
               "those of the keys.";
    case SJWT_CLAIM_MISSING:
        return "Ask the issuer for tokens with that claim, or require it no more.";
    default:
        break;
    }
    switch (failed) {
    case CHECK_FORM:
        return "Pass the token alone: no \"Bearer \", no quotes, no white space.";
    case CHECK_ALGORITHM:
        return "Name the algorithm with --alg, or \"algorithms\" of the issuer, if it is the right "
               "one. HS256 and the like must always be named.";
    case CHECK_ISSUER:
        return "Write the issuer exactly as claim \"iss\" of the token has it: sjwt decode shows "
               "it.";
    case CHECK_KEY:
        return "Let the issuer sign with a key of the set, and name it in \"kid\".";
    case CHECK_SIGNATURE:
        return "The keys are another issuer's, or the token has changed on its way. Get both anew.";
    case CHECK_AUDIENCE:
        return "Ask the issuer for a token for this audience, or accept the one in claim \"aud\": "
               "sjwt decode shows it.";
    default:
        return "Compare the claims, which sjwt decode shows, with what the policy asks for.";
    }
}

/* ---- printing ----------------------------------------------------------- */

static bool is_colourful(void)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0') &&
           terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static void print_check(check n, const char *outcome, const char *colour)
{
    const bool is_coloured = is_colourful();

    printf("%-10s  %s%-7s%s  %s\n", checks[n].name, is_coloured ? colour : "", outcome,
           is_coloured ? "\033[0m" : "", checks[n].what);
}

/* Does the policy ask for this check? Of several issuers, it is not known here whose it is. */
static bool is_asked(const sjwt_policy *policy, check n)
{
    const sjwt_issuer_policy *only = &policy->issuers[0];

    if (policy->issuer_count > 1)
        return true;
    switch (n) {
    case CHECK_ISSUER:
        return only->issuer != NULL;
    case CHECK_AUDIENCE:
        return only->audiences.count > 0;
    case CHECK_VALUES:
        return only->claims != NULL;
    default:
        return true;
    }
}

static void print_checks(const sjwt_policy *policy, check failed)
{
    const bool issuer_first = policy->issuer_count > 1;
    bool is_passed = true;

    for (int i = 0; i < CHECK_COUNT; i++) {
        check n = (check)i;

        if (issuer_first && (n == CHECK_ALGORITHM || n == CHECK_ISSUER))
            n = n == CHECK_ALGORITHM ? CHECK_ISSUER : CHECK_ALGORITHM;
        if (n == failed) {
            print_check(n, "FAILED", "\033[31m");
            is_passed = false;
        } else if (is_passed && !is_asked(policy, n)) {
            print_check(n, "not set", "");
        } else {
            print_check(n, is_passed ? "passed" : "-", is_passed ? "\033[32m" : "");
        }
    }
}

static int explain_token(const sjwt_policy *policy, const char *text, size_t len)
{
    sjwt_token *token = NULL;
    sjwt_error error, ignored;
    char *header, *payload;
    size_t header_len, payload_len;
    bool has_form;
    check failed;

    if (sjwt_verify(NULL, text, len, policy, &token, &error) == SJWT_OK) {
        print_checks(policy, CHECK_COUNT);
        sjwt_token_free(token);
        return EXIT_VALID;
    }
    if (sjwt_status_is_transient(error.status))
        return refuse(&error, policy->now / MICROSECONDS, 1);
    has_form = sjwt_decode_unverified(NULL, text, len, &header, &header_len, &payload, &payload_len,
                                      &ignored) == SJWT_OK;
    free(header);
    free(payload);
    has_form = has_form || error.status == SJWT_PAYLOAD_ENCODING;
    failed = check_of(error.status, has_form);
    print_checks(policy, failed);
    printf("\n%s\n", mend_of(error.status, failed));
    return refuse(&error, policy->now / MICROSECONDS, 1);
}

/* ---- the policy --------------------------------------------------------- */

/* What the server requires by default. */
static const char *const required[] = {"exp"};
static const sjwt_string_list default_required = {.items = required, .count = 1};

static int explain_input(const explain_options *given, sjwt_policy *policy)
{
    int64_t now = 0;
    struct timespec clock;
    buffer input;
    int code;

    if (given->now != NULL &&
        !parse_number("now", given->now, INT64_MIN / MICROSECONDS, INT64_MAX / MICROSECONDS, &now))
        return EXIT_UNUSABLE;
    if (given->now == NULL) {
        if (timespec_get(&clock, TIME_UTC) != TIME_UTC)
            return fail("the clock cannot be read; see --now");
        now = (int64_t)clock.tv_sec;
    }
    policy->now = now * MICROSECONDS;
    policy->leeway = LEEWAY;
    if (strcmp(given->token, "-") != 0)
        return explain_token(policy, given->token, strlen(given->token));
    if (!read_file("standard input", "-", MAX_INPUT_SIZE, &input))
        return EXIT_UNUSABLE;
    buffer_trim(&input);
    code = explain_token(policy, input.data, input.len);
    buffer_free(&input);
    return code;
}

static bool add_keys(sjwt_issuer_policy *policy, const sjwt_keyset *keys)
{
    policy->keys = keys;
    if (policy->algorithms == 0 && keys != NULL)
        policy->algorithms = sjwt_keyset_algorithms(keys) & sjwt_public_key_algorithms();
    return true;
}

static int explain_with_keys(const explain_options *given)
{
    sjwt_issuer_policy issuer_policy = {
        .issuer = given->issuer,
        .audiences = {.items = given->audiences.items, .count = given->audiences.count},
        .required_claims = default_required};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_keyset *keys;
    int code;

    if (given->algorithms != NULL &&
        sjwt_algorithms_parse(given->algorithms, strlen(given->algorithms),
                              &issuer_policy.algorithms, NULL) != SJWT_OK)
        return fail_unknown_algorithm();
    if (!load_keyset("--keys", given->keys, &keys))
        return EXIT_UNUSABLE;
    add_keys(&issuer_policy, keys);
    code = explain_input(given, &policy);
    sjwt_keyset_free(keys);
    return code;
}

/* The keys of an issuer: those in the document, or else those of its first file. */
static bool find_keys(const explain_options *given, size_t n, const sjwt_issuer *issuer,
                      sjwt_keyset **of_file, const sjwt_keyset **out)
{
    const char *file = issuer->keys_file;
    char what[64];
    char *path;
    bool loaded;

    if (file == NULL && issuer->keys_files.count > 0)
        file = issuer->keys_files.items[0];
    *out = issuer->keys;
    if (issuer->keys != NULL || file == NULL)
        return true;
    path = resolve_path(given->data_directory == NULL ? "." : given->data_directory, file);
    if (path == NULL) {
        fail("out of memory");
        return false;
    }
    snprintf(what, sizeof(what), "issuers[%zu]: jwks_file", n);
    loaded = load_keyset(what, path, of_file);
    free(path);
    *out = *of_file;
    return loaded;
}

static bool fill_policy(const explain_options *given, size_t n, const sjwt_issuer *issuer,
                        sjwt_keyset **of_file, sjwt_issuer_policy *out)
{
    const sjwt_keyset *keys;

    *out = (sjwt_issuer_policy){.issuer = issuer->issuer,
                                .algorithms = issuer->algorithms,
                                .audiences = issuer->audiences,
                                .required_claims = issuer->required_claims.count > 0
                                                       ? issuer->required_claims
                                                       : default_required,
                                .types = issuer->types,
                                .claims = issuer->claims,
                                .max_lifetime = issuer->max_lifetime,
                                .subjects = issuer->subjects};
    return find_keys(given, n, issuer, of_file, &keys) && add_keys(out, keys);
}

static int explain_with_document(const explain_options *given, const sjwt_issuers *document)
{
    const size_t count = sjwt_issuers_count(document);
    sjwt_issuer_policy *policies = calloc(count, sizeof(*policies));
    sjwt_keyset **of_files = calloc(count, sizeof(sjwt_keyset *));
    sjwt_policy policy = {.issuers = policies, .issuer_count = count};
    bool filled = policies != NULL && of_files != NULL;
    int code = EXIT_UNUSABLE;

    if (!filled)
        fail("out of memory");
    for (size_t n = 0; filled && n < count; n++)
        filled = fill_policy(given, n, sjwt_issuers_get(document, n), &of_files[n], &policies[n]);
    if (filled)
        code = explain_input(given, &policy);
    for (size_t n = 0; of_files != NULL && n < count; n++)
        sjwt_keyset_free(of_files[n]);
    free(of_files);
    free(policies);
    return code;
}

static int explain_with_issuers(const explain_options *given)
{
    sjwt_issuers *document;
    sjwt_error error;
    buffer text;
    int code;

    if (!read_file("--issuers", given->issuers, SJWT_MAX_KEYSET_SIZE, &text))
        return EXIT_UNUSABLE;
    if (sjwt_issuers_parse(NULL, text.data, text.len, &document, &error) != SJWT_OK) {
        code = fail_input("--issuers", &error);
    } else {
        code = explain_with_document(given, document);
        sjwt_issuers_free(document);
    }
    buffer_free(&text);
    return code;
}

/* ---- the command -------------------------------------------------------- */

static int explain(const command *self, int argc, char **argv)
{
    explain_options given = {0};
    const option options[] = {
        {.name = "keys",
         .argument = "FILE",
         .value = &given.keys,
         .help = "the JWK or JWK Set to verify with"},
        {.name = "issuers",
         .argument = "FILE",
         .value = &given.issuers,
         .help = "or a document of issuers, as the server has it"},
        {.name = "data-directory",
         .argument = "DIR",
         .value = &given.data_directory,
         .help = "where the key files are that it names (default: here)"},
        {.name = "iss", .argument = "S", .value = &given.issuer, .help = "as for sjwt verify"},
        {.name = "aud", .argument = "S", .list = &given.audiences, .help = "likewise; repeats"},
        {.name = "alg", .argument = "A[,A]...", .value = &given.algorithms, .help = "likewise"},
        {.name = "now", .argument = "SECONDS", .value = &given.now, .help = "likewise"},
        {.name = NULL},
    };
    int code;

    if (!parse_options(self, options, argc, argv, &given.token, &code))
        return code;
    if (given.token == NULL)
        given.token = "-";
    if ((given.keys == NULL) == (given.issuers == NULL))
        return fail("--keys or --issuers is needed; see sjwt %s --help", self->name);
    if (given.issuers != NULL &&
        (given.issuer != NULL || given.algorithms != NULL || given.audiences.count > 0))
        return fail("--iss, --aud and --alg go with --keys; see sjwt %s --help", self->name);
    if (given.issuers == NULL && given.data_directory != NULL)
        return fail("--data-directory goes with --issuers; see sjwt %s --help", self->name);
    if (strcmp(given.token, "-") == 0 &&
        strcmp(given.keys != NULL ? given.keys : given.issuers, "-") == 0)
        return fail("standard input cannot be both the keys and the token");
    return given.keys != NULL ? explain_with_keys(&given) : explain_with_issuers(&given);
}

const command explain_command = {
    .name = "explain",
    .usage = "--keys FILE|--issuers FILE [OPTION]... [TOKEN|-]",
    .summary = "show the checks of a token, and how to mend the first that fails",
    .notes = "Without TOKEN, or with -, the token is read from standard input. Other users\n"
             "of the machine can see arguments. The server's settings are not known here:\n"
             "claim \"exp\" is required, and clocks may differ by 60 seconds.\n",
    .run = explain,
};
