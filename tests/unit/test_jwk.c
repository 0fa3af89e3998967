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
            char json[400];
            char *x = encoded(octets, len);
            char *y = encoded(octets, curves[i].len);
            snprintf(json, sizeof(json),
                     "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", curves[i].name, x,
                     y);
            if (len == curves[i].len)
                serves(json, SJWT_CRYPTO_BIT(curves[i].alg));
            else
                refuses(json, SJWT_JWK_KEY_REFUSED, "");
            snprintf(json, sizeof(json),
                     "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}", curves[i].name, y,
                     x);
            if (len != curves[i].len)
                refuses(json, SJWT_JWK_KEY_REFUSED, "");
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
        {"", SJWT_JWK_MALFORMED, ""},
        {"{", SJWT_JWK_MALFORMED, ""},
        {"{} {}", SJWT_JWK_MALFORMED, ""},
        {"{" OKP_KEY ",\"kty\":\"OKP\"}", SJWT_JWK_MALFORMED, ""},
        {"{" OKP_KEY ",\"d\":\"a\",\"d\":\"b\"}", SJWT_JWK_MALFORMED, ""},
        {"{" OKP_KEY ",\"kid\":\"a\\u0000b\"}", SJWT_JWK_MALFORMED, ""},
        {"null", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"\"" K32 "\"", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"[{" OKP_KEY "}]", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"{}", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"{\"Kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\"}", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"{\"keys\":{}}", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"{\"keys\":null}", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"{\"keys\":\"x\"," OKP_KEY "}", SJWT_JWK_NOT_A_KEY_SET, ""},
        {"{\"keys\":[]}", SJWT_JWK_NONE_USABLE, "the set is empty"},
        {"{\"keys\":[1,{" OKP_KEY ",\"use\":\"enc\"}]}", SJWT_JWK_NONE_USABLE,
         "2 skipped, the first: not a JWK"},
        {"{\"keys\":[1,{" LACKING_KEY "}]}", SJWT_JWK_NONE_USABLE,
         "2 skipped, among them: key is for an algorithm that this build does not support"},
        {"{\"keys\":[{" LACKING_KEY "},{" LACKING_KEY "}]}", SJWT_JWK_NONE_USABLE,
         "2 skipped, the first: key is for an algorithm that this build does not support"},

        {"{\"kty\":7}", SJWT_JWK_MEMBER_INVALID, "kty"},
        {"{\"kty\":\"okp\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\"}", SJWT_JWK_KTY_UNKNOWN, ""},
        {"{\"kty\":\"AKP\"}", SJWT_JWK_KTY_UNKNOWN, ""},
        {"{\"kty\":\"\"}", SJWT_JWK_KTY_UNKNOWN, ""},
        {"{" OKP_KEY ",\"kid\":1}", SJWT_JWK_MEMBER_INVALID, "kid"},
        {"{" OKP_KEY ",\"kid\":null}", SJWT_JWK_MEMBER_INVALID, "kid"},
        {"{" OKP_KEY ",\"use\":1}", SJWT_JWK_MEMBER_INVALID, "use"},
        {"{" OKP_KEY ",\"use\":\"enc\"}", SJWT_JWK_USE_REFUSED, "use"},
        {"{" OKP_KEY ",\"use\":\"SIG\"}", SJWT_JWK_USE_REFUSED, "use"},
        {"{" OKP_KEY ",\"use\":\"\"}", SJWT_JWK_USE_REFUSED, "use"},
        {"{" OKP_KEY ",\"key_ops\":\"verify\"}", SJWT_JWK_MEMBER_INVALID, "key_ops"},
        {"{" OKP_KEY ",\"key_ops\":[1]}", SJWT_JWK_MEMBER_INVALID, "key_ops"},
        {"{" OKP_KEY ",\"key_ops\":[\"verify\",null]}", SJWT_JWK_MEMBER_INVALID, "key_ops"},
        {"{" OKP_KEY ",\"key_ops\":[]}", SJWT_JWK_USE_REFUSED, "key_ops"},
        {"{" OKP_KEY ",\"key_ops\":[\"sign\"]}", SJWT_JWK_USE_REFUSED, "key_ops"},
        {"{" OKP_KEY ",\"use\":\"enc\",\"key_ops\":[\"verify\"]}", SJWT_JWK_USE_REFUSED, "use"},
        {"{" OKP_KEY ",\"use\":\"sig\",\"key_ops\":[\"encrypt\"]}", SJWT_JWK_USE_REFUSED,
         "key_ops"},
        {"{" OKP_KEY ",\"alg\":1}", SJWT_JWK_MEMBER_INVALID, "alg"},
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

        {"{\"kty\":\"OKP\",\"x\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "crv"},
        {"{\"kty\":\"OKP\",\"crv\":1,\"x\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "crv"},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" K32 "\"}", SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" K32 "\"}", SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"ed25519\",\"x\":\"" K32 "\"}", SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"P-256\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}",
         SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}",
         SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"EC\",\"crv\":\"P-192\",\"x\":\"" K32 "\",\"y\":\"" Y32 "\"}",
         SJWT_JWK_CRV_UNKNOWN, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":null}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"X\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" K32 "=\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"+" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\" " K32 "\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "y"},
        {"{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" K32 "\"}", SJWT_JWK_MEMBER_INVALID, "x"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\"}", SJWT_JWK_MEMBER_INVALID, "e"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}", SJWT_JWK_MEMBER_INVALID, "n"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":65537}", SJWT_JWK_MEMBER_INVALID, "e"},
        /* RFC 7518 section 6.3.1.1 warns of the extra zero octet */
        {"{\"kty\":\"RSA\",\"n\":\"AMvL" CB240 "\",\"e\":\"AQAB\"}", SJWT_JWK_MEMBER_INVALID, "n"},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AAEAAQ\"}", SJWT_JWK_MEMBER_INVALID, "e"},
        {"{\"kty\":\"oct\"}", SJWT_JWK_MEMBER_INVALID, "k"},
        {"{\"kty\":\"oct\",\"k\":\"\"}", SJWT_JWK_MEMBER_INVALID, "k"},

        /* 31 and 33 octets */
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
         "\"S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLSw\"}",
         SJWT_JWK_KEY_REFUSED, ""},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
         "\"S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tL\"}",
         SJWT_JWK_KEY_REFUSED, ""},
        {"{\"kty\":\"RSA\",\"n\":\"" CB240 CB12 "yw\",\"e\":\"AQAB\"}", SJWT_JWK_KEY_REFUSED, ""},
        {"{\"kty\":\"RSA\",\"n\":\"" CB240 CB240 CB48 "\",\"e\":\"AQAB\"}", SJWT_JWK_KEY_REFUSED,
         ""},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"AQ\"}", SJWT_JWK_KEY_REFUSED, ""},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"Ag\"}", SJWT_JWK_KEY_REFUSED, ""},
        {"{\"kty\":\"RSA\",\"n\":\"" CB256 "\",\"e\":\"BA\"}", SJWT_JWK_KEY_REFUSED, ""},
        {"{\"kty\":\"oct\",\"k\":\"Sw\"}", SJWT_JWK_KEY_REFUSED, ""},
        {"{" OCT_KEY ",\"alg\":\"HS512\"}", SJWT_JWK_KEY_REFUSED, ""},
        /* a length that the algorithm refuses comes before what the build lacks */
        {"{" OCT_KEY ",\"alg\":\"HS384\"}", SJWT_JWK_KEY_REFUSED, ""},
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
        {"{\"keys\":[{" OKP_KEY "}]}", SJWT_JWK_NOT_A_KEY, ""},
        {"{\"keys\":[]," OKP_KEY "}", SJWT_JWK_NOT_A_KEY, ""},
        {"[{" OKP_KEY "}]", SJWT_JWK_NOT_A_KEY, ""},
        {"{}", SJWT_JWK_NOT_A_KEY, ""},
        {"7", SJWT_JWK_NOT_A_KEY, ""},
        {"", SJWT_JWK_MALFORMED, ""},
        {"{\"kty\":1}", SJWT_JWK_MEMBER_INVALID, "kty"},
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
                               "{" EC_KEY "}"
                               "]}";
    static const struct {
        size_t index;
        const char *kid;
        sjwt_status why;
    } wanted[] = {
        {1, NULL, SJWT_JWK_NOT_A_KEY},      {2, "new", SJWT_JWK_KTY_UNKNOWN},
        {3, NULL, SJWT_JWK_MEMBER_INVALID}, {4, "enc", SJWT_JWK_USE_REFUSED},
        {5, "nothing", SJWT_JWK_NOT_A_KEY}, {6, "short", SJWT_JWK_KEY_REFUSED},
    };
    sjwt_keyset *keys = keys_of(json);
    size_t index;
    const char *kid;
    sjwt_status why;

    (void)state;
    assert_int_equal(sjwt_keyset_count(keys), 2);
    assert_int_equal(sjwt_keyset_algorithms(keys), SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA) |
                                                       SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256));
    assert_int_equal(sjwt_keyset_skipped_count(keys), COUNT(wanted));
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_true(sjwt_keyset_skipped(keys, i, &index, &kid, &why));
        assert_int_equal(index, wanted[i].index);
        assert_status(why, wanted[i].why, "skipped");
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
    sjwt_status why;

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
#define THREE_WITH_KID_A(x, y, z)                                                                  \
    "{\"keys\":[" WITH_KID(x, "a") "," WITH_KID(y, "a") "," WITH_KID(z, "a") "]}"

static void test_ambiguous(void **state)
{
    static const struct {
        const char *json;
        sjwt_status status;
    } sets[] = {
        {"{\"keys\":[" WITH_KID(OKP_KEY, "a") "," WITH_KID(OKP_KEY, "a") "]}", SJWT_JWK_AMBIGUOUS},
        {"{\"keys\":[" WITH_KID(OKP_KEY, "a") "," WITH_KID(OKP_KEY, "\\u0061") "]}",
         SJWT_JWK_AMBIGUOUS},
        {"{\"keys\":[" WITH_KID(OKP_KEY, "") "," WITH_KID(OKP_KEY, "") "]}", SJWT_JWK_AMBIGUOUS},
        {"{\"keys\":[" WITH_KID(RSA_KEY ",\"alg\":\"RS256\"", "a") "," WITH_KID(RSA_KEY, "a") "]}",
         SJWT_JWK_AMBIGUOUS},
        {"{\"keys\":[" WITH_KID(OKP_KEY, "b") "," WITH_KID(EC_KEY, "a") "," WITH_KID(
             OKP_KEY, "c") "," WITH_KID(OKP_KEY, "a") "," WITH_KID(EC_KEY, "a") "]}",
         SJWT_JWK_AMBIGUOUS},
        /* wherever the third of them is sorted */
        {THREE_WITH_KID_A(EC_KEY, OKP_KEY, OKP_KEY), SJWT_JWK_AMBIGUOUS},
        {THREE_WITH_KID_A(OKP_KEY, EC_KEY, OKP_KEY), SJWT_JWK_AMBIGUOUS},
        {THREE_WITH_KID_A(OKP_KEY, OKP_KEY, EC_KEY), SJWT_JWK_AMBIGUOUS},
        /* another type, another algorithm, another kid, no kid: all fine */
        {"{\"keys\":[" WITH_KID(OKP_KEY, "a") "," WITH_KID(EC_KEY, "a") "]}", SJWT_OK},
        {"{\"keys\":[" WITH_KID(RSA_KEY ",\"alg\":\"RS256\"",
                                "a") "," WITH_KID(RSA_KEY ",\"alg\":\"PS256\"", "a") "]}",
         SJWT_OK},
        {"{\"keys\":[" WITH_KID(OKP_KEY, "a") "," WITH_KID(OKP_KEY, "A") "]}", SJWT_OK},
        {"{\"keys\":[{" OKP_KEY "},{" OKP_KEY "}]}", SJWT_OK},
        {"{\"keys\":[" WITH_KID(OKP_KEY, "a") ",{" OKP_KEY "}]}", SJWT_OK},
        /* one that is skipped is nobody's twin */
        {"{\"keys\":[" WITH_KID(OKP_KEY, "a") "," WITH_KID(OKP_KEY ",\"use\":\"enc\"", "a") "]}",
         SJWT_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sets); i++)
        expect_with(sjwt_keyset_parse, sets[i].json, sets[i].status, "");
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
    char detail[96];

    (void)state;
    snprintf(detail, sizeof(detail), "1 skipped, the first: %s", refused_text);
    prepares("{" OKP_KEY "}", SJWT_OK, "");
    fake.prepare = SJWT_CRYPTO_BAD_KEY;
    prepares("{" OKP_KEY "}", SJWT_JWK_KEY_REFUSED, "");
    prepares("{" RSA_KEY "}", SJWT_JWK_KEY_REFUSED, "");
    prepares("{\"keys\":[{" OKP_KEY "}]}", SJWT_JWK_NONE_USABLE, detail);
    fake.prepare = SJWT_CRYPTO_UNSUPPORTED;
    prepares("{" OKP_KEY "}", SJWT_JWK_UNSUPPORTED, "EdDSA");
    prepares("{\"keys\":[{},{" OKP_KEY "}]}", SJWT_JWK_NONE_USABLE,
             "2 skipped, among them: key is for an algorithm that this build does not support");
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
    sjwt_status why;

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
        assert_status(why, wanted[i].why, "skipped");
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
    size_t position = 0, count = 0;
    const sjwt_key *key;

    while ((key = sjwt_keyset_next(keys, kid, alg, &position)) != NULL)
        found[count++] = key;
    if (kid != NULL)
        assert_int_equal(sjwt_keyset_has_kid(keys, kid), known);
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
    assert_int_equal(find_keys(keys, "Z", SJWT_CRYPTO_ALG_EDDSA, false, found), 0);
    assert_int_equal(find_keys(keys, "b", SJWT_CRYPTO_ALG_EDDSA, false, found), 0);
    assert_int_equal(find_keys(keys, "zz", SJWT_CRYPTO_ALG_EDDSA, false, found), 0);

    assert_int_equal(find_keys(keys, NULL, SJWT_CRYPTO_ALG_EDDSA, false, found), 4);
    assert_ptr_equal(found[0], sjwt_keyset_get(keys, 0));
    assert_ptr_equal(found[1], sjwt_keyset_get(keys, 2));
    assert_ptr_equal(found[2], sjwt_keyset_get(keys, 4));
    assert_ptr_equal(found[3], sjwt_keyset_get(keys, 6));
    assert_int_equal(find_keys(keys, NULL, SJWT_CRYPTO_ALG_HS256, false, found), 0);
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
        cmocka_unit_test_setup(test_ambiguous, reset_fake),
        cmocka_unit_test_setup(test_library_refuses, reset_fake),
        cmocka_unit_test_setup(test_refused_are_skipped, reset_fake),
        cmocka_unit_test_setup(test_prepared_once, reset_fake),
        cmocka_unit_test_setup(test_what_is_remembered, reset_fake),
        cmocka_unit_test_setup(test_refused_for_one_algorithm, reset_fake),
        cmocka_unit_test_setup(test_select, reset_fake),
        cmocka_unit_test_setup(test_key_views, reset_fake),
        cmocka_unit_test_setup(test_private_members_are_not_kept, reset_fake),
        cmocka_unit_test_setup(test_secrets_are_wiped, reset_fake),
    };

    sjwt_keyset_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
