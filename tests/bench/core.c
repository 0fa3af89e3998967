/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - the cost of sjwt_verify() beyond the signature check itself.
 */
#include "bare.h"
#include "peers.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t rounds = 31;
static double turn = 0.02;

/* ---- ours -------------------------------------------------------------- */

typedef struct core_subject {
    const char *token;
    size_t len;
    sjwt_policy policy;
} core_subject;

static void run_core(void *context, size_t n)
{
    const core_subject *subject = context;
    sjwt_token *token;
    sjwt_error error;

    for (size_t i = 0; i < n; i++) {
        if (sjwt_verify(NULL, subject->token, subject->len, &subject->policy, &token, &error) !=
            SJWT_OK)
            bench_die("sjwt_verify: %s", sjwt_status_text(error.status));
        sjwt_token_free(token);
    }
}

static sjwt_keyset *parse_keys(const char *json)
{
    sjwt_keyset *keys;
    sjwt_error error;

    if (sjwt_keyset_parse(NULL, json, strlen(json), &keys, &error) != SJWT_OK)
        bench_die("keys: %s", sjwt_status_text(error.status));
    return keys;
}

static sjwt_issuer_policy issuer_policy_in(const sjwt_keyset *keys)
{
    return (sjwt_issuer_policy){
        .issuer = BENCH_ISSUER, .keys = keys, .algorithms = sjwt_keyset_algorithms(keys)};
}

static core_subject subject_of(const char *token, const sjwt_issuer_policy *issuer_policy)
{
    return (core_subject){
        .token = token,
        .len = strlen(token),
        .policy = {.issuers = issuer_policy, .issuer_count = 1, .now = BENCH_NOW, .leeway = 60}};
}

/* ---- the library's bare verification ------------------------------------ */

static void run_bare(void *bare, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bench_bare_verify(bare);
}

/* ---- peers ------------------------------------------------------------- */

typedef struct peer_subject {
    const bench_peer *peer;
    void *key;
    const char *token;
    size_t len;
} peer_subject;

static void run_peer(void *context, size_t n)
{
    const peer_subject *subject = context;

    for (size_t i = 0; i < n; i++)
        if (!subject->peer->verify(subject->key, subject->token, subject->len))
            bench_die("%s refuses the token", subject->peer->name);
}

static const bench_peer *const peers[] = {
#ifdef BENCH_LIBJWT
    &bench_libjwt,
#endif
#ifdef BENCH_CJOSE
    &bench_cjose,
#endif
    NULL};

/* ---- what is measured ---------------------------------------------------- */

static void compare(const char *group, const char *x, const bench_key *key, size_t size,
                    bool with_peers)
{
    const bench_library *library = bench_library_of(key);
    char *token = bench_token(key, 1, size);
    sjwt_keyset *keys = parse_keys(key->public_jwk);
    const sjwt_issuer_policy issuer_policy = issuer_policy_in(keys);
    core_subject core = subject_of(token, &issuer_policy);
    bench_bare bare = bench_bare_of(library, library->import(key), token);
    char *pem = strcmp(key->alg, "EdDSA") == 0 ? NULL : bench_public_key_pem(key);
    peer_subject subjects[sizeof(peers) / sizeof(peers[0])];
    bench_contender contenders[2 + sizeof(peers) / sizeof(peers[0])] = {
        {.name = library->name, .run = run_bare, .context = &bare},
        {.name = "sjwt_verify", .run = run_core, .context = &core}};
    size_t count = 2;

    for (size_t i = 0; with_peers && peers[i] != NULL; i++) {
        subjects[i] = (peer_subject){.peer = peers[i],
                                     .key = peers[i]->import(key->alg, key->public_jwk, pem),
                                     .token = token,
                                     .len = strlen(token)};
        if (subjects[i].key == NULL) {
            printf("# not measured: %s, which has no %s\n", peers[i]->name, key->alg);
            continue;
        }
        contenders[count++] =
            (bench_contender){.name = peers[i]->name, .run = run_peer, .context = &subjects[i]};
    }
    bench_compare(group, x, contenders, count, rounds, turn);
    sjwt_keyset_free(keys);
    free(pem);
    free(token);
}

static void by_token_size(void)
{
    static const size_t sizes[] = {300, 600, 1000, 2000, 4000, 8000, 16000};
    const bench_key key = bench_key_generate("EdDSA", NULL);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char x[32];

        snprintf(x, sizeof(x), "%zu", sizes[i]);
        compare("core: by token size", x, &key, sizes[i], false);
    }
}

static void run_parse(void *json, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sjwt_keyset_free(parse_keys(json));
}

/* The token's key is in the middle. */
static void by_keys(void)
{
    static const size_t counts[] = {1, 10, 100, 1000};
    const bench_key key = bench_key_generate("EdDSA", "the-one");
    const bench_library *library = bench_library_of(&key);
    char *token = bench_token(&key, 1, 600);

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        char *json = bench_allocate(counts[i] * 256 + 16);
        char *to = json + sprintf(json, "{\"keys\":[");

        for (size_t k = 0; k < counts[i]; k++) {
            char kid[32];

            snprintf(kid, sizeof(kid), "another-%04zu", k);
            const bench_key other = k == counts[i] / 2 ? key : bench_key_generate("EdDSA", kid);
            to += sprintf(to, "%s%s", k == 0 ? "" : ",", other.public_jwk);
        }
        strcpy(to, "]}");

        sjwt_keyset *keys = parse_keys(json);
        const sjwt_issuer_policy issuer_policy = issuer_policy_in(keys);
        core_subject core = subject_of(token, &issuer_policy);
        bench_bare bare = bench_bare_of(library, library->import(&key), token);
        char x[32];
        const bench_contender verifying[] = {
            {.name = library->name, .run = run_bare, .context = &bare},
            {.name = "sjwt_verify", .run = run_core, .context = &core}};
        const bench_contender parsing[] = {
            {.name = "sjwt_keyset_parse", .run = run_parse, .context = json}};

        snprintf(x, sizeof(x), "%zu", counts[i]);
        bench_compare("core: by keys in the set", x, verifying, 2, rounds, turn);
        bench_compare("core: parsing a set of keys", x, parsing, 1, 5, turn);
        sjwt_keyset_free(keys);
        free(json);
    }
}

/* An algorithm by the library that this build has for it, beside the peers. */
static void by_algorithm(const char *alg)
{
    const bench_key key = bench_key_generate(alg, NULL);
    char group[64];

    snprintf(group, sizeof(group), "core: %s, 600 octets, %s", alg,
             bench_library_of(&key)->backend);
    compare(group, "-", &key, 600, true);
}

/* bench_core [quick] [ALGORITHM...]: with algorithms, only these and no growth. */
int main(int argc, char **argv)
{
    static const char *const algorithms[] = {"EdDSA", "RS256", "PS256", "ES256"};

    if (sodium_init() < 0)
        bench_die("libsodium does not start");
    if (argc > 1 && strcmp(argv[1], "quick") == 0) {
        rounds = 15;
        turn = 0.005;
        argv++;
        argc--;
    }
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            by_algorithm(argv[i]);
        return 0;
    }
#ifndef BENCH_LIBJWT
    puts("# not measured: libjwt, whose development package is not installed");
#endif
#ifndef BENCH_CJOSE
    puts("# not measured: cjose, whose development package is not installed");
#endif
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
        by_algorithm(algorithms[i]);
    by_token_size();
    by_keys();
    return 0;
}
