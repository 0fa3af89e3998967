/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - checks whether the server would accept a file of keys or of issuers, or of revoked
 * tokens. The core
 * decides, as in the server. This file adds one rule: an issuer has keys, and one of them
 * serves an algorithm that the issuer names.
 */
#include "jwt/tools/commands.h"
#include "jwt/tools/files.h"
#include "jwt/tools/message.h"
#include "jwt/tools/print.h"
#include "jwt/tools/revoked.h"

#include "jwt/jwk.h"
#include "jwt/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* One octet more than the core accepts. */
#define MAX_TEXT (SJWT_MAX_KEYSET_SIZE + 1)

/* The command line; NULL for an option that is absent. */
typedef struct check_options {
    const char *file, *data_directory;
    bool issuers;
    bool revoked;
    bool quiet;
} check_options;

static int refuse_input(const char *what, const sjwt_error *error)
{
    int code = fail_input(what, error);

    return sjwt_status_is_transient(error->status) ? code : EXIT_REFUSED;
}

/* ---- keys -------------------------------------------------------------- */

/* The keys listed so far. */
typedef struct key_list {
    sjwt_allocator allocator;
    sjwt_key **keys;
    size_t count;
} key_list;

static bool is_listed(const key_list *list, const sjwt_key *key)
{
    for (size_t i = 0; i < list->count; i++) {
        if (sjwt_key_is_same(list->keys[i], key))
            return true;
    }
    return false;
}

static void print_reason(const sjwt_error *why)
{
    printf(" %s%s%s", sjwt_status_text(why->status), why->detail[0] == '\0' ? "" : ": ",
           why->detail);
}

static void print_usable(const sjwt_key *key)
{
    print_algorithms(sjwt_key_usable_algorithms(key));
    if ((key->algorithms & sjwt_public_key_algorithms()) == 0)
        printf(" (a shared secret: only where algorithms are named)");
}

static sjwt_status print_key(key_list *list, const char *name, const sjwt_json_value *jwk)
{
    sjwt_error why;
    sjwt_key *key;
    sjwt_status status = sjwt_key_read(&list->allocator, jwk, &key, &why);

    if (status == SJWT_OK && is_listed(list, key))
        status = (why = (sjwt_error){.status = SJWT_JWK_REPEATED}).status;
    else if (status == SJWT_OK)
        status = sjwt_key_prepare_all(key, &why);
    if (!sjwt_status_is_transient(status)) {
        printf("%s  %s", name, status == SJWT_OK ? "usable " : "skipped");
        print_kid(sjwt_json_string(sjwt_json_member(jwk, "kid")));
        putchar(':');
        if (status == SJWT_OK)
            print_usable(key);
        else
            print_reason(&why);
        putchar('\n');
    }
    if (key != NULL && status != SJWT_JWK_REPEATED)
        list->keys[list->count++] = key;
    else
        sjwt_key_free(&list->allocator, key);
    return sjwt_status_is_transient(status) ? status : SJWT_OK;
}

static sjwt_status print_keys(key_list *list, const sjwt_json_value *root)
{
    const sjwt_json_value *members = sjwt_json_member(root, "keys");
    sjwt_status status = SJWT_OK;
    size_t count = 1, index = 0;

    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL;
         jwk = sjwt_json_next(jwk))
        count++;
    list->keys = sjwt_allocate(&list->allocator, count * sizeof(sjwt_key *));
    if (list->keys == NULL)
        return SJWT_NO_MEMORY;
    if (!sjwt_json_is_array(members))
        return print_key(list, "key", root);
    for (const sjwt_json_value *jwk = sjwt_json_first(members); jwk != NULL && status == SJWT_OK;
         jwk = sjwt_json_next(jwk)) {
        char name[32];

        snprintf(name, sizeof(name), "keys[%zu]", index++);
        status = print_key(list, name, jwk);
    }
    return status;
}

/* Reads each member of the text again: the core keeps no set that it refuses, and of
 * others at most a hundred reasons. */
static int list_keys(const buffer *text)
{
    key_list list = {.allocator = sjwt_allocator_resolve(NULL)};
    sjwt_json json;
    sjwt_status status = sjwt_json_parse_secret(&list.allocator, text->data, text->len,
                                                SJWT_JWK_MALFORMED, &json, NULL);

    if (status == SJWT_OK)
        status = print_keys(&list, json.root);
    sjwt_json_free(&json);
    for (size_t i = 0; i < list.count; i++)
        sjwt_key_free(&list.allocator, list.keys[i]);
    sjwt_release(&list.allocator, list.keys);
    return status == SJWT_OK ? EXIT_VALID : fail("%s", sjwt_status_text(status));
}

static int check_keys(const buffer *text)
{
    sjwt_error error;
    sjwt_keyset *keys;
    sjwt_status status = sjwt_keyset_parse(NULL, text->data, text->len, &keys, &error);
    int code = EXIT_VALID;

    if (status == SJWT_OK)
        status = sjwt_keyset_prepare_any(keys, &error);
    sjwt_keyset_free(keys);
    if (status == SJWT_OK || status == SJWT_JWK_NONE_USABLE)
        code = list_keys(text);
    if (code == EXIT_VALID && status != SJWT_OK)
        code = refuse_input("FILE", &error);
    return code;
}

/* ---- issuers ----------------------------------------------------------- */

/* If the issuer has no such member, a setting of the server applies. */
static void print_default(const char *setting)
{
    printf("as %s says\n", setting);
}

static void print_list(const char *name, const sjwt_string_list *list, const char *setting)
{
    printf("  %-17s", name);
    if (list->count == 0) {
        print_default(setting);
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        print_quoted(list->items[i]);
        putchar(i + 1 < list->count ? ' ' : '\n');
    }
}

static bool serves_none_named(const sjwt_issuer *issuer, const sjwt_keyset *keys)
{
    return issuer->algorithms != 0 &&
           (issuer->algorithms & sjwt_keyset_usable_algorithms(keys)) == 0;
}

static void print_counts(const sjwt_issuer *issuer, const sjwt_keyset *keys)
{
    size_t skipped = sjwt_keyset_skipped_count(keys);
    sjwt_algorithm_set algorithms = sjwt_keyset_usable_algorithms(keys);

    printf("%zu usable for", sjwt_keyset_count(keys));
    print_algorithms(algorithms);
    if (serves_none_named(issuer, keys))
        printf(" (none of which it accepts)");
    else if (issuer->algorithms == 0 && (algorithms & sjwt_public_key_algorithms()) == 0)
        printf(" (shared secrets: only where algorithms are named)");
    if (skipped > 0)
        printf(", %zu skipped", skipped);
    putchar('\n');
    print_skipped("    ", keys);
}

/* What the sources of an issuer's keys have shown so far. */
typedef struct findings {
    int code;        /* the greatest exit code */
    bool all_judged; /* each source had usable keys */
    bool serves;     /* one has a key for one of the algorithms that the issuer names */
} findings;

static void add_code(findings *found, int code)
{
    if (code > found->code)
        found->code = code;
    if (code != EXIT_VALID)
        found->all_judged = false;
}

static void judge_keys(size_t n, const sjwt_issuer *issuer, const sjwt_keyset *keys,
                       findings *found)
{
    sjwt_error error;

    if (sjwt_keyset_prepare_all(keys, &error) != SJWT_OK) {
        char what[64];

        printf("of no use\n");
        snprintf(what, sizeof(what), "issuers[%zu]: jwks", n);
        add_code(found, refuse_input(what, &error));
        return;
    }
    print_counts(issuer, keys);
    found->serves = found->serves || !serves_none_named(issuer, keys);
}

static bool is_regular(const char *what, const char *path)
{
    struct stat state;

    if (stat(path, &state) != 0) {
        fail("%s: %s", what, strerror(errno));
        return false;
    }
    if (!S_ISREG(state.st_mode)) {
        fail("%s: not a regular file", what);
        return false;
    }
    return true;
}

/* Returns NULL on failure, with an exit_code. */
static sjwt_keyset *load_keys(const char *what, const char *path, int *code)
{
    sjwt_keyset *keys;
    sjwt_error error;
    buffer text;

    *code = EXIT_REFUSED;
    if (!is_regular(what, path) || !read_beginning(what, path, MAX_TEXT, &text))
        return NULL;
    if (sjwt_keyset_parse(NULL, text.data, text.len, &keys, &error) != SJWT_OK ||
        sjwt_keyset_prepare_any(keys, &error) != SJWT_OK) {
        *code = refuse_input(what, &error);
        sjwt_keyset_free(keys);
        keys = NULL;
    }
    buffer_free(&text);
    return keys;
}

static void check_key_file(const check_options *given, size_t n, const sjwt_issuer *issuer,
                           const char *member, const char *file, findings *found)
{
    char what[64];
    char *path;
    sjwt_keyset *keys;
    int code;

    printf("  %-17s", member);
    print_quoted(file);
    if (given->data_directory == NULL) {
        printf(", not opened\n");
        found->all_judged = false;
        return;
    }
    path = resolve_path(given->data_directory, file);
    if (path == NULL) {
        add_code(found, fail("out of memory"));
        return;
    }
    snprintf(what, sizeof(what), "issuers[%zu]: %s", n, member);
    keys = load_keys(what, path, &code);
    free(path);
    if (keys == NULL) {
        printf(", of no use\n");
        add_code(found, code);
        return;
    }
    printf(", ");
    judge_keys(n, issuer, keys, found);
    sjwt_keyset_free(keys);
}

/* Keys that the server fetches; sjwt fetch shows whether it could. */
static void print_fetched(const sjwt_issuer *issuer, findings *found)
{
    if (issuer->keys_url != NULL) {
        printf("  %-17s", "jwks_url");
        print_quoted(issuer->keys_url);
        printf(", not fetched\n");
    }
    if (issuer->discovery)
        printf("  %-17sits metadata tell where its keys are, not fetched\n", "discovery");
    if (issuer->keys_url != NULL || issuer->discovery)
        found->all_judged = false;
}

/* All sources of the issuer's keys. */
static int check_sources(const check_options *given, size_t n, const sjwt_issuer *issuer)
{
    findings found = {.code = EXIT_VALID, .all_judged = true};

    if (issuer->keys != NULL) {
        printf("  %-17s", "jwks");
        judge_keys(n, issuer, issuer->keys, &found);
    }
    if (issuer->keys_file != NULL)
        check_key_file(given, n, issuer, "jwks_file", issuer->keys_file, &found);
    for (size_t i = 0; i < issuer->keys_files.count; i++)
        check_key_file(given, n, issuer, "jwks_files", issuer->keys_files.items[i], &found);
    print_fetched(issuer, &found);
    if (found.all_judged && !found.serves) {
        fail("issuers[%zu]: none of its keys serves one of its \"algorithms\"", n);
        return EXIT_REFUSED;
    }
    return found.code;
}

static void print_claim_values(const sjwt_claim_rule *rule)
{
    if (rule->any_value)
        printf(" any value");
    for (size_t i = 0; i < rule->count; i++) {
        const sjwt_claim_value *value = &rule->values[i];
        printf("%s", i == 0 ? " " : " or ");
        if (value->string != NULL)
            print_quoted(value->string);
        else
            printf("%s", value->boolean ? "true" : "false");
    }
}

static void print_claim_rules(const sjwt_claim_rules *rules)
{
    printf("  %-17s", "claims");
    if (rules == NULL) {
        print_default("pg_session_jwt.claims");
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        if (i > 0)
            printf(", ");
        print_quoted(rules->items[i].name);
        putchar(':');
        print_claim_values(&rules->items[i]);
    }
    putchar('\n');
}

static int check_issuer(const check_options *given, size_t n, const sjwt_issuer *issuer)
{
    printf("issuers[%zu]  ", n);
    print_quoted(issuer->issuer);
    putchar('\n');
    print_list("audiences", &issuer->audiences, "pg_session_jwt.audience");
    printf("  %-16s", "algorithms");
    if (issuer->algorithms == 0) {
        putchar(' ');
        print_default("pg_session_jwt.algorithms");
    } else {
        print_algorithms(issuer->algorithms);
        putchar('\n');
    }
    print_list("required_claims", &issuer->required_claims, "pg_session_jwt.required_claims");
    print_list("token_types", &issuer->types, "pg_session_jwt.token_types");
    print_claim_rules(issuer->claims);
    printf("  %-17s", "max_lifetime");
    if (issuer->max_lifetime == 0)
        print_default("pg_session_jwt.max_lifetime");
    else
        printf("%lu s\n", (unsigned long)issuer->max_lifetime);
    return check_sources(given, n, issuer);
}

static int check_issuers(const check_options *given, const buffer *text)
{
    int code = EXIT_VALID;
    sjwt_issuers *issuers;
    sjwt_error error;

    if (sjwt_issuers_parse(NULL, text->data, text->len, &issuers, &error) != SJWT_OK)
        return refuse_input("FILE", &error);
    for (size_t n = 0; n < sjwt_issuers_count(issuers); n++) {
        int one = check_issuer(given, n, sjwt_issuers_get(issuers, n));

        if (one > code)
            code = one;
    }
    sjwt_issuers_free(issuers);
    return code;
}

/* ---- the command ------------------------------------------------------- */

static int check(const command *self, int argc, char **argv)
{
    check_options given = {0};
    const option options[] = {
        {.name = "issuers",
         .flag = &given.issuers,
         .help = "FILE is a document of issuers, not of keys"},
        {.name = "data-directory",
         .argument = "DIR",
         .value = &given.data_directory,
         .help = "check the key files that it names, too: a path is\nrelative to this directory, "
                 "the server's"},
        {.name = "revoked",
         .flag = &given.revoked,
         .help = "FILE is a list of revoked tokens, not of keys"},
        {.name = "quiet", .flag = &given.quiet, .help = "print nothing but what is wrong"},
        {.name = NULL},
    };
    buffer text;
    int code;

    if (!parse_options(self, options, argc, argv, &given.file, &code))
        return code;
    if (given.file == NULL)
        return fail("FILE is needed; see sjwt %s --help", self->name);
    if (given.data_directory != NULL && !given.issuers)
        return fail("--data-directory goes with --issuers; see sjwt %s --help", self->name);

    if (given.revoked && given.issuers)
        return fail("--revoked and --issuers exclude each other; see sjwt %s --help", self->name);

    if (given.quiet && freopen("/dev/null", "w", stdout) == NULL)
        return fail("/dev/null: %s", strerror(errno));
    if (given.revoked)
        return check_revoked(given.file);
    if (!read_beginning("FILE", given.file, MAX_TEXT, &text))
        return EXIT_UNUSABLE;
    code = given.issuers ? check_issuers(&given, &text) : check_keys(&text);
    buffer_free(&text);
    return code;
}

const command check_command = {
    .name = "check",
    .usage = "[--quiet] [--issuers [--data-directory D] | --revoked] FILE|-",
    .summary = "tell whether the server would take a file of keys, issuers or revoked tokens",
    .notes = "Exit status: 0 it would, 1 it would not, or an issuer would have no keys, or\n"
             "none for its algorithms (the reason on standard error), 2 usage or a file that\n"
             "cannot be read.\n",
    .run = check,
};
