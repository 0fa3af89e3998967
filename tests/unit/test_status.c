/* The statuses: their names and texts, and that each can be had. */
#include "support.h"

#include "fake_backend.h"

#include <ctype.h>

#define EDDSA "{\"alg\":\"EdDSA\"}"

static const char *const name_us[] = {"us"};
static const int64_t five = 5;

/* A way to each status: keys or issuers that fail to parse, or a token and what it
 * is held against. */
typedef struct way {
    jwt_status status;
    const char *keys;    /* NULL: the usual OKP key */
    const char *header;  /* NULL: no token, the keys are the point */
    const char *payload; /* NULL: what follows the header is no base64url */
    jwt_policy policy;   /* trusts are filled in */
    jwt_trust trust;     /* likewise keys and algorithms */
    crypto_status backend;
    size_t fail_at; /* the allocation that fails */
    bool is_public_jwk;
    bool is_issuers; /* keys is a document of issuers */
    char signature;  /* the signature's every octet; 0: 'K'; '!': no base64url */
} way;

static const way ways[] = {
    {.status = JWT_OK, .header = EDDSA, .payload = "{}"},
    {.status = JWT_NO_MEMORY, .header = EDDSA, .payload = "{}", .fail_at = 1},
    {.status = JWT_INTERNAL, .header = EDDSA, .payload = "{}", .backend = CRYPTO_INTERNAL},
    {.status = JWT_TOO_LARGE, .header = EDDSA, .payload = "{}", .policy.max_token_size = 8},
    {.status = JWT_MALFORMED, .header = "", .payload = ""},
    {.status = JWT_SIGNATURE_ENCODING, .header = EDDSA, .payload = "{}", .signature = '!'},
    {.status = JWT_HEADER_ENCODING, .header = "!", .payload = "{}"},
    {.status = JWT_HEADER_JSON, .header = "[]", .payload = "{}"},
    {.status = JWT_PAYLOAD_ENCODING, .header = EDDSA},
    {.status = JWT_PAYLOAD_JSON, .header = EDDSA, .payload = "[]"},
    {.status = JWT_ALG_MISSING, .header = "{}", .payload = "{}"},
    {.status = JWT_ALG_UNKNOWN, .header = "{\"alg\":\"none\"}", .payload = "{}"},
    {.status = JWT_ALG_NOT_ALLOWED,
     .header = EDDSA,
     .payload = "{}",
     .trust.algorithms = CRYPTO_BIT(CRYPTO_ALG_ES256)},
    {.status = JWT_ALG_MISMATCH, .header = "{\"alg\":\"ES256\"}", .payload = "{}"},
    {.status = JWT_ALG_UNSUPPORTED, .header = "{\"alg\":\"ES256K\"}", .payload = "{}"},
    {.status = JWT_CRITICAL_HEADER, .header = "{\"alg\":\"EdDSA\",\"crit\":[]}", .payload = "{}"},
    {.status = JWT_KID_INVALID, .header = "{\"alg\":\"EdDSA\",\"kid\":1}", .payload = "{}"},
    {.status = JWT_TYPE_REFUSED, .header = EDDSA, .payload = "{}", .trust.types = {name_us, 1}},
    {.status = JWT_ISSUER_REFUSED, .header = EDDSA, .payload = "{}", .trust.issuer = "us"},
    {.status = JWT_KEY_NOT_FOUND, .header = "{\"alg\":\"EdDSA\",\"kid\":\"1\"}", .payload = "{}"},
    {.status = JWT_SIGNATURE_INVALID, .header = EDDSA, .payload = "{}", .signature = 'x'},
    {.status = JWT_CLAIM_MISSING,
     .header = EDDSA,
     .payload = "{}",
     .trust.required_claims = {name_us, 1}},
    {.status = JWT_JTI_INVALID, .header = EDDSA, .payload = "{}", .policy.jti_after = &five},
    {.status = JWT_JTI_REPLAYED,
     .header = EDDSA,
     .payload = "{\"jti\":5}",
     .policy.jti_after = &five},
    {.status = JWT_NBF_INVALID, .header = EDDSA, .payload = "{\"nbf\":\"1\"}"},
    {.status = JWT_NOT_YET_VALID, .header = EDDSA, .payload = "{\"nbf\":1}"},
    {.status = JWT_EXP_INVALID, .header = EDDSA, .payload = "{\"exp\":\"1\"}"},
    {.status = JWT_EXPIRED, .header = EDDSA, .payload = "{\"exp\":-1}"},
    {.status = JWT_IAT_INVALID, .header = EDDSA, .payload = "{\"iat\":\"1\"}"},
    {.status = JWT_AUDIENCE_INVALID,
     .header = EDDSA,
     .payload = "{\"aud\":1}",
     .trust.audiences = {name_us, 1}},
    {.status = JWT_AUDIENCE_REFUSED,
     .header = EDDSA,
     .payload = "{}",
     .trust.audiences = {name_us, 1}},
    {.status = JWT_ISSUERS_TOO_LARGE, .keys = "", .is_issuers = true},
    {.status = JWT_ISSUERS_MALFORMED, .keys = "{", .is_issuers = true},
    {.status = JWT_ISSUERS_INVALID, .keys = "{}", .is_issuers = true},
    {.status = JWK_TOO_LARGE, .keys = ""},
    {.status = JWK_MALFORMED, .keys = "{"},
    {.status = JWK_NOT_A_KEY, .keys = "{}", .is_public_jwk = true},
    {.status = JWK_NOT_A_KEY_SET, .keys = "[]"},
    {.status = JWK_KTY_UNKNOWN, .keys = "{\"kty\":\"AKP\"}"},
    {.status = JWK_CRV_UNKNOWN, .keys = "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" K32 "\"}"},
    {.status = JWK_MEMBER_INVALID, .keys = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":1}"},
    {.status = JWK_KEY_REFUSED, .keys = "{\"kty\":\"oct\",\"k\":\"Sw\"}"},
    {.status = JWK_USE_REFUSED, .keys = "{" OKP_KEY ",\"use\":\"enc\"}"},
    {.status = JWK_ALG_UNKNOWN, .keys = "{" OKP_KEY ",\"alg\":\"none\"}"},
    {.status = JWK_ALG_MISMATCH, .keys = "{" OKP_KEY ",\"alg\":\"HS256\"}"},
    {.status = JWK_UNSUPPORTED,
     .keys = "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}"},
    {.status = JWK_SYMMETRIC, .keys = "{" OCT_KEY "}", .is_public_jwk = true},
    {.status = JWK_AMBIGUOUS,
     .keys = "{\"keys\":[{" OKP_KEY ",\"kid\":\"1\"},{" OKP_KEY ",\"kid\":\"1\"}]}"},
    {.status = JWK_NONE_USABLE, .keys = "{\"keys\":[]}"},
};

static jwt_status parse_keys(const way *w, jwt_error *error)
{
    bool is_large = w->status == JWK_TOO_LARGE || w->status == JWT_ISSUERS_TOO_LARGE;
    size_t len = is_large ? JWT_MAX_KEYSET_SIZE + 1 : strlen(w->keys);
    char *text = calloc(1, len + 1);
    jwt_issuers *issuers = NULL;
    jwt_keyset *keys = NULL;

    assert_non_null(text);
    memcpy(text, w->keys, strlen(w->keys));
    jwt_status status = w->is_issuers ? jwt_issuers_parse(NULL, text, len, &issuers, error)
                        : w->is_public_jwk
                            ? jwt_keyset_parse_public_jwk(NULL, text, len, &keys, error)
                            : jwt_keyset_parse(NULL, text, len, &keys, error);
    assert_null(keys);
    assert_null(issuers);
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
    if (w->status == JWT_MALFORMED)
        token[strlen(header)] = '!';
    free(header);
    free(payload);
    free(signature);
    return token;
}

static jwt_status verify(const way *w, jwt_error *error)
{
    counting memory = {.fail_at = w->fail_at};
    jwt_allocator allocator = counting_allocator(&memory);
    jwt_keyset *keys = keys_of("{" OKP_KEY "}");
    jwt_policy policy = w->policy;
    jwt_trust trust = w->trust;
    char *text = token_of(w);
    jwt_token *token;

    trust.keys = keys;
    if (trust.algorithms == 0)
        trust.algorithms = jwt_all_algorithms();
    policy.trusts = &trust;
    policy.trust_count = 1;
    fake.verify = w->backend;
    jwt_status status = jwt_verify(&allocator, text, strlen(text), &policy, &token, error);
    fake.verify = CRYPTO_OK;
    assert_int_equal(token != NULL, status == JWT_OK);
    jwt_token_free(token);
    jwt_keyset_free(keys);
    free(text);
    return status;
}

static void test_every_status_is_reached(void **state)
{
    bool reached[JWT_STATUS_COUNT] = {false};

    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        jwt_error error = {.status = JWT_OK};
        jwt_status status =
            ways[i].header == NULL ? parse_keys(&ways[i], &error) : verify(&ways[i], &error);
        assert_status(status, ways[i].status, jwt_status_name(ways[i].status));
        assert_int_equal(error.status, status);
        reached[status] = true;
    }
    for (int status = 0; status < JWT_STATUS_COUNT; status++) {
        if (!reached[status])
            fail_msg("no way to %s", jwt_status_name((jwt_status)status));
    }
}

static void test_names_and_texts(void **state)
{
    (void)state;
    for (int a = 0; a < JWT_STATUS_COUNT; a++) {
        const char *name = jwt_status_name((jwt_status)a);
        const char *text = jwt_status_text((jwt_status)a);
        assert_true(strncmp(name, "JWT_", 4) == 0 || strncmp(name, "JWK_", 4) == 0);
        assert_true(strlen(text) > 0);
        /* one line for a log, lower case but for names such as JWK */
        assert_null(strpbrk(text, "\n\t"));
        assert_false(isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(name, jwt_status_name((jwt_status)b));
            assert_string_not_equal(text, jwt_status_text((jwt_status)b));
        }
    }
    assert_string_equal(jwt_status_name(JWT_EXPIRED), "JWT_EXPIRED");
    assert_string_equal(jwt_status_text(JWT_EXPIRED), "token has expired");
    assert_string_equal(jwt_status_name(JWK_NONE_USABLE), "JWK_NONE_USABLE");
}

static void test_no_status(void **state)
{
    (void)state;
    assert_non_null(jwt_status_name(JWT_STATUS_COUNT));
    assert_non_null(jwt_status_text(JWT_STATUS_COUNT));
    assert_string_equal(jwt_status_name((jwt_status)1000), jwt_status_name(JWT_STATUS_COUNT));
    assert_string_equal(jwt_status_text((jwt_status)-1), jwt_status_text(JWT_STATUS_COUNT));
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
