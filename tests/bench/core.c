/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - the cost of sjwt_verify() beyond the signature check itself.
 */
#include "bench.h"
#include "peers.h"

#include <psa/crypto.h>
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

/* ---- the libraries' bare verification ----------------------------------- */

typedef struct bare {
    const uint8_t *message;
    size_t message_len;
    uint8_t signature[512];
    size_t signature_len;
    uint8_t ed25519[crypto_sign_PUBLICKEYBYTES];
    psa_key_id_t id;
    psa_algorithm_t algorithm;
} bare;

static void run_sodium(void *context, size_t n)
{
    const bare *check = context;

    for (size_t i = 0; i < n; i++)
        if (crypto_sign_verify_detached(check->signature, check->message, check->message_len,
                                        check->ed25519) != 0)
            bench_die("libsodium refuses the token");
}

static void run_psa(void *context, size_t n)
{
    const bare *check = context;

    for (size_t i = 0; i < n; i++)
        if (psa_verify_message(check->id, check->algorithm, check->message, check->message_len,
                               check->signature, check->signature_len) != PSA_SUCCESS)
            bench_die("PSA refuses the token");
}

/* SubjectPublicKeyInfo (RFC 5280 section 4.1) up to the octets of the key: for an RSA key of
 * 2048 bits, with the exponent 65537 after the modulus, and for a point on P-256. */
static const uint8_t rsa_info[] = {0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a,
                                   0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
                                   0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01,
                                   0x0a, 0x02, 0x82, 0x01, 0x01, 0x00};
static const uint8_t rsa_exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
static const uint8_t p256_info[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
#define RSA_INFO_HEAD 24
#define P256_INFO_HEAD 26

static size_t append(uint8_t *to, size_t used, const uint8_t *octets, size_t len)
{
    memcpy(to + used, octets, len);
    return used + len;
}

static size_t public_key_info(const bench_key *key, uint8_t *der, size_t size)
{
    size_t used;

    if (strcmp(key->alg, "RS256") == 0) {
        used = append(der, 0, rsa_info, sizeof(rsa_info));
        if (bench_key_octets(key, "n", der + used, size - used) != 256)
            bench_die("an RSA key that has not 2048 bits");
        return append(der, used + 256, rsa_exponent, sizeof(rsa_exponent));
    }
    used = append(der, 0, p256_info, sizeof(p256_info));
    used += bench_key_octets(key, "x", der + used, size - used);
    return used + bench_key_octets(key, "y", der + used, size - used);
}

static char *pem_of(const uint8_t *der, size_t len)
{
    char *base64 = bench_allocate(sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL));
    char *pem = bench_allocate(len * 2 + 128);
    char *to = pem + sprintf(pem, "-----BEGIN PUBLIC KEY-----\n");

    sodium_bin2base64(base64, sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL), der,
                      len, sodium_base64_VARIANT_ORIGINAL);
    for (const char *from = base64; *from != '\0'; from += strlen(from) < 64 ? strlen(from) : 64)
        to += sprintf(to, "%.64s\n", from);
    sprintf(to, "-----END PUBLIC KEY-----\n");
    free(base64);
    return pem;
}

static void import_psa(bare *check, const bench_key *key, const uint8_t *der, size_t len)
{
    const bool rsa = strcmp(key->alg, "RS256") == 0;
    const size_t head = rsa ? RSA_INFO_HEAD : P256_INFO_HEAD;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    check->algorithm =
        rsa ? PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256) : PSA_ALG_ECDSA(PSA_ALG_SHA_256);
    psa_set_key_type(&attributes, rsa ? PSA_KEY_TYPE_RSA_PUBLIC_KEY
                                      : PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_algorithm(&attributes, check->algorithm);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_MESSAGE);
    if (psa_crypto_init() != PSA_SUCCESS ||
        psa_import_key(&attributes, der + head, len - head, &check->id) != PSA_SUCCESS)
        bench_die("PSA does not take a key for %s", key->alg);
}

static bare *bare_check(const bench_key *key, const char *token, const uint8_t *der, size_t len)
{
    bare *check = bench_allocate(sizeof(*check));
    const char *dot = strrchr(token, '.');

    memset(check, 0, sizeof(*check));
    check->message = (const uint8_t *)token;
    check->message_len = (size_t)(dot - token);
    if (sodium_base642bin(check->signature, sizeof(check->signature), dot + 1, strlen(dot + 1),
                          NULL, &check->signature_len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        bench_die("a signature that is not base64url");
    if (der != NULL)
        import_psa(check, key, der, len);
    else
        bench_key_octets(key, "x", check->ed25519, sizeof(check->ed25519));
    return check;
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
    const bool eddsa = strcmp(key->alg, "EdDSA") == 0;
    char *token = bench_token(key, 1, size);
    sjwt_keyset *keys = parse_keys(key->public_jwk);
    const sjwt_issuer_policy issuer_policy = issuer_policy_in(keys);
    core_subject core = subject_of(token, &issuer_policy);
    uint8_t der[512];
    const size_t len = eddsa ? 0 : public_key_info(key, der, sizeof(der));
    bare *check = bare_check(key, token, eddsa ? NULL : der, len);
    char *pem = pem_of(der, len);
    peer_subject subjects[sizeof(peers) / sizeof(peers[0])];
    bench_contender contenders[2 + sizeof(peers) / sizeof(peers[0])] = {
        {.name = eddsa ? "bare libsodium" : "bare PSA, key imported",
         .run = eddsa ? run_sodium : run_psa,
         .context = check},
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
    if (!eddsa)
        psa_destroy_key(check->id);
    sjwt_keyset_free(keys);
    free(check);
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
        bare *check = bare_check(&key, token, NULL, 0);
        char x[32];
        const bench_contender verifying[] = {
            {.name = "bare libsodium", .run = run_sodium, .context = check},
            {.name = "sjwt_verify", .run = run_core, .context = &core}};
        const bench_contender parsing[] = {
            {.name = "sjwt_keyset_parse", .run = run_parse, .context = json}};

        snprintf(x, sizeof(x), "%zu", counts[i]);
        bench_compare("core: by keys in the set", x, verifying, 2, rounds, turn);
        bench_compare("core: parsing a set of keys", x, parsing, 1, 5, turn);
        sjwt_keyset_free(keys);
        free(check);
        free(json);
    }
}

int main(int argc, char **argv)
{
    static const char *const algorithms[] = {"EdDSA", "RS256", "ES256"};

    if (sodium_init() < 0)
        bench_die("libsodium does not start");
    if (argc > 1 && strcmp(argv[1], "quick") == 0) {
        rounds = 15;
        turn = 0.005;
    }
#ifndef BENCH_LIBJWT
    puts("# not measured: libjwt, whose development package is not installed");
#endif
#ifndef BENCH_CJOSE
    puts("# not measured: cjose, whose development package is not installed");
#endif
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        char group[64];
        const bench_key key = bench_key_generate(algorithms[i], NULL);

        snprintf(group, sizeof(group), "core: %s, 600 octets", algorithms[i]);
        compare(group, "-", &key, 600, true);
    }
    by_token_size();
    by_keys();
    return 0;
}
