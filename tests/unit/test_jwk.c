/* SPDX-License-Identifier: Apache-2.0 */
/* JWK and JWK Set: which keys are usable, for what, and how one is found. */
#include "support.h"

#include "fake_backend.h"

#include "jwt/jwk.h"

#define HS                                                                                         \
    (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS512))
#define RSA_ALL                                                                                    \
    (SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS384) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS512) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS256) |             \
     SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS512))

/* Of ES256K, see FAKE_LACKS. */
#define LACKING_KEY "\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\""

static int reset_fake(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    return 0;
}

static void expect_with(sjwt_status (*parse)(const sjwt_allocator *, const char *, size_t,
                                             sjwt_keyset **, sjwt_error *),
                        const char *json, sjwt_status wanted, const char *detail)
{
    sjwt_keyset *keys = (sjwt_keyset *)&fake;
    sjwt_error error = {.status = SJWT_STATUS_COUNT};
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);

    sjwt_status status = parse(&allocator, json, strlen(json), &keys, &error);
    assert_status(status, wanted, json);
    if (wanted != SJWT_OK) {
        assert_null(keys);
        assert_int_equal(error.status, wanted);
        assert_string_equal(error.detail, detail);
        if (wanted != SJWT_JWK_MALFORMED)
            assert_int_equal(error.position, 0);
        assert_int_equal(memory.live, 0);
        assert_status(parse(NULL, json, strlen(json), &keys, NULL), wanted, json);
    }
    sjwt_keyset_free(keys);
    assert_int_equal(memory.live, 0);
}

static void refuses(const char *json, sjwt_status wanted, const char *detail)
{
    expect_with(sjwt_keyset_parse, json, wanted, detail);
}

static void serves(const char *json, sjwt_algorithm_set algorithms)
{
    sjwt_keyset *keys = keys_of(json);

    assert_int_equal(sjwt_keyset_count(keys), 1);
    assert_int_equal(sjwt_keyset_algorithms(keys), algorithms);
    assert_int_equal(sjwt_keyset_skipped_count(keys), 0);
    sjwt_keyset_free(keys);
}

static void test_key_decides_algorithm(void **state)
{
    (void)state;
    serves("{" OKP_KEY "}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
    serves("{" OKP_KEY ",\"alg\":\"EdDSA\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
    serves("{" OKP_KEY ",\"alg\":\"Ed25519\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
    serves("{" EC_KEY "}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256));
    serves("{" EC_KEY ",\"alg\":\"ES256\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256));
    serves("{" RSA_KEY "}", RSA_ALL);
    serves("{" RSA_KEY ",\"alg\":\"PS384\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384));
    serves("{" OCT_KEY "}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256));
    serves("{" OCT_KEY ",\"alg\":\"HS256\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256));
    /* 64 octets serve all of HMAC, but for what the build lacks. */
    serves("{\"kty\":\"oct\",\"k\":\"" CB48 CB12 CB12 CB12 "yw\"}", HS & ~FAKE_LACKS);
}

static void test_curves(void **state)
{
    static const struct {
        const char *name;
        size_t len;
        sjwt_crypto_alg alg;
    } curves[] = {
        {"P-256", 32, SJWT_CRYPTO_ALG_ES256},
        {"P-384", 48, SJWT_CRYPTO_ALG_ES384},
        {"P-521", 66, SJWT_CRYPTO_ALG_ES512},
    };
    uint8_t octets[67];

    (void)state;
    memset(octets, 'K', sizeof(octets));
    for (size_t i = 0; i < COUNT(curves); i++) {
        for (size_t len = curves[i].len - 1; len <= curves[i].len + 1; len++) {
            char json[400], of_x[64], of_y[64];
            snprintf(of_x, sizeof(of_x), "\"x\" must have %zu octets", curves[i].len);
            snprintf(of_y, sizeof(of_y), "\"y\" must have %zu octets", curves[i].len);
            char *x = encoded(octets, len);
            char *y = encoded(octets, curves[i].len);
            snprintf(json, sizeof(json),
                     "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", curves[i].name, x,
                     y);
            if (len == curves[i].len)
                serves(json, SJWT_CRYPTO_BIT(curves[i].alg));
            else
                refuses(json, SJWT_JWK_KEY_REFUSED, of_x);
            snprintf(json, sizeof(json),
                     "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", curves[i].name, y,
                     x);
            if (len != curves[i].len)
                refuses(json, SJWT_JWK_KEY_REFUSED, of_y);
            free(x);
            free(y);
        }
    }
}

static void test_unusable(void **state)
{
    static const struct {
        const char *json;
        sjwt_status status;
        const char *detail;
    } wrong[] = {
        {"", SJWT_JWK_MALFORMED, "the text is empty"},
        {"{", SJWT_JWK_MALFORMED, ""},
        {"{} {}", SJWT_JWK_MALFORMED, ""},
        {"{" OKP_KEY ",\"kty\":\"OKP\"}", SJWT_JWK_MALFORMED, ""},
        {"{" OKP_KEY ",\"d\":\"a\",\"d\":\"b\"}", SJWT_JWK_MALFORMED, ""},
        {"{" OKP_KEY ",\"kid\":\"a\\u0000b\"}", SJWT_JWK_MALFORMED, ""},
        {"null", SJWT_JWK_NOT_A_KEY_SET, "it is not an object"},
        {"\"" K32 "\"", SJWT_JWK_NOT_A_KEY_SET, "it is a string"},
        {"[{" OKP_KEY "}]", SJWT_JWK_NOT_A_KEY_SET, "it is not an object"},
        {"{}", SJWT_JWK_NOT_A_KEY_SET, "it has neither \"keys\" nor \"kty\""},
        {"{\"Kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\"}", SJWT_JWK_NOT_A_KEY_SET,
         "it has neither \"keys\" nor \"kty\""},
        {"{\"keys\":{}}", SJWT_JWK_NOT_A_KEY_SET, "\"keys\" is not an array"},
        {"{\"keys\":null}", SJWT_JWK_NOT_A_KEY_SET, "it has neither \"keys\" nor \"kty\""},
        {"{\"keys\":\"x\"," OKP_KEY "}", SJWT_JWK_NOT_A_KEY_SET, "\"keys\" is not an array"},
        {"{\"keys\":[]}", SJWT_JWK_NONE_USABLE, "the set is empty"},
        {"{\"keys\":[1,{" OKP_KEY ",\"use\":\"enc\"}]}", SJWT_JWK_NONE_USABLE,
         "2 skipped, the first: not a JWK: it is not an object"},
        {"{\"keys\":[1,{" LACKING_KEY "}]}", SJWT_JWK_NONE_USABLE,
         "2 skipped, among them: key is for an algorithm that this build does not support: ES256K"},
        {"{\"keys\":[{" LACKING_KEY "},{" LACKING_KEY "}]}", SJWT_JWK_NONE_USABLE,
         "2 skipped, the first: key is for an algorithm that this build does not support: ES256K"},

        {"{\"kty\":7}", SJWT_JWK_MEMBER_INVALID, "\"kty\" is not a string"},
        {"{\"kty\":\"okp\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\"}", SJWT_JWK_KTY_UNKNOWN, ""},
        {"{\"kty\":\"AKP\"}", SJWT_JWK_KTY_UNKNOWN, ""},
        {"{\"kty\":\"\"}", SJWT_JWK_KTY_UNKNOWN, ""},
        {"{" OKP_KEY ",\"kid\":1}", SJWT_JWK_MEMBER_INVALID, "\"kid\" is not a string"},
        {"{" OKP_KEY ",\"use\":1}", SJWT_JWK_MEMBER_INVALID, "\"use\" is not a string"},
        {"{" OKP_KEY ",\"use\":\"enc\"}", SJWT_JWK_USE_REFUSED, "\"use\" is not \"sig\""},
        {"{" OKP_KEY ",\"use\":\"SIG\"}", SJWT_JWK_USE_REFUSED, "\"use\" is not \"sig\""},
        {"{" OKP_KEY ",\"use\":\"x509-svid\"}", SJWT_JWK_USE_REFUSED, "\"use\" is not \"sig\""},
        {"{" OKP_KEY ",\"use\":\"\"}", SJWT_JWK_USE_REFUSED, "\"use\" is not \"sig\""},
        {"{" OKP_KEY ",\"key_ops\":\"verify\"}", SJWT_JWK_MEMBER_INVALID,
         "\"key_ops\" is not an array"},
        {"{" OKP_KEY ",\"key_ops\":[1]}", SJWT_JWK_MEMBER_INVALID,
         "\"key_ops\" has an item that is not a string"},
        {"{" OKP_KEY ",\"key_ops\":[\"verify\",null]}", SJWT_JWK_MEMBER_INVALID,
         "\"key_ops\" has an item that is not a string"},
        {"{" OKP_KEY ",\"key_ops\":[]}", SJWT_JWK_USE_REFUSED, "\"key_ops\" lacks \"verify\""},
        {"{" OKP_KEY ",\"key_ops\":[\"sign\"]}", SJWT_JWK_USE_REFUSED,
         "\"key_ops\" lacks \"verify\""},
        {"{" OKP_KEY ",\"use\":\"enc\",\"key_ops\":[\"verify\"]}", SJWT_JWK_USE_REFUSED,
         "\"use\" is not \"sig\""},
        {"{" OKP_KEY ",\"use\":\"sig\",\"key_ops\":[\"encrypt\"]}", SJWT_JWK_USE_REFUSED,
         "\"key_ops\" lacks \"verify\""},
        {"{" OKP_KEY ",\"alg\":1}", SJWT_JWK_MEMBER_INVALID, "\"alg\" is not a string"},
        {"{" OKP_KEY ",\"alg\":\"none\"}", SJWT_JWK_ALG_UNKNOWN, ""},
        {"{" OKP_KEY ",\"alg\":\"eddsa\"}", SJWT_JWK_ALG_UNKNOWN, ""},
        {"{" OKP_KEY ",\"alg\":\"ECDH-ES\"}", SJWT_JWK_ALG_UNKNOWN, ""},
        {"{" RSA_KEY ",\"alg\":\"RSA-OAEP\"}", SJWT_JWK_ALG_UNKNOWN, ""},
        {"{" OKP_KEY ",\"alg\":\"HS256\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" OKP_KEY ",\"alg\":\"ES256\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" EC_KEY ",\"alg\":\"ES384\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" EC_KEY ",\"alg\":\"ES256K\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" EC_KEY ",\"alg\":\"HS256\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" RSA_KEY ",\"alg\":\"HS256\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" OCT_KEY ",\"alg\":\"RS256\"}", SJWT_JWK_ALG_MISMATCH, ""},
        {"{" OCT_KEY ",\"alg\":\"EdDSA\"}", SJWT_JWK_ALG_MISMATCH, ""},

        {"{\"kty\":\"OKP\",\"x\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "\"crv\" is missing"},
        {"{\"kty\":\"OKP\",\"crv\":1,\"x\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID,
         "\"crv\" is not a string"},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" K32 "\"}", SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" K32 "\"}", SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"ed25519\",\"x\":\"" K32 "\"}", SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}",
         SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}",
         SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"EC\",\"crv\":\"P-192\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}",
         SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", SJWT_JWK_MEMBER_INVALID, "\"x\" is missing"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":null}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is missing"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is empty"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"X\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is missing"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" K32 "=\"}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is not unpadded base64url"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"+" K32 "\"}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is not unpadded base64url"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\" " K32 "\"}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is not unpadded base64url"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID,
         "\"y\" is missing"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID,
         "\"x\" is missing"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\"}", SJWT_JWK_MEMBER_INVALID, "\"e\" is missing"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", SJWT_JWK_MEMBER_INVALID, "\"n\" is missing"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":65537}", SJWT_JWK_MEMBER_INVALID,
         "\"e\" is not a string"},
        /* zeros before the number do not count */
        {"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}", SJWT_JWK_MEMBER_INVALID,
         "\"n\" is zero"},
        {"{\"kty\":\"RSA\",\"n\":\"AAAAAA\",\"e\":\"AQAB\"}", SJWT_JWK_MEMBER_INVALID,
         "\"n\" is zero"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AAAA=\"}", SJWT_JWK_MEMBER_INVALID,
         "\"e\" is not unpadded base64url"},
        {"{\"kty\":\"RSA\",\"n\":\"AAAA" CB240 CB12 "yw\",\"e\":\"AQAB\"}", SJWT_JWK_KEY_REFUSED,
         "\"n\" must have at least 2048 bits"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AAAAAQ\"}", SJWT_JWK_KEY_REFUSED,
         "\"e\" must be at least 3"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AAABAAAAAAAAAAE\"}", SJWT_JWK_KEY_REFUSED,
         "\"e\" must have at most 8 octets"},
        {"{\"kty\":\"oct\"}", SJWT_JWK_MEMBER_INVALID, "\"k\" is missing"},
        {"{\"kty\":\"oct\",\"k\":\"\"}", SJWT_JWK_MEMBER_INVALID, "\"k\" is empty"},

        /* 31 and 33 octets */
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
         "\"S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLSw\"}",
         SJWT_JWK_KEY_REFUSED, "\"x\" must have 32 octets"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
         "\"S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tL\"}",
         SJWT_JWK_KEY_REFUSED, "\"x\" must have 32 octets"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB240 CB12 "yw\",\"e\":\"AQAB\"}", SJWT_JWK_KEY_REFUSED,
         "\"n\" must have at least 2048 bits"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB240 CB240 CB48 "\",\"e\":\"AQAB\"}", SJWT_JWK_KEY_REFUSED,
         "\"n\" must have at most 4096 bits"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AQ\"}", SJWT_JWK_KEY_REFUSED,
         "\"e\" must be at least 3"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"Ag\"}", SJWT_JWK_KEY_REFUSED,
         "\"e\" must be odd"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"BA\"}", SJWT_JWK_KEY_REFUSED,
         "\"e\" must be odd"},
        {"{\"kty\":\"oct\",\"k\":\"Sw\"}", SJWT_JWK_KEY_REFUSED,
         "\"k\" must have at least 32 octets"},
        {"{" OCT_KEY ",\"alg\":\"HS512\"}", SJWT_JWK_KEY_REFUSED,
         "\"k\" must have at least 64 octets"},
        /* a length that the algorithm refuses comes before what the build lacks */
        {"{" OCT_KEY ",\"alg\":\"HS384\"}", SJWT_JWK_KEY_REFUSED,
         "\"k\" must have at least 48 octets"},
        {"{\"kty\":\"oct\",\"alg\":\"HS384\",\"k\":\"" CB48 CB12 CB12 "\"}", SJWT_JWK_UNSUPPORTED,
         "HS384"},
        {"{" LACKING_KEY "}", SJWT_JWK_UNSUPPORTED, "ES256K"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        refuses(wrong[i].json, wrong[i].status, wrong[i].detail);
}

static void test_accepted_members(void **state)
{
    static const char *const texts[] = {
        "{" OKP_KEY ",\"use\":\"sig\"}",
        "{" OKP_KEY ",\"use\":\"jwt-svid\"}",
        "{" OKP_KEY ",\"use\":null,\"key_ops\":null,\"alg\":null,\"kid\":null,\"x5c\":null}",
        "{\"keys\":null," OKP_KEY "}",
        "{" OKP_KEY ",\"key_ops\":[\"verify\"]}",
        "{" OKP_KEY ",\"key_ops\":[\"sign\",\"verify\"]}",
        "{" OKP_KEY ",\"key_ops\":[\"verify\",\"sign\"]}",
        "{" OKP_KEY ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"kid\":\"\"}",
        "{" OKP_KEY ",\"y\":7,\"n\":{},\"x5c\":[\"\"],\"ext\":true,\"d\":\"" Y32 "\"}",
        " {" OKP_KEY "} \n",
        "{\"keys\":[{" OKP_KEY "}],\"more\":1}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        serves(texts[i], SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
}

static void test_public_jwk(void **state)
{
    static const struct {
        const char *json;
        sjwt_status status;
        const char *detail;
    } texts[] = {
        {"{" OKP_KEY "}", SJWT_OK, ""},
        {"{" RSA_KEY "}", SJWT_OK, ""},
        {"{" EC_KEY "}", SJWT_OK, ""},
        {"{" OCT_KEY "}", SJWT_JWK_SYMMETRIC, ""},
        {"{\"kty\":\"oct\"}", SJWT_JWK_SYMMETRIC, ""},
        {"{\"keys\":[{" OKP_KEY "}]}", SJWT_JWK_NOT_A_KEY, "it is a JWK Set"},
        {"{\"keys\":[]," OKP_KEY "}", SJWT_JWK_NOT_A_KEY, "it is a JWK Set"},
        {"[{" OKP_KEY "}]", SJWT_JWK_NOT_A_KEY, "it is not an object"},
        {"{}", SJWT_JWK_NOT_A_KEY, "\"kty\" is missing"},
        {"7", SJWT_JWK_NOT_A_KEY, "it is not an object"},
        {"", SJWT_JWK_MALFORMED, "the text is empty"},
        {"{\"kty\":1}", SJWT_JWK_MEMBER_INVALID, "\"kty\" is not a string"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        expect_with(sjwt_keyset_parse_public_jwk, texts[i].json, texts[i].status, texts[i].detail);
}

static void test_size(void **state)
{
    size_t len = SJWT_MAX_KEYSET_SIZE;
    char *text = allocate_or_fail(len + 1);
    sjwt_keyset *keys;
    sjwt_error error;

    (void)state;
    memset(text, ' ', len + 1);
    memcpy(text, "{" OKP_KEY "}", strlen("{" OKP_KEY "}"));
    assert_status(sjwt_keyset_parse(NULL, text, len, &keys, NULL), SJWT_OK, "the largest");
    sjwt_keyset_free(keys);
    assert_status(sjwt_keyset_parse(NULL, text, len + 1, &keys, &error), SJWT_JWK_TOO_LARGE,
                  "one more");
    assert_null(keys);
    free(text);
}

static void test_position(void **state)
{
    sjwt_keyset *keys;
    sjwt_error error;

    (void)state;
    assert_status(sjwt_keyset_parse(NULL, "{\"kty\":tru}", 11, &keys, &error), SJWT_JWK_MALFORMED,
                  "");
    assert_int_equal(error.position, 7);
    assert_status(sjwt_keyset_parse(NULL, NULL, 0, &keys, &error), SJWT_JWK_MALFORMED, "");
}

static void test_skipped(void **state)
{
    static const char json[] = "{\"keys\":["
                               "{" OKP_KEY ",\"kid\":\"good\"},"
                               "\"text\","
                               "{\"kty\":\"AKP\",\"kid\":\"new\"},"
                               "{" OKP_KEY ",\"kid\":5},"
                               "{" EC_KEY ",\"kid\":\"enc\",\"use\":\"enc\"},"
                               "{\"kid\":\"nothing\"},"
                               "{\"kty\":\"oct\",\"kid\":\"short\",\"k\":\"Sw\"},"
                               "{" EC_KEY "},"
                               "{" OKP_KEY ",\"kid\":\"good\",\"x5t\":\"\"}"
                               "]}";
    static const struct {
        size_t index;
        const char *kid;
        sjwt_status why;
        const char *detail;
    } wanted[] = {
        {1, NULL, SJWT_JWK_NOT_A_KEY, "it is not an object"},
        {2, "new", SJWT_JWK_KTY_UNKNOWN, ""},
        {3, NULL, SJWT_JWK_MEMBER_INVALID, "\"kid\" is not a string"},
        {4, "enc", SJWT_JWK_USE_REFUSED, "\"use\" is not \"sig\""},
        {5, "nothing", SJWT_JWK_NOT_A_KEY, "\"kty\" is missing"},
        {6, "short", SJWT_JWK_KEY_REFUSED, "\"k\" must have at least 32 octets"},
        {8, "good", SJWT_JWK_REPEATED, ""},
    };
    sjwt_keyset *keys = keys_of(json);
    size_t index;
    const char *kid;
    sjwt_error why;

    (void)state;
    assert_int_equal(sjwt_keyset_count(keys), 2);
    assert_int_equal(sjwt_keyset_algorithms(keys), SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) |
                                                       SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256));
    assert_int_equal(sjwt_keyset_skipped_count(keys), COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(sjwt_keyset_skipped(keys, i, &index, &kid, &why));
        assert_int_equal(index, wanted[i].index);
        assert_status(why.status, wanted[i].why, "skipped");
        assert_string_equal(why.detail, wanted[i].detail);
        if (wanted[i].kid == NULL)
            assert_null(kid);
        else
            assert_string_equal(kid, wanted[i].kid);
    }
    assert_false(sjwt_keyset_skipped(keys, COUNT(wanted), &index, &kid, &why));
    sjwt_keyset_free(keys);
}

static void test_many_skipped(void **state)
{
    static char json[150 * 4 + 400];
    char *next = json + sprintf(json, "{\"keys\":[");
    size_t index;
    const char *kid;
    sjwt_error why;

    (void)state;
    for (int i = 0; i < 150; i++)
        next += sprintf(next, "{},");
    sprintf(next, "{" OKP_KEY "}]}");
    sjwt_keyset *keys = keys_of(json);
    assert_int_equal(sjwt_keyset_skipped_count(keys), 150);
    assert_true(sjwt_keyset_skipped(keys, 99, &index, &kid, &why));
    assert_int_equal(index, 99);
    assert_false(sjwt_keyset_skipped(keys, 100, &index, &kid, &why));
    sjwt_keyset_free(keys);
}

#define WITH_KID(key, kid) "{" key ",\"kid\":\"" kid "\"}"
#define TWO(left, right) "{\"keys\":[" left "," right "]}"

/* The same octets, kid and algorithms: the key counts once, wherever it is repeated. */
static void test_repeated(void **state)
{
    static const struct {
        const char *json;
        size_t keys, skipped;
    } sets[] = {
        {TWO(WITH_KID(OKP_KEY, "a"), WITH_KID(OKP_KEY, "a")), 1, 1},
        {TWO(WITH_KID(OKP_KEY, "a"), WITH_KID(OKP_KEY, "\\u0061")), 1, 1},
        {TWO(WITH_KID(OKP_KEY, ""), WITH_KID(OKP_KEY, "")), 1, 1},
        {TWO("{" OKP_KEY "}", "{" OKP_KEY "}"), 1, 1},
        {TWO("{" OKP_KEY "}", "{" OKP_KEY ",\"alg\":\"EdDSA\",\"kid\":null}"), 1, 1},
        {TWO("{" RSA_KEY "}",
             "{\"kty\":\"RSA\",\"n\":\"AMvL" CB240 CB12 "y8s\",\"e\":\"AAAAAQAB\"}"),
         1, 1},
        {TWO(WITH_KID(OKP_KEY, "a"), WITH_KID(EC_KEY, "b") "," WITH_KID(OKP_KEY, "a")), 2, 1},
        /* another type, another algorithm, another kid, no kid */
        {TWO(WITH_KID(OKP_KEY, "a"), WITH_KID(EC_KEY, "a")), 2, 0},
        {TWO(WITH_KID(RSA_KEY ",\"alg\":\"RS256\"", "a"),
             WITH_KID(RSA_KEY ",\"alg\":\"PS256\"", "a")),
         2, 0},
        {TWO(WITH_KID(RSA_KEY ",\"alg\":\"RS256\"", "a"), WITH_KID(RSA_KEY, "a")), 2, 0},
        {TWO(WITH_KID(OKP_KEY, "a"), WITH_KID(OKP_KEY, "A")), 2, 0},
        {TWO(WITH_KID(OKP_KEY, "a"), "{" OKP_KEY "}"), 2, 0},
        {TWO(WITH_KID(OKP_KEY, ""), "{" OKP_KEY "}"), 2, 0},
        {TWO("{" EC_KEY "}",
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" K32 "\",\"y\":\"" K32 "\"}"),
         2, 0},
        {TWO("{" RSA_KEY "}", "{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"Aw\"}"), 2, 0},
        /* one that is skipped is nobody's twin */
        {TWO(WITH_KID(OKP_KEY ",\"use\":\"enc\"", "a"), WITH_KID(OKP_KEY, "a")), 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sets); i++) {
        sjwt_keyset *keys = keys_of(sets[i].json);

        if (sjwt_keyset_count(keys) != sets[i].keys ||
            sjwt_keyset_skipped_count(keys) != sets[i].skipped)
            fail_msg("%zu and %zu: %s", sjwt_keyset_count(keys), sjwt_keyset_skipped_count(keys),
                     sets[i].json);
        sjwt_keyset_free(keys);
    }
}

/* Zeros before an RSA number change nothing, however many. */
static void test_leading_zeros(void **state)
{
    sjwt_key_view key;
    size_t zeros = 3000;
    char *json = allocate_or_fail(zeros + 1000);
    char *next = json + sprintf(json, "{\"kty\":\"RSA\",\"e\":\"AAEAAQ\",\"n\":\"");

    (void)state;
    memset(next, 'A', zeros);
    strcpy(next + zeros, CB256 "\"}");
    sjwt_keyset *keys = keys_of(json);
    assert_true(sjwt_keyset_key(keys, 0, &key));
    assert_int_equal(key.octets[0].len, 256);
    assert_int_equal(key.octets[0].data[0], 0xCB);
    assert_int_equal(key.octets[1].len, 3);
    assert_memory_equal(key.octets[1].data, "\1\0\1", 3);
    assert_in_range(sjwt_keyset_get(keys, 0)->size, 256, 600);
    sjwt_keyset_free(keys);
    /* in a coordinate and in a secret they do */
    serves("{\"kty\":\"oct\",\"k\":\"AAAA" K32 "\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256));
    refuses("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA" K32 "\"}", SJWT_JWK_KEY_REFUSED,
            "\"x\" must have 32 octets");
    free(json);
}

/* What is in place of a key set is named. */
static void test_other_texts(void **state)
{
    static const struct {
        const char *text;
        sjwt_status status;
        const char *detail;
    } rows[] = {
        {"\xEF\xBB\xBF{" OKP_KEY "}", SJWT_JWK_MALFORMED, "byte order mark at octet 1"},
        {"\xFF\xFE{", SJWT_JWK_MALFORMED, "the text is UTF-16; it must be UTF-8"},
        {"\xFE\xFF{", SJWT_JWK_MALFORMED, "the text is UTF-16; it must be UTF-8"},
        {"\x1F\x8B\x08", SJWT_JWK_MALFORMED, "the text is compressed (gzip)"},
        {"-----BEGIN PUBLIC KEY-----", SJWT_JWK_MALFORMED,
         "the text is PEM, not JSON: sjwt jwk FILE converts it"},
        {"0\x82\x01\x22", SJWT_JWK_MALFORMED,
         "the text is DER, not JSON: sjwt jwk FILE converts it"},
        {"<!doctype html>", SJWT_JWK_MALFORMED, "the text is HTML or XML, not JSON"},
        {"'{" OKP_KEY "}'", SJWT_JWK_MALFORMED, "the text is in single quotes"},
        {"{\"issuer\":\"a\",\"jwks_uri\":\"b\"}", SJWT_JWK_NOT_A_KEY_SET,
         "it is a discovery document, which tells where the keys are"},
        {"{\"issuers\":[]}", SJWT_JWK_NOT_A_KEY_SET, "it is a document of issuers"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        refuses(rows[i].text, rows[i].status, rows[i].detail);
}

/* ---- preparing ---- */

static const char refused_text[] = "key has the wrong length, is too weak or is not on the curve";

static void prepares(const char *json, sjwt_status wanted, const char *detail)
{
    sjwt_keyset *keys = keys_of(json);
    sjwt_error error = {.status = SJWT_STATUS_COUNT};

    assert_status(sjwt_keyset_prepare_all(keys, &error), wanted, json);
    if (wanted != SJWT_OK) {
        assert_int_equal(error.status, wanted);
        assert_string_equal(error.detail, detail);
    }
    assert_status(sjwt_keyset_prepare_any(keys, NULL), wanted, json);
    sjwt_keyset_free(keys);
    assert_int_equal(fake.handles, 0);
}

/* What a library says of a key is told as if parsing had found it. */
static void test_library_refuses(void **state)
{
    char detail[160];

    (void)state;
    snprintf(detail, sizeof(detail), "1 skipped, the first: %s: the crypto library refuses \"x\"",
             refused_text);
    prepares("{" OKP_KEY "}", SJWT_OK, "");
    fake.prepare = SJWT_CRYPTO_BAD_KEY;
    prepares("{" OKP_KEY "}", SJWT_JWK_KEY_REFUSED, "the crypto library refuses \"x\"");
    prepares("{" RSA_KEY "}", SJWT_JWK_KEY_REFUSED, "the crypto library refuses \"n\" and \"e\"");
    prepares("{" EC_KEY "}", SJWT_JWK_KEY_REFUSED, "the crypto library refuses \"x\" and \"y\"");
    prepares("{" OCT_KEY "}", SJWT_JWK_KEY_REFUSED, "the crypto library refuses \"k\"");
    prepares("{\"keys\":[{" OKP_KEY "}]}", SJWT_JWK_NONE_USABLE, detail);
    fake.prepare = SJWT_CRYPTO_UNSUPPORTED;
    prepares("{" OKP_KEY "}", SJWT_JWK_UNSUPPORTED, "EdDSA");
    prepares("{\"keys\":[{},{" OKP_KEY "}]}", SJWT_JWK_NONE_USABLE,
             "2 skipped, among them: key is for an algorithm that this build does not support: "
             "EdDSA");
    fake.prepare = SJWT_CRYPTO_NO_MEMORY;
    prepares("{" OKP_KEY "}", SJWT_NO_MEMORY, "");
    prepares("{\"keys\":[{},{" OKP_KEY "}]}", SJWT_NO_MEMORY, "");
    fake.prepare = SJWT_CRYPTO_INTERNAL;
    prepares("{" OKP_KEY "}", SJWT_INTERNAL, "");
    prepares("{\"keys\":[{},{" OKP_KEY "}]}", SJWT_INTERNAL, "");
}

/* In a set, the refused are told with the skipped, in order. */
static void test_refused_are_skipped(void **state)
{
    static const struct {
        size_t index;
        const char *kid;
        sjwt_status why;
    } wanted[] = {
        {0, "a", SJWT_JWK_KEY_REFUSED},
        {1, NULL, SJWT_JWK_NOT_A_KEY},
        {3, NULL, SJWT_JWK_KEY_REFUSED},
        {4, "d", SJWT_JWK_USE_REFUSED},
    };
    sjwt_keyset *keys = keys_of("{\"keys\":[" WITH_KID(EC_KEY, "a") ",7," WITH_KID(
        OKP_KEY, "c") ",{" EC_KEY "}," WITH_KID(OKP_KEY ",\"use\":\"enc\"", "d") "]}");
    size_t index;
    const char *kid;
    sjwt_error why;

    (void)state;
    assert_int_equal(sjwt_keyset_count(keys), 3);
    assert_int_equal(sjwt_keyset_skipped_count(keys), 2);
    fake.refuses = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256);
    assert_status(sjwt_keyset_prepare_all(keys, NULL), SJWT_OK, "one is good");
    assert_int_equal(sjwt_keyset_count(keys), 1);
    assert_int_equal(sjwt_keyset_usable_algorithms(keys), SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
    assert_int_equal(sjwt_keyset_skipped_count(keys), COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(sjwt_keyset_skipped(keys, i, &index, &kid, &why));
        assert_int_equal(index, wanted[i].index);
        assert_status(why.status, wanted[i].why, "skipped");
        assert_int_equal(kid == NULL, wanted[i].kid == NULL);
        if (kid != NULL)
            assert_string_equal(kid, wanted[i].kid);
    }
    assert_false(sjwt_keyset_skipped(keys, COUNT(wanted), &index, &kid, &why));
    sjwt_keyset_free(keys);
    assert_int_equal(fake.handles, 0);
}

/* Once for a key and an algorithm, whoever asks. */
static void test_prepared_once(void **state)
{
    sjwt_keyset *keys = keys_of("{\"keys\":[{" RSA_KEY "},{" OKP_KEY "}]}");
    const sjwt_key *rsa = sjwt_keyset_get(keys, 0);
    sjwt_crypto_key first, again, other;

    (void)state;
    assert_int_equal(fake.preparations, 0);
    assert_status(sjwt_key_prepare(rsa, SJWT_CRYPTO_ALG_PS256, &first), SJWT_OK, "first");
    assert_status(sjwt_key_prepare(rsa, SJWT_CRYPTO_ALG_PS256, &again), SJWT_OK, "again");
    assert_int_equal(fake.preparations, 1);
    assert_ptr_equal(first.handle, again.handle);
    assert_int_equal(first.alg, SJWT_CRYPTO_ALG_PS256);
    assert_status(sjwt_key_prepare(rsa, SJWT_CRYPTO_ALG_RS256, &other), SJWT_OK, "other");
    assert_ptr_not_equal(first.handle, other.handle);
    assert_int_equal(fake.preparations, 2);

    assert_status(sjwt_keyset_prepare_any(keys, NULL), SJWT_OK, "any");
    assert_int_equal(fake.preparations, 2);
    assert_status(sjwt_keyset_prepare_all(keys, NULL), SJWT_OK, "all");
    assert_status(sjwt_keyset_prepare_all(keys, NULL), SJWT_OK, "all again");
    assert_int_equal(fake.preparations, 7);
    assert_int_equal(fake.handles, 7);
    sjwt_keyset_free(keys);
    assert_int_equal(fake.handles, 0);
}

/* A refusal is remembered, a failure is not. */
static void test_what_is_remembered(void **state)
{
    static const struct {
        sjwt_crypto_status answer;
        sjwt_status status;
        bool remembered;
    } cases[] = {
        {SJWT_CRYPTO_OK, SJWT_OK, true},
        {SJWT_CRYPTO_BAD_KEY, SJWT_JWK_KEY_REFUSED, true},
        {SJWT_CRYPTO_UNSUPPORTED, SJWT_JWK_UNSUPPORTED, true},
        {SJWT_CRYPTO_NO_MEMORY, SJWT_NO_MEMORY, false},
        {SJWT_CRYPTO_INTERNAL, SJWT_INTERNAL, false},
        {SJWT_CRYPTO_BAD_SIGNATURE, SJWT_INTERNAL, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        sjwt_keyset *keys = keys_of("{" OKP_KEY "}");
        const sjwt_key *key = sjwt_keyset_get(keys, 0);
        sjwt_crypto_key prepared;

        fake.prepare = cases[i].answer;
        fake.preparations = 0;
        for (size_t asked = 1; asked <= 3; asked++) {
            assert_status(sjwt_key_prepare(key, SJWT_CRYPTO_ALG_EDDSA, &prepared), cases[i].status,
                          "as answered");
            assert_int_equal(fake.preparations, cases[i].remembered ? 1 : asked);
        }
        fake.prepare = SJWT_CRYPTO_OK;
        assert_status(sjwt_key_prepare(key, SJWT_CRYPTO_ALG_EDDSA, &prepared),
                      cases[i].remembered ? cases[i].status : SJWT_OK, "later");
        sjwt_keyset_free(keys);
        assert_int_equal(fake.handles, 0);
    }
}

/* One algorithm of a key may be refused, and another not. */
static void test_refused_for_one_algorithm(void **state)
{
    sjwt_keyset *keys = keys_of("{" RSA_KEY "}");
    const sjwt_key *key = sjwt_keyset_get(keys, 0);

    (void)state;
    fake.refuses = RSA_ALL & ~SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384);
    assert_status(sjwt_keyset_prepare_any(keys, NULL), SJWT_OK, "any");
    assert_status(sjwt_keyset_prepare_all(keys, NULL), SJWT_OK, "all");
    assert_int_equal(sjwt_key_usable_algorithms(key), SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384));
    assert_int_equal(sjwt_keyset_algorithms(keys), RSA_ALL);
    assert_int_equal(sjwt_keyset_count(keys), 1);
    sjwt_keyset_free(keys);
}

/* ---- finding ---- */

static size_t find_keys(const sjwt_keyset *keys, const char *kid, sjwt_crypto_alg alg, bool known,
                        const sjwt_key **found)
{
    sjwt_candidates candidates;
    size_t count = 0;
    const sjwt_key *key;

    sjwt_keyset_find(keys, kid, alg, &candidates);
    assert_int_equal(candidates.kid_known, known);
    while ((key = sjwt_candidates_next(&candidates)) != NULL)
        found[count++] = key;
    return count;
}

static void test_select(void **state)
{
    const sjwt_key *found[SJWT_MAX_CANDIDATE_KEYS];
    sjwt_keyset *keys = keys_of(
        "{\"keys\":[" WITH_KID(OKP_KEY, "z") "," WITH_KID(EC_KEY, "a") ",{" OKP_KEY "}," WITH_KID(
            RSA_KEY, "z") "," WITH_KID(OKP_KEY, "a") ",{" EC_KEY "}," WITH_KID(OKP_KEY, "") "]}");

    (void)state;
    assert_int_equal(find_keys(keys, "z", SJWT_CRYPTO_ALG_EDDSA, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 0));
    assert_int_equal(find_keys(keys, "z", SJWT_CRYPTO_ALG_PS512, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 3));
    assert_int_equal(find_keys(keys, "a", SJWT_CRYPTO_ALG_ES256, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 1));
    assert_int_equal(find_keys(keys, "a", SJWT_CRYPTO_ALG_EDDSA, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 4));
    assert_int_equal(find_keys(keys, "", SJWT_CRYPTO_ALG_EDDSA, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 6));

    assert_int_equal(find_keys(keys, "z", SJWT_CRYPTO_ALG_ES256, true, found), 0);
    /* a kid that no key has: those without kid */
    for (size_t i = 0; i < 3; i++) {
        static const char *const unknown[] = {"Z", "b", "zz"};
        assert_int_equal(find_keys(keys, unknown[i], SJWT_CRYPTO_ALG_EDDSA, false, found), 1);
        assert_ptr_equal(found[0], sjwt_keyset_get(keys, 2));
        assert_int_equal(find_keys(keys, unknown[i], SJWT_CRYPTO_ALG_ES256, false, found), 1);
        assert_ptr_equal(found[0], sjwt_keyset_get(keys, 5));
        assert_int_equal(find_keys(keys, unknown[i], SJWT_CRYPTO_ALG_PS512, false, found), 0);
    }

    assert_int_equal(find_keys(keys, NULL, SJWT_CRYPTO_ALG_EDDSA, false, found), 4);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 0));
    assert_ptr_equal(found[1], sjwt_keyset_get(keys, 2));
    assert_ptr_equal(found[2], sjwt_keyset_get(keys, 4));
    assert_ptr_equal(found[3], sjwt_keyset_get(keys, 6));
    assert_int_equal(find_keys(keys, NULL, SJWT_CRYPTO_ALG_HS256, false, found), 0);
    sjwt_keyset_free(keys);
}

/* Several sets as one: it has the keys of all, a common one once, and owns none. */
static void test_join(void **state)
{
    const sjwt_key *found[SJWT_MAX_CANDIDATE_KEYS];
    sjwt_keyset *parts[] = {keys_of("{" OKP_KEY ",\"kid\":\"a\"}"),
                            keys_of("{\"keys\":[" WITH_KID(EC_KEY, "b") "," WITH_KID(
                                OKP_KEY, "a") ",{\"kty\":\"?\",\"kid\":\"x\"}]}"),
                            keys_of("{\"keys\":[{" OKP_KEY "}," WITH_KID(
                                RSA_KEY, "a") ",{\"kty\":\"?\",\"kid\":\"y\"}]}")};
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_keyset *keys;
    sjwt_error error, why;
    const char *kid;
    size_t index;

    (void)state;
    for (size_t fail_at = 1;; fail_at++) {
        memory = (counting){.fail_at = fail_at};
        sjwt_status status = sjwt_keyset_join(&allocator, (const sjwt_keyset *const *)parts,
                                              COUNT(parts), &keys, &error);
        if (status == SJWT_OK)
            break;
        assert_int_equal(status, SJWT_NO_MEMORY);
        assert_int_equal(error.status, SJWT_NO_MEMORY);
        assert_null(keys);
        assert_int_equal(memory.live, 0);
        assert_true(fail_at < 10);
    }
    assert_int_equal(sjwt_keyset_count(keys), 4);
    assert_int_equal(sjwt_keyset_algorithms(keys), sjwt_keyset_algorithms(parts[0]) |
                                                       sjwt_keyset_algorithms(parts[1]) |
                                                       sjwt_keyset_algorithms(parts[2]));
    assert_ptr_equal(sjwt_keyset_get(keys, 0), sjwt_keyset_get(parts[0], 0));
    assert_ptr_equal(sjwt_keyset_get(keys, 1), sjwt_keyset_get(parts[1], 0));
    assert_ptr_equal(sjwt_keyset_get(keys, 2), sjwt_keyset_get(parts[2], 0));
    assert_ptr_equal(sjwt_keyset_get(keys, 3), sjwt_keyset_get(parts[2], 1));
    assert_int_equal(find_keys(keys, "a", SJWT_CRYPTO_ALG_EDDSA, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(parts[0], 0));
    assert_int_equal(find_keys(keys, "b", SJWT_CRYPTO_ALG_ES256, true, found), 1);
    assert_int_equal(find_keys(keys, "a", SJWT_CRYPTO_ALG_PS512, true, found), 1);
    assert_int_equal(find_keys(keys, "c", SJWT_CRYPTO_ALG_EDDSA, false, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(parts[2], 0));

    assert_int_equal(sjwt_keyset_skipped_count(keys), 2);
    assert_true(sjwt_keyset_skipped(keys, 0, &index, &kid, &why));
    assert_string_equal(kid, "x");
    assert_int_equal(why.status, SJWT_JWK_KTY_UNKNOWN);
    assert_true(sjwt_keyset_skipped(keys, 1, &index, &kid, &why));
    assert_string_equal(kid, "y");
    assert_false(sjwt_keyset_skipped(keys, 2, &index, &kid, &why));

    /* one that is refused in its own set is refused here */
    fake.prepare = SJWT_CRYPTO_BAD_KEY;
    assert_int_equal(sjwt_keyset_prepare_all(parts[0], NULL), SJWT_JWK_KEY_REFUSED);
    fake.prepare = SJWT_CRYPTO_OK;
    assert_int_equal(sjwt_keyset_count(keys), 3);

    sjwt_keyset_free(keys);
    assert_int_equal(memory.live, 0);
    for (size_t i = 0; i < COUNT(parts); i++)
        sjwt_keyset_free(parts[i]);
}

/* Several keys of one kid are found in the order of the set. */
static void test_select_one_kid(void **state)
{
    const sjwt_key *found[SJWT_MAX_CANDIDATE_KEYS];
    char json[2000];
    char *next = json + sprintf(json, "{\"keys\":[");

    (void)state;
    for (char letter = 'a'; letter <= 'e'; letter++) {
        char octets[32];
        memset(octets, letter, sizeof(octets));
        char *x = encoded(octets, sizeof(octets));
        next += sprintf(next, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"},",
                        letter == 'c' ? "other" : "one", x);
        free(x);
    }
    strcpy(next - 1, "]}");
    sjwt_keyset *keys = keys_of(json);
    assert_int_equal(find_keys(keys, "one", SJWT_CRYPTO_ALG_EDDSA, true, found), 4);
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(found[i], sjwt_keyset_get(keys, i < 2 ? i : i + 1));
    assert_int_equal(find_keys(keys, "other", SJWT_CRYPTO_ALG_EDDSA, true, found), 1);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 2));
    sjwt_keyset_free(keys);
}

/* Whatever a set keeps, it got from the allocator; and no private member is in it. */
static struct {
    void *pointer;
    size_t size;
} blocks[64];
static size_t block_count;

static void *record(void *context, size_t size)
{
    (void)context;
    assert_true(block_count < COUNT(blocks));
    blocks[block_count].pointer = calloc(1, size);
    blocks[block_count].size = size;
    return blocks[block_count++].pointer;
}

static void forget(void *context, void *pointer)
{
    (void)context;
    for (size_t i = 0; i < block_count; i++) {
        if (blocks[i].pointer == pointer) {
            blocks[i] = blocks[--block_count];
            break;
        }
    }
    free(pointer);
}

static bool is_kept(const char *octets, size_t len)
{
    for (size_t b = 0; b < block_count; b++) {
        for (size_t i = 0; i + len <= blocks[b].size; i++) {
            if (memcmp((char *)blocks[b].pointer + i, octets, len) == 0)
                return true;
        }
    }
    return false;
}

static void test_private_members_are_not_kept(void **state)
{
    /* "PRIVATEPART" in base64url is UFJJVkFURVBBUlQ */
    static const char json[] =
        "{\"keys\":["
        "{" OKP_KEY ",\"d\":\"UFJJVkFURVBBUlQ\"},"
        "{" EC_KEY ",\"d\":\"UFJJVkFURVBBUlQ\"},"
        "{" RSA_KEY
        ",\"d\":\"UFJJVkFURVBBUlQ\",\"p\":\"UFJJVkFURVBBUlQ\",\"q\":\"UFJJVkFURVBBUlQ\","
        "\"dp\":\"UFJJVkFURVBBUlQ\",\"dq\":\"UFJJVkFURVBBUlQ\",\"qi\":\"UFJJVkFURVBBUlQ\","
        "\"oth\":[{\"r\":\"UFJJVkFURVBBUlQ\"}]},"
        "{" OKP_KEY ",\"use\":\"enc\",\"k\":\"UFJJVkFURVBBUlQ\"}"
        "]}";
    sjwt_allocator allocator = {record, forget, NULL};
    sjwt_keyset *keys;

    (void)state;
    assert_status(sjwt_keyset_parse(&allocator, json, strlen(json), &keys, NULL), SJWT_OK, json);
    assert_int_equal(sjwt_keyset_count(keys), 3);
    assert_true(is_kept("KKKK", 4));
    assert_false(is_kept("PRIVATEPART", 11));
    assert_false(is_kept("UFJJVkFURVBBUlQ", 15));
    sjwt_keyset_free(keys);
    assert_int_equal(block_count, 0);
}

/* Neither a shared secret nor the text it came from is left behind. */
static size_t dirty_blocks;

static void look_before_release(void *context, void *pointer)
{
    (void)context;
    for (size_t i = 0; i < block_count; i++) {
        if (blocks[i].pointer == pointer) {
            for (size_t j = 0; j + 8 <= blocks[i].size; j++) {
                if (memcmp((char *)pointer + j, "KKKKKKKK", 8) == 0 ||
                    memcmp((char *)pointer + j, "S0tLS0tL", 8) == 0) {
                    dirty_blocks++;
                    break;
                }
            }
        }
    }
    forget(context, pointer);
}

static void test_secrets_are_wiped(void **state)
{
    sjwt_allocator allocator = {record, look_before_release, NULL};
    sjwt_keyset *keys;

    (void)state;
    dirty_blocks = 0;
    assert_status(
        sjwt_keyset_parse(&allocator, "{" OCT_KEY "}", strlen("{" OCT_KEY "}"), &keys, NULL),
        SJWT_OK, "a secret");
    assert_true(is_kept("KKKKKKKK", 8));
    sjwt_keyset_free(keys);
    assert_int_equal(dirty_blocks, 0);
    assert_status(sjwt_keyset_parse(&allocator, "{" OCT_KEY ",\"alg\":\"HS512\"}",
                                    strlen("{" OCT_KEY ",\"alg\":\"HS512\"}"), &keys, NULL),
                  SJWT_JWK_KEY_REFUSED, "a refused secret");
    assert_int_equal(dirty_blocks, 0);
    assert_status(
        sjwt_keyset_parse(&allocator, "{" OCT_KEY "]", strlen("{" OCT_KEY "]"), &keys, NULL),
        SJWT_JWK_MALFORMED, "a malformed secret");
    assert_int_equal(dirty_blocks, 0);
    assert_int_equal(block_count, 0);
}

static void expect_octets(const sjwt_octets *octets, const char *octet, size_t len)
{
    assert_int_equal(octets->len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(octets->data[i], (uint8_t)octet[0]);
}

static void test_key_views(void **state)
{
    sjwt_keyset *keys =
        keys_of("{\"keys\":[" WITH_KID(OKP_KEY, "z") ",{\"kty\":\"EC\"},{" EC_KEY "},{" RSA_KEY
                                                     ",\"alg\":\"PS384\"},{" OCT_KEY "}]}");
    sjwt_key_view key;

    (void)state;
    assert_true(sjwt_keyset_key(keys, 0, &key));
    assert_string_equal(key.kid, "z");
    assert_int_equal(key.algorithms, SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA));
    expect_octets(&key.octets[0], "K", 32);
    assert_int_equal(key.octets[1].len, 0);
    assert_true(sjwt_keyset_key(keys, 1, &key));
    assert_null(key.kid);
    assert_int_equal(key.algorithms, SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256));
    expect_octets(&key.octets[0], "K", 32);
    expect_octets(&key.octets[1], "Y", 32);
    assert_true(sjwt_keyset_key(keys, 2, &key));
    assert_int_equal(key.algorithms, SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384));
    expect_octets(&key.octets[0], "\xcb", 256);
    assert_int_equal(key.octets[1].len, 3);
    assert_memory_equal(key.octets[1].data, "\1\0\1", 3);
    assert_true(sjwt_keyset_key(keys, 3, &key));
    expect_octets(&key.octets[0], "K", 32);
    assert_int_equal(key.octets[1].len, 0);
    assert_false(sjwt_keyset_key(keys, 4, &key));
    sjwt_keyset_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_key_decides_algorithm, reset_fake),
        cmocka_unit_test_setup(test_curves, reset_fake),
        cmocka_unit_test_setup(test_unusable, reset_fake),
        cmocka_unit_test_setup(test_accepted_members, reset_fake),
        cmocka_unit_test_setup(test_public_jwk, reset_fake),
        cmocka_unit_test_setup(test_size, reset_fake),
        cmocka_unit_test_setup(test_position, reset_fake),
        cmocka_unit_test_setup(test_skipped, reset_fake),
        cmocka_unit_test_setup(test_many_skipped, reset_fake),
        cmocka_unit_test_setup(test_repeated, reset_fake),
        cmocka_unit_test_setup(test_leading_zeros, reset_fake),
        cmocka_unit_test_setup(test_other_texts, reset_fake),
        cmocka_unit_test_setup(test_library_refuses, reset_fake),
        cmocka_unit_test_setup(test_refused_are_skipped, reset_fake),
        cmocka_unit_test_setup(test_prepared_once, reset_fake),
        cmocka_unit_test_setup(test_what_is_remembered, reset_fake),
        cmocka_unit_test_setup(test_refused_for_one_algorithm, reset_fake),
        cmocka_unit_test_setup(test_select, reset_fake),
        cmocka_unit_test_setup(test_join, reset_fake),
        cmocka_unit_test_setup(test_select_one_kid, reset_fake),
        cmocka_unit_test_setup(test_key_views, reset_fake),
        cmocka_unit_test_setup(test_private_members_are_not_kept, reset_fake),
        cmocka_unit_test_setup(test_secrets_are_wiped, reset_fake),
    };

    sjwt_keyset_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
