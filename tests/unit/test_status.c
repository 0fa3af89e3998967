/* SPDX-License-Identifier: Apache-2.0 */
/* The statuses: their names and texts, and that each one can occur. */
#include "support.h"

#include "fake_backend.h"

#include <ctype.h>

#define EDDSA "{\"alg\":\"EdDSA\"}"

static const char *const name_us[] = {"us"};
static const int64_t five = 5;

/* One input for each status: keys or issuers that fail to parse, or a token and its
 * policy. */
typedef struct way {
    sjwt_status status;
    const char *keys;                    /* NULL: the usual OKP key */
    const char *header;                  /* NULL: no token, only the keys are parsed */
    const char *payload;                 /* NULL: what follows the header is no base64url */
    sjwt_policy policy;                  /* issuers are filled in */
    sjwt_issuer_policy issuer_policy;    /* likewise keys and algorithms */
    sjwt_crypto_status backend, prepare; /* what the crypto library answers */
    size_t fail_at;                      /* the allocation that fails */
    bool is_public_jwk;
    bool is_issuers; /* keys is a document of issuers */
    bool is_rules;   /* keys is values of claims */
    bool is_line;    /* keys is a line of revoked tokens */
    char signature;  /* each octet of the signature; 0: 'K'; '!': not base64url */
} way;

#define KID(kid) "{" OKP_KEY ",\"kid\":\"" kid "\"},"

static const sjwt_claim_value value_us = {.string = "us"};
static const sjwt_claim_rule rule_us = {.name = "us", .values = &value_us, .count = 1};
static const sjwt_claim_rules rules_us = {.items = &rule_us, .count = 1};

static const way ways[] = {
    {.status = SJWT_OK, .header = EDDSA, .payload = "{}"},
    {.status = SJWT_NO_MEMORY, .header = EDDSA, .payload = "{}", .fail_at = 1},
    {.status = SJWT_INTERNAL, .header = EDDSA, .payload = "{}", .backend = SJWT_CRYPTO_INTERNAL},
    {.status = SJWT_TOO_LARGE, .header = EDDSA, .payload = "{}", .policy.max_token_size = 8},
    {.status = SJWT_MALFORMED, .header = "", .payload = ""},
    {.status = SJWT_SIGNATURE_ENCODING, .header = EDDSA, .payload = "{}", .signature = '!'},
    {.status = SJWT_HEADER_ENCODING, .header = "!", .payload = "{}"},
    {.status = SJWT_HEADER_JSON, .header = "[]", .payload = "{}"},
    {.status = SJWT_PAYLOAD_ENCODING, .header = EDDSA},
    {.status = SJWT_PAYLOAD_JSON, .header = EDDSA, .payload = "[]"},
    {.status = SJWT_ALG_MISSING, .header = "{}", .payload = "{}"},
    {.status = SJWT_ALG_UNKNOWN, .header = "{\"alg\":\"none\"}", .payload = "{}"},
    {.status = SJWT_ALG_NOT_ALLOWED,
     .header = EDDSA,
     .payload = "{}",
     .issuer_policy.algorithms = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256)},
    {.status = SJWT_ALG_MISMATCH, .header = "{\"alg\":\"ES256\"}", .payload = "{}"},
    {.status = SJWT_ALG_UNSUPPORTED, .header = "{\"alg\":\"ES256K\"}", .payload = "{}"},
    {.status = SJWT_CRITICAL_HEADER, .header = "{\"alg\":\"EdDSA\",\"crit\":[]}", .payload = "{}"},
    {.status = SJWT_KID_INVALID, .header = "{\"alg\":\"EdDSA\",\"kid\":1}", .payload = "{}"},
    {.status = SJWT_TYPE_REFUSED,
     .header = EDDSA,
     .payload = "{}",
     .issuer_policy.types = {name_us, 1}},
    {.status = SJWT_ISSUER_MISSING, .header = EDDSA, .payload = "{}", .issuer_policy.issuer = "us"},
    {.status = SJWT_ISSUER_REFUSED,
     .header = EDDSA,
     .payload = "{\"iss\":\"them\"}",
     .issuer_policy.issuer = "us"},
    {.status = SJWT_KEY_NOT_FOUND,
     .header = "{\"alg\":\"EdDSA\",\"kid\":\"1\"}",
     .payload = "{}",
     .keys = "{" OKP_KEY ",\"kid\":\"2\"}"},
    {.status = SJWT_KEY_REFUSED, .header = EDDSA, .payload = "{}", .prepare = SJWT_CRYPTO_BAD_KEY},
    {.status = SJWT_SIGNATURE_INVALID, .header = EDDSA, .payload = "{}", .signature = 'x'},
    {.status = SJWT_KEYS_NOT_ALL_TRIED,
     .header = EDDSA,
     .payload = "{}",
     .keys = "{\"keys\":[" KID("1") KID("2") KID("3") KID("4") KID("5") KID("6") KID("7")
         KID("8") "{" OKP_KEY "}]}",
     .signature = 'x'},
    {.status = SJWT_CLAIM_MISSING,
     .header = EDDSA,
     .payload = "{}",
     .issuer_policy.required_claims = {name_us, 1}},
    {.status = SJWT_CLAIM_REFUSED,
     .header = EDDSA,
     .payload = "{\"us\":\"them\"}",
     .issuer_policy.claims = &rules_us},
    {.status = SJWT_LIFETIME_REFUSED,
     .header = EDDSA,
     .payload = "{}",
     .issuer_policy.max_lifetime = 1},
    {.status = SJWT_CLAIM_RULES_MALFORMED, .keys = "{", .is_rules = true},
    {.status = SJWT_CLAIM_RULES_INVALID, .keys = "{}", .is_rules = true},
    {.status = SJWT_JTI_INVALID, .header = EDDSA, .payload = "{}", .policy.last_jti = &five},
    {.status = SJWT_JTI_REPLAYED,
     .header = EDDSA,
     .payload = "{\"jti\":5}",
     .policy.last_jti = &five},
    {.status = SJWT_NBF_INVALID, .header = EDDSA, .payload = "{\"nbf\":\"1\"}"},
    {.status = SJWT_NOT_YET_VALID, .header = EDDSA, .payload = "{\"nbf\":1}"},
    {.status = SJWT_EXP_INVALID, .header = EDDSA, .payload = "{\"exp\":\"1\"}"},
    {.status = SJWT_EXPIRED, .header = EDDSA, .payload = "{\"exp\":-1}"},
    {.status = SJWT_IAT_INVALID, .header = EDDSA, .payload = "{\"iat\":\"1\"}"},
    {.status = SJWT_AUDIENCE_INVALID,
     .header = EDDSA,
     .payload = "{\"aud\":1}",
     .issuer_policy.audiences = {name_us, 1}},
    {.status = SJWT_SUBJECT_REFUSED,
     .header = EDDSA,
     .payload = "{\"sub\":\"https://a|b\"}",
     .issuer_policy.subjects = SJWT_SUBJECTS_PLAIN},
    {.status = SJWT_AUDIENCE_MISSING,
     .header = EDDSA,
     .payload = "{}",
     .issuer_policy.audiences = {name_us, 1}},
    {.status = SJWT_AUDIENCE_REFUSED,
     .header = EDDSA,
     .payload = "{\"aud\":\"them\"}",
     .issuer_policy.audiences = {name_us, 1}},
    {.status = SJWT_LOGOUT_INVALID, .header = EDDSA, .payload = "{}", .policy.is_logout = true},
    {.status = SJWT_REVOCATION_TOO_LARGE, .keys = "", .is_line = true},
    {.status = SJWT_REVOCATION_MALFORMED, .keys = "{", .is_line = true},
    {.status = SJWT_REVOCATION_INVALID, .keys = "{}", .is_line = true},
    {.status = SJWT_ISSUERS_TOO_LARGE, .keys = "", .is_issuers = true},
    {.status = SJWT_ISSUERS_MALFORMED, .keys = "{", .is_issuers = true},
    {.status = SJWT_ISSUERS_INVALID, .keys = "{}", .is_issuers = true},
    {.status = SJWT_JWK_TOO_LARGE, .keys = ""},
    {.status = SJWT_JWK_MALFORMED, .keys = "{"},
    {.status = SJWT_JWK_NOT_A_KEY, .keys = "{}", .is_public_jwk = true},
    {.status = SJWT_JWK_NOT_A_KEY_SET, .keys = "[]"},
    {.status = SJWT_JWK_KTY_UNKNOWN, .keys = "{\"kty\":\"AKP\"}"},
    {.status = SJWT_JWK_CRV_UNKNOWN,
     .keys = "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" K32 "\"}"},
    {.status = SJWT_JWK_MEMBER_INVALID, .keys = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":1}"},
    {.status = SJWT_JWK_KEY_REFUSED, .keys = "{\"kty\":\"oct\",\"k\":\"Sw\"}"},
    {.status = SJWT_JWK_USE_REFUSED, .keys = "{" OKP_KEY ",\"use\":\"enc\"}"},
    {.status = SJWT_JWK_ALG_UNKNOWN, .keys = "{" OKP_KEY ",\"alg\":\"none\"}"},
    {.status = SJWT_JWK_ALG_MISMATCH, .keys = "{" OKP_KEY ",\"alg\":\"HS256\"}"},
    {.status = SJWT_JWK_UNSUPPORTED,
     .keys = "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}"},
    {.status = SJWT_JWK_SYMMETRIC, .keys = "{" OCT_KEY "}", .is_public_jwk = true},
    {.status = SJWT_JWK_TOO_MANY, .keys = "{" OKP_KEY},
    {.status = SJWT_JWK_REPEATED, .keys = "{\"keys\":[{" OKP_KEY "},{" OKP_KEY "}]}"},
    {.status = SJWT_JWK_NONE_USABLE, .keys = "{\"keys\":[]}"},
};

/* A set with one more key than there may be; key is without its last brace. free() it. */
static char *too_many(const char *key)
{
    char *text =
        allocate_or_fail((SJWT_MAX_KEYS + 1) * (strlen(key) + 24) + sizeof("{\"keys\":[]}"));
    char *next = text + sprintf(text, "{\"keys\":[");

    for (int i = 0; i <= SJWT_MAX_KEYS; i++)
        next += sprintf(next, "%s%s,\"kid\":\"%d\"}", i == 0 ? "" : ",", key, i);
    strcpy(next, "]}");
    return text;
}

static sjwt_status parse_keys(const way *w, sjwt_error *error)
{
    bool is_large = w->status == SJWT_JWK_TOO_LARGE || w->status == SJWT_ISSUERS_TOO_LARGE ||
                    w->status == SJWT_REVOCATION_TOO_LARGE;
    size_t len = is_large ? SJWT_MAX_KEYSET_SIZE + 1 : strlen(w->keys);
    char *text = calloc(1, len + 1);
    sjwt_issuers *issuers = NULL;
    sjwt_keyset *keys = NULL;
    sjwt_revocation *line = NULL;

    assert_non_null(text);
    memcpy(text, w->keys, strlen(w->keys));
    if (w->status == SJWT_JWK_TOO_MANY) {
        free(text);
        text = too_many(w->keys);
        len = strlen(text);
    }
    sjwt_claim_rules *rules = NULL;
    sjwt_status status = w->is_rules     ? sjwt_claim_rules_parse(NULL, text, len, &rules, error)
                         : w->is_line    ? sjwt_revocation_parse(NULL, text, len, &line, error)
                         : w->is_issuers ? sjwt_issuers_parse(NULL, text, len, &issuers, error)
                         : w->is_public_jwk
                             ? sjwt_keyset_parse_public_jwk(NULL, text, len, &keys, error)
                             : sjwt_keyset_parse(NULL, text, len, &keys, error);
    if (w->status == SJWT_JWK_REPEATED) {
        size_t index;
        const char *kid;
        /* the reason why a key is skipped, never why a call fails */
        assert_status(status, SJWT_OK, "a repeated key");
        assert_true(sjwt_keyset_skipped(keys, 0, &index, &kid, error));
        status = error->status;
        sjwt_keyset_free(keys);
        keys = NULL;
    }
    assert_null(keys);
    assert_null(issuers);
    assert_null(rules);
    assert_null(line);
    free(text);
    return status;
}

static char *token_of(const way *w)
{
    char octets[64];

    memset(octets, w->signature != 0 ? w->signature : 'K', sizeof(octets));
    char *header = strchr(w->header, '!') != NULL ? strcpy(allocate_or_fail(2), "!")
                                                  : encoded(w->header, strlen(w->header));
    char *payload = w->payload == NULL ? strcpy(allocate_or_fail(2), "!")
                                       : encoded(w->payload, strlen(w->payload));
    char *signature =
        w->signature == '!' ? strcpy(allocate_or_fail(2), "!") : encoded(octets, sizeof(octets));
    char *token = joined(header, payload, signature);
    if (w->status == SJWT_MALFORMED)
        token[strlen(header)] = '!';
    free(header);
    free(payload);
    free(signature);
    return token;
}

static sjwt_status verify(const way *w, sjwt_error *error)
{
    counting memory = {.fail_at = w->fail_at};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_keyset *keys = keys_of(w->keys != NULL ? w->keys : "{" OKP_KEY "}");
    sjwt_policy policy = w->policy;
    sjwt_issuer_policy issuer_policy = w->issuer_policy;
    char *text = token_of(w);
    sjwt_token *token;

    issuer_policy.keys = keys;
    if (issuer_policy.algorithms == 0)
        issuer_policy.algorithms = sjwt_all_algorithms();
    policy.issuers = &issuer_policy;
    policy.issuer_count = 1;
    fake.verify = w->backend;
    fake.prepare = w->prepare;
    sjwt_status status = sjwt_verify(&allocator, text, strlen(text), &policy, &token, error);
    fake.verify = fake.prepare = SJWT_CRYPTO_OK;
    assert_int_equal(token != NULL, status == SJWT_OK);
    sjwt_token_free(token);
    sjwt_keyset_free(keys);
    free(text);
    return status;
}

static void test_every_status_is_reached(void **state)
{
    bool reached[SJWT_STATUS_COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        sjwt_error error = {.status = SJWT_OK};
        sjwt_status status =
            ways[i].header == NULL ? parse_keys(&ways[i], &error) : verify(&ways[i], &error);
        assert_status(status, ways[i].status, sjwt_status_name(ways[i].status));
        assert_int_equal(error.status, status);
        reached[status] = true;
    }
    for (int status = 0; status < SJWT_STATUS_COUNT; status++) {
        if (!reached[status])
            fail_msg("no way to %s", sjwt_status_name((sjwt_status)status));
    }
}

static void test_names_and_texts(void **state)
{
    (void)state;
    for (int a = 0; a < SJWT_STATUS_COUNT; a++) {
        const char *name = sjwt_status_name((sjwt_status)a);
        const char *text = sjwt_status_text((sjwt_status)a);
        assert_true(strncmp(name, "SJWT_", 5) == 0);
        assert_true(strlen(text) > 0);
        /* one line for a log, in lower case except names such as JWK */
        assert_null(strpbrk(text, "\n\t"));
        assert_false(isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(name, sjwt_status_name((sjwt_status)b));
            assert_string_not_equal(text, sjwt_status_text((sjwt_status)b));
        }
    }
    assert_string_equal(sjwt_status_name(SJWT_EXPIRED), "SJWT_EXPIRED");
    assert_string_equal(sjwt_status_text(SJWT_EXPIRED), "token has expired");
    assert_string_equal(sjwt_status_name(SJWT_JWK_NONE_USABLE), "SJWT_JWK_NONE_USABLE");
}

static void test_no_status(void **state)
{
    (void)state;
    assert_non_null(sjwt_status_name(SJWT_STATUS_COUNT));
    assert_non_null(sjwt_status_text(SJWT_STATUS_COUNT));
    assert_string_equal(sjwt_status_name((sjwt_status)1000), sjwt_status_name(SJWT_STATUS_COUNT));
    assert_string_equal(sjwt_status_text((sjwt_status)-1), sjwt_status_text(SJWT_STATUS_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_is_reached),
        cmocka_unit_test(test_names_and_texts),
        cmocka_unit_test(test_no_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
