/* SPDX-License-Identifier: Apache-2.0 */
/* The compact serialization, its header, and the selection of the key. */
#include "fake_token.h"

#include "jwt/jwk.h"

#define ALL sjwt_all_algorithms()
static int reset_fake(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    return 0;
}

static bool is_of_parsing(sjwt_status status)
{
    return status == SJWT_MALFORMED || status == SJWT_SIGNATURE_ENCODING ||
           status == SJWT_HEADER_ENCODING || status == SJWT_HEADER_JSON ||
           status == SJWT_PAYLOAD_ENCODING || status == SJWT_PAYLOAD_JSON;
}

/* Verifies the text, both as a JWT and as a JWS, which agree on header and
 * signature. */
static void expect_text(const char *text, size_t len, const sjwt_policy *policy, sjwt_status wanted)
{
    sjwt_status (*const functions[])(const sjwt_allocator *, const char *, size_t,
                                     const sjwt_policy *, sjwt_token **,
                                     sjwt_error *) = {sjwt_verify, sjwt_jws_verify};

    for (size_t i = 0; i < COUNT(functions); i++) {
        counting memory = {0};
        sjwt_allocator allocator = counting_allocator(&memory);
        sjwt_token *token = (sjwt_token *)&memory;
        sjwt_error error = {.status = SJWT_STATUS_COUNT};

        assert_status(functions[i](&allocator, text, len, policy, &token, &error), wanted, text);
        if (wanted != SJWT_OK) {
            assert_null(token);
            assert_int_equal(error.status, wanted);
            if (!is_of_parsing(wanted))
                assert_int_equal(error.position, 0);
            assert_int_equal(memory.live, 0);
            assert_status(functions[i](NULL, text, len, policy, &token, NULL), wanted, text);
        } else {
            assert_string_equal(sjwt_token_backend(token), "fake");
        }
        sjwt_token_free(token);
        assert_int_equal(memory.live, 0);
    }
}

static void expect_policy(const char *header, const char *payload, const void *signature,
                          size_t signature_len, const sjwt_issuer_policy *issuer_policy,
                          sjwt_status wanted)
{
    sjwt_policy policy = {.issuers = issuer_policy, .issuer_count = 1};
    char *text = compact(header, payload, signature, signature_len);

    expect_text(text, strlen(text), &policy, wanted);
    free(text);
}

/* A token of this header with the fake signature of the keys all 'K'. */
static void expect_issuer(const char *header, const sjwt_issuer_policy *issuer_policy,
                          sjwt_status wanted)
{
    char signature[64];

    memset(signature, 'K', sizeof(signature));
    expect_policy(header, "{}", signature, sizeof(signature), issuer_policy, wanted);
}

static void expect(const char *header, sjwt_status wanted)
{
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL};

    expect_issuer(header, &issuer_policy, wanted);
}

/* The parts as they are, joined by dots. */
static void expect_parts(const char *text, sjwt_status wanted)
{
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    expect_text(text, strlen(text), &policy, wanted);
}

#define HEADER "eyJhbGciOiJFZERTQSJ9"
/* 63, 64 and 65 octets */
#define S60 "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tL"
#define SIG63 S60 "S0tL"
#define SIG64 S60 "S0tLSw"
#define SIG65 S60 "S0tLS0s"

static void test_form(void **state)
{
    static const struct {
        const char *text;
        sjwt_status status;
    } tokens[] = {
        {HEADER ".e30." SIG64, SJWT_OK},
        {"", SJWT_MALFORMED},
        {HEADER, SJWT_MALFORMED},
        {HEADER ".e30", SJWT_MALFORMED},
        {HEADER ".e30." SIG64 ".", SJWT_MALFORMED},
        {HEADER ".e30." SIG64 ".e30", SJWT_MALFORMED},
        {HEADER ".e30.x.y.z", SJWT_MALFORMED},
        {"....", SJWT_MALFORMED},
        {".", SJWT_MALFORMED},
        /* the signature */
        {HEADER ".e30.", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." SIG63, SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." SIG65, SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." SIG64 "==", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." SIG64 "=", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30.+" SIG63, SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." S60 "S0/LSw", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." SIG64 " ", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." SIG64 "\n", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30. " SIG64, SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." S60 "S0tLSx", SJWT_SIGNATURE_ENCODING},
        {HEADER ".e30." S60 "S0tLS", SJWT_SIGNATURE_ENCODING},
        {"!.!.!", SJWT_SIGNATURE_ENCODING},
        {"..!", SJWT_SIGNATURE_ENCODING},
        /* the header */
        {HEADER "=.e30." SIG64, SJWT_HEADER_ENCODING},
        {" " HEADER ".e30." SIG64, SJWT_HEADER_ENCODING},
        {"\n" HEADER ".e30." SIG64, SJWT_HEADER_ENCODING},
        {"eyJhbGci+iJFZERTQSJ9.e30." SIG64, SJWT_HEADER_ENCODING},
        {"eyJhbGci/iJFZERTQSJ9.e30." SIG64, SJWT_HEADER_ENCODING},
        {HEADER "A.e30." SIG64, SJWT_HEADER_ENCODING},
        {"e31.e30." SIG64, SJWT_HEADER_ENCODING},
        {"!.e30.", SJWT_HEADER_ENCODING},
        {".e30." SIG64, SJWT_HEADER_JSON},
        {"..", SJWT_HEADER_JSON},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++)
        expect_parts(tokens[i].text, tokens[i].status);
}

static void test_payload_encoding(void **state)
{
    static const char *const payloads[] = {"e30=",  "e3 0",  "e+30",  "e/30", "e31",
                                           "e30A.", "\ne30", "e30\n", "e"};

    (void)state;
    for (size_t i = 0; i < COUNT(payloads); i++) {
        char *text = joined(HEADER, payloads[i], SIG64);
        expect_parts(text,
                     strchr(payloads[i], '.') != NULL ? SJWT_MALFORMED : SJWT_PAYLOAD_ENCODING);
        free(text);
    }
    /* and only after the signature is verified */
    expect_parts(HEADER ".e30=." S60 "S0tLQQ", SJWT_SIGNATURE_INVALID);
}

/* Neither a NUL nor the text after it is ignored. */
static void test_nul_octets(void **state)
{
    static const char text[] = HEADER ".e30." SIG64 "\0x";
    static const char inside[] = HEADER "\0.e30." SIG64;
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    (void)state;
    expect_text(text, sizeof(text) - 3, &policy, SJWT_OK);
    expect_text(text, sizeof(text) - 2, &policy, SJWT_SIGNATURE_ENCODING);
    expect_text(text, sizeof(text) - 1, &policy, SJWT_SIGNATURE_ENCODING);
    expect_text(inside, sizeof(inside) - 1, &policy, SJWT_HEADER_ENCODING);
}

static void test_what_is_behind_the_length(void **state)
{
    static const char text[] = "a.b.c.d";
    sjwt_policy policy = {0};
    sjwt_error error;
    sjwt_token *token;

    (void)state;
    for (size_t len = 0; len <= strlen("a.b"); len++) {
        error.position = 9999;
        assert_status(sjwt_verify(NULL, text, len, &policy, &token, &error), SJWT_MALFORMED, text);
        assert_int_equal(error.position, 0);
    }
}

static void test_position(void **state)
{
    static const struct {
        const char *text;
        size_t position;
    } tokens[] = {
        {"", 0},
        {"a.b.c.d", 5},
        {HEADER ".e30.A*", sizeof(HEADER ".e30.A") - 1},
        {"e*J9.e30.", 1},
        {"e30y.e30.", 2}, /* of the decoded header: "{}2" */
        {"W10.e30.", 0},
        {HEADER ".e3*." SIG64, sizeof(HEADER ".e3") - 1},
    };
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        sjwt_token *token;
        sjwt_error error = {.position = 9999};
        assert_true(sjwt_verify(NULL, tokens[i].text, strlen(tokens[i].text), &policy, &token,
                                &error) != SJWT_OK);
        assert_int_equal(error.position, tokens[i].position);
    }
}

static void test_size(void **state)
{
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    size_t len = SJWT_MAX_TOKEN_SIZE;
    size_t payload_len = len - strlen(HEADER) - strlen(SIG64) - 2;
    char *text = allocate_or_fail(len + 2);

    (void)state;
    /* A payload of blanks ("ICAg") before the empty object ("IHt9"). */
    assert_int_equal(payload_len % 4, 0);
    char *next = text + sprintf(text, "%s.", HEADER);
    for (size_t i = 0; i < payload_len / 4 - 1; i++, next += 4)
        memcpy(next, "ICAg", 4);
    memcpy(next, "IHt9." SIG64, sizeof("IHt9." SIG64));
    assert_int_equal(strlen(text), len);

    expect_text(text, len, &policy, SJWT_OK);
    text[len] = 'A';
    expect_text(text, len + 1, &policy, SJWT_TOO_LARGE);
    policy.max_token_size = len + 1;
    expect_text(text, len + 1, &policy, SJWT_SIGNATURE_ENCODING);
    policy.max_token_size = len - 1;
    expect_text(text, len, &policy, SJWT_TOO_LARGE);
    policy.max_token_size = 1;
    expect_text("", 0, &policy, SJWT_MALFORMED);
    expect_text(NULL, 0, &policy, SJWT_MALFORMED);
    free(text);
}

static void test_header(void **state)
{
    static const struct {
        const char *header;
        sjwt_status status;
    } headers[] = {
        {EDDSA, SJWT_OK},
        {"{\"alg\":\"Ed25519\"}", SJWT_OK},
        {" { \"alg\" : \"Ed\\u0044SA\" , \"typ\" : 7 } ", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"jwk\":{},\"x5c\":[],\"jku\":\"x\",\"CRIT\":[],\"B64\":1}", SJWT_OK},
        {"", SJWT_HEADER_JSON},
        {"[]", SJWT_HEADER_JSON},
        {"[" EDDSA "]", SJWT_HEADER_JSON},
        {"\"EdDSA\"", SJWT_HEADER_JSON},
        {"null", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\"", SJWT_HEADER_JSON},
        {EDDSA "x", SJWT_HEADER_JSON},
        {EDDSA "{}", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\",\"alg\":\"EdDSA\"}", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\"}", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\",\"x\":{\"a\":1,\"a\":1}}", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\\u0000\"}", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\",\"x\":1e999}", SJWT_HEADER_JSON},
        {"{\"alg\":\"EdDSA\",\"x\":\"\xFF\"}", SJWT_HEADER_JSON},
        {"\xEF\xBB\xBF" EDDSA, SJWT_HEADER_JSON},

        {"{}", SJWT_ALG_MISSING},
        {"{\"ALG\":\"EdDSA\"}", SJWT_ALG_MISSING},
        {"{\"Alg\":\"EdDSA\"}", SJWT_ALG_MISSING},
        {"{\"alg\":\"none\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"None\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"NONE\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"nOnE\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"eddsa\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"EdDSA \"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"EdDSAx\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"EdDS\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"Ed448\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"hs256\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":\"RSA-OAEP\"}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":1}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":null}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":true}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":[\"EdDSA\"]}", SJWT_ALG_UNKNOWN},
        {"{\"alg\":{\"alg\":\"EdDSA\"}}", SJWT_ALG_UNKNOWN},

        {"{\"alg\":\"HS256\"}", SJWT_ALG_MISMATCH},
        {"{\"alg\":\"ES256\"}", SJWT_ALG_MISMATCH},
        {"{\"alg\":\"RS256\"}", SJWT_ALG_MISMATCH},
        {"{\"alg\":\"HS384\"}", SJWT_ALG_UNSUPPORTED},
        {"{\"alg\":\"ES256K\"}", SJWT_ALG_UNSUPPORTED},

        {"{\"alg\":\"EdDSA\",\"crit\":[\"exp\"]}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":[]}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":null}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"b64\":false}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"b64\":false}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"b64\":true}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"EdDSA\",\"b64\":null}", SJWT_CRITICAL_HEADER},
        {"{\"alg\":\"none\",\"crit\":[]}", SJWT_CRITICAL_HEADER},
        {"{\"crit\":[]}", SJWT_CRITICAL_HEADER},

        {"{\"alg\":\"EdDSA\",\"kid\":1}", SJWT_KID_INVALID},
        {"{\"alg\":\"EdDSA\",\"kid\":null}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"kid\":[\"a\"]}", SJWT_KID_INVALID},
        {"{\"alg\":\"EdDSA\",\"kid\":\"a\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"kid\":\"\"}", SJWT_OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++)
        expect(headers[i].header, headers[i].status);
}

static void test_details(void **state)
{
    static const struct {
        const char *header;
        sjwt_status status;
        const char *detail;
    } headers[] = {
        {"{\"alg\":\"EdDSA\",\"crit\":[]}", SJWT_CRITICAL_HEADER, "crit"},
        {"{\"alg\":\"EdDSA\",\"b64\":true}", SJWT_CRITICAL_HEADER, "b64"},
        {"{\"alg\":\"HS384\"}", SJWT_ALG_UNSUPPORTED, "HS384"},
        {"{\"alg\":\"RS256\"}", SJWT_ALG_NOT_ALLOWED, "RS256"},
    };
    sjwt_issuer_policy issuer_policy = {
        .keys = okp, .algorithms = ALL & ~SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256)};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        sjwt_token *token;
        sjwt_error error;
        char *text = compact(headers[i].header, "{}", "", 0);
        assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, &error),
                      headers[i].status, headers[i].header);
        assert_string_equal(error.detail, headers[i].detail);
        free(text);
    }
}

static void test_allowed_algorithms(void **state)
{
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = 0};

    (void)state;
    expect_issuer(EDDSA, &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    issuer_policy.algorithms = ALL & ~SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA);
    expect_issuer(EDDSA, &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    expect_issuer("{\"alg\":\"Ed25519\"}", &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    issuer_policy.algorithms = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA);
    expect_issuer(EDDSA, &issuer_policy, SJWT_OK);
    expect_issuer("{\"alg\":\"HS256\"}", &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    expect_issuer("{\"alg\":\"HS384\"}", &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    expect_issuer("{\"alg\":\"none\"}", &issuer_policy, SJWT_ALG_UNKNOWN);
}

static void test_types(void **state)
{
    static const char *const two[] = {"JWT", "application/at+jwt", "z"};
    static const struct {
        const char *header;
        sjwt_status status;
    } headers[] = {
        {"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"jwt\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"application/jwt\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"Application/Jwt\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"AT+JWT\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"application/at+jwt\"}", SJWT_OK},
        {"{\"alg\":\"EdDSA\",\"typ\":\"Z\"}", SJWT_OK},
        {EDDSA, SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":\"\"}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":\"JW\"}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":\"JWTs\"}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":\"application/\"}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":\"application/application/jwt\"}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":\"text/jwt\"}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":1}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"typ\":null}", SJWT_TYPE_REFUSED},
        {"{\"alg\":\"EdDSA\",\"TYP\":\"JWT\"}", SJWT_TYPE_REFUSED},
    };
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL, .types = {two, COUNT(two)}};

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++)
        expect_issuer(headers[i].header, &issuer_policy, headers[i].status);
    issuer_policy.types.count = 0;
    expect_issuer("{\"alg\":\"EdDSA\",\"typ\":\"anything\"}", &issuer_policy, SJWT_OK);
}

static void test_session_key_without_alg(void **state)
{
    sjwt_keyset *rsa = keys_of("{" RSA_KEY "}");
    sjwt_keyset *ec = keys_of("{" EC_KEY "}");
    sjwt_keyset *with_kid = keys_of("{" OKP_KEY ",\"kid\":\"mine\"}");
    sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL, .session_key = true};

    (void)state;
    /* The tokens of the original and of its proxy, and tokens that are still refused. */
    expect_issuer("{\"kid\":1}", &issuer_policy, SJWT_OK);
    expect_issuer(EDDSA, &issuer_policy, SJWT_OK);
    expect_issuer("{}", &issuer_policy, SJWT_OK);
    expect_issuer("{\"alg\":\"EdDSA\",\"kid\":\"other\"}", &issuer_policy, SJWT_OK);
    expect_issuer("{\"alg\":\"EdDSA\",\"kid\":null}", &issuer_policy, SJWT_OK);
    expect_issuer("{\"alg\":\"none\"}", &issuer_policy, SJWT_ALG_UNKNOWN);
    expect_issuer("{\"alg\":null}", &issuer_policy, SJWT_ALG_UNKNOWN);
    expect_issuer("{\"alg\":\"HS256\"}", &issuer_policy, SJWT_ALG_MISMATCH);
    expect_issuer("{\"crit\":[\"x\"]}", &issuer_policy, SJWT_CRITICAL_HEADER);
    issuer_policy.keys = with_kid;
    expect_issuer("{\"kid\":\"other\"}", &issuer_policy, SJWT_OK);
    issuer_policy.algorithms = sjwt_keyset_algorithms(with_kid);
    expect_issuer("{\"alg\":\"HS256\"}", &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    issuer_policy.algorithms = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256);
    expect_issuer("{}", &issuer_policy, SJWT_ALG_NOT_ALLOWED);
    issuer_policy.algorithms = ALL;
    issuer_policy.keys = ec;
    expect_issuer("{}", &issuer_policy, SJWT_OK);
    expect_issuer("{\"alg\":\"EdDSA\"}", &issuer_policy, SJWT_ALG_MISMATCH);
    /* A key with six algorithms does not determine one. */
    issuer_policy.keys = rsa;
    expect_issuer("{}", &issuer_policy, SJWT_ALG_MISSING);
    /* Only a session key may replace a missing alg. */
    issuer_policy.keys = okp;
    issuer_policy.session_key = false;
    expect_issuer("{}", &issuer_policy, SJWT_ALG_MISSING);
    issuer_policy.keys = NULL;
    issuer_policy.session_key = true;
    expect_issuer("{}", &issuer_policy, SJWT_ALG_MISSING);
    expect_issuer(EDDSA, &issuer_policy, SJWT_KEY_NOT_FOUND);
    sjwt_keyset_free(rsa);
    sjwt_keyset_free(ec);
    sjwt_keyset_free(with_kid);
}

/* An OKP key of one repeated letter, with or without a kid. */
static int put_key(char *out, char letter, const char *kid)
{
    char octets[32];

    memset(octets, letter, sizeof(octets));
    char *x = encoded(octets, sizeof(octets));
    int len =
        sprintf(out, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"%s%s%s},", x,
                kid == NULL ? "" : ",\"kid\":\"", kid == NULL ? "" : kid, kid == NULL ? "" : "\"");
    free(x);
    return len;
}

static void expect_letter(const char *header, char letter, const sjwt_issuer_policy *issuer_policy,
                          sjwt_status wanted)
{
    char signature[64];

    memset(signature, letter, sizeof(signature));
    expect_policy(header, "{}", signature, sizeof(signature), issuer_policy, wanted);
}

static void test_candidates(void **state)
{
    char json[2000];
    char *next = json + sprintf(json, "{\"keys\":[");

    (void)state;
    next += sprintf(next, "{" EC_KEY "},");
    for (char letter = 'a'; letter < 'a' + SJWT_MAX_CANDIDATE_KEYS; letter++)
        next += put_key(next, letter, NULL);
    next += put_key(next, 'z', "last");
    strcpy(next - 1, "]}");
    sjwt_keyset *keys = keys_of(json);
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};

    /* Without kid: the keys are tried in order, at most eight. */
    assert_int_equal(SJWT_MAX_CANDIDATE_KEYS, 8);
    for (char letter = 'a'; letter < 'a' + SJWT_MAX_CANDIDATE_KEYS; letter++) {
        fake.verifications = 0;
        expect_letter(EDDSA, letter, &issuer_policy, SJWT_OK);
        assert_int_equal(fake.verifications, 2 * (letter - 'a' + 1));
    }
    fake.verifications = 0;
    expect_letter(EDDSA, 'z', &issuer_policy, SJWT_KEYS_NOT_ALL_TRIED);
    assert_int_equal(fake.verifications, 4 * SJWT_MAX_CANDIDATE_KEYS);

    /* With kid: only this key. */
    fake.verifications = 0;
    expect_letter("{\"alg\":\"EdDSA\",\"kid\":\"last\"}", 'z', &issuer_policy, SJWT_OK);
    assert_int_equal(fake.verifications, 2);
    expect_letter("{\"alg\":\"EdDSA\",\"kid\":\"last\"}", 'a', &issuer_policy,
                  SJWT_SIGNATURE_INVALID);
    /* With a kid that no key has: those without kid. */
    expect_letter("{\"alg\":\"EdDSA\",\"kid\":\"LAST\"}", 'a', &issuer_policy, SJWT_OK);
    expect_letter("{\"alg\":\"EdDSA\",\"kid\":\"LAST\"}", 'z', &issuer_policy, SJWT_KEY_NOT_FOUND);
    expect_letter("{\"alg\":\"RS256\",\"kid\":\"LAST\"}", 'z', &issuer_policy, SJWT_KEY_NOT_FOUND);
    expect_letter("{\"alg\":\"EdDSA\",\"kid\":null}", 'a', &issuer_policy, SJWT_OK);
    expect_letter("{\"alg\":\"ES256\",\"kid\":\"last\"}", 'z', &issuer_policy, SJWT_ALG_MISMATCH);
    expect_letter("{\"alg\":\"HS256\"}", 'a', &issuer_policy, SJWT_ALG_MISMATCH);
    expect_letter("{\"alg\":\"ES256\"}", 'K', &issuer_policy, SJWT_OK);
    sjwt_keyset_free(keys);
}

/* Each kind of key with each algorithm: a key serves only its own family and its own
 * curve. The fake backend accepts every signature here. */
static void test_every_key_with_every_algorithm(void **state)
{
    static const struct {
        const char *jwk;
        sjwt_algorithm_set serves;
        int octet;
    } kinds[] = {
        {"{" OKP_KEY "}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA), 'K'},
        {"{" EC_KEY "}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256), 'K'},
        {"{" OCT_KEY "}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_HS256), 'K'},
        {"{" RSA_KEY "}",
         SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS256) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS384) |
             SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_RS512) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS256) |
             SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS384) | SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS512),
         0xCB},
        {"{" RSA_KEY ",\"alg\":\"PS256\"}", SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_PS256), 0xCB},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        sjwt_keyset *keys = keys_of(kinds[i].jwk);
        sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};
        for (unsigned n = 0; n < SJWT_CRYPTO_ALG_COUNT; n++) {
            const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n);
            sjwt_algorithm_set bit = SJWT_CRYPTO_BIT(n);
            char header[64], signature[256];
            snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", row->name);
            memset(signature, kinds[i].octet, sizeof(signature));
            expect_policy(header, "{}", signature,
                          row->signature_len != 0 ? row->signature_len : 256, &issuer_policy,
                          (kinds[i].serves & bit) != 0 ? SJWT_OK
                          : (FAKE_LACKS & bit) != 0    ? SJWT_ALG_UNSUPPORTED
                                                       : SJWT_ALG_MISMATCH);
        }
        sjwt_keyset_free(keys);
    }
}

/* Two RSA keys of different size: only the one that fits the length is tried. */
static void test_signature_lengths(void **state)
{
    static const char json[] =
        "{\"keys\":[{" RSA_KEY "},{\"kty\":\"RSA\",\"n\":\"" CB240 CB12 CB12 CB12
        "\",\"e\":\"AQAB\"}]}";
    char signature[300];

    (void)state;
    memset(signature, 0xCB, sizeof(signature));
    sjwt_keyset *keys = keys_of(json);
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};
    assert_int_equal(sjwt_keyset_count(keys), 2);
    fake.verifications = 0;
    expect_policy("{\"alg\":\"RS256\"}", "{}", signature, 256, &issuer_policy, SJWT_OK);
    assert_int_equal(fake.verifications, 2);
    expect_policy("{\"alg\":\"PS512\"}", "{}", signature, 276, &issuer_policy, SJWT_OK);
    assert_int_equal(fake.verifications, 4);
    expect_policy("{\"alg\":\"RS256\"}", "{}", signature, 257, &issuer_policy,
                  SJWT_SIGNATURE_ENCODING);
    expect_policy("{\"alg\":\"RS256\"}", "{}", signature, 255, &issuer_policy,
                  SJWT_SIGNATURE_ENCODING);
    expect_policy("{\"alg\":\"RS256\"}", "{}", signature, 0, &issuer_policy,
                  SJWT_SIGNATURE_ENCODING);
    assert_int_equal(fake.verifications, 4);
    signature[100] = 'x';
    expect_policy("{\"alg\":\"RS256\"}", "{}", signature, 256, &issuer_policy,
                  SJWT_SIGNATURE_INVALID);
    sjwt_keyset_free(keys);
}

/* Keys that the library refuses are passed over, and are not among the eight. */
static void test_refused_candidates(void **state)
{
    char json[4000];
    char *next = json + sprintf(json, "{\"keys\":[");

    (void)state;
    for (int i = 0; i < 20; i++)
        next += sprintf(next, "{" EC_KEY ",\"kid\":\"%d\"},", i);
    next += put_key(next, 'a', NULL);
    strcpy(next - 1, "]}");
    sjwt_keyset *keys = keys_of(json);
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};
    fake.refuses = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_ES256);
    fake.preparations = fake.verifications = 0;
    expect_letter("{\"alg\":\"ES256\"}", 'K', &issuer_policy, SJWT_KEY_REFUSED);
    expect_letter("{\"alg\":\"ES256\"}", 'K', &issuer_policy, SJWT_KEY_REFUSED);
    assert_int_equal(fake.preparations, 20);
    assert_int_equal(fake.verifications, 0);
    expect_letter(EDDSA, 'a', &issuer_policy, SJWT_OK);
    sjwt_keyset_free(keys);

    /* one kind of key, of which the library takes the tenth alone */
    next = json + sprintf(json, "{\"keys\":[");
    for (char letter = 'a'; letter < 'a' + 10; letter++)
        next += put_key(next, letter, NULL);
    strcpy(next - 1, "]}");
    keys = keys_of(json);
    issuer_policy.keys = keys;
    fake.refuses = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA);
    for (size_t i = 0; i < 9; i++)
        assert_status(sjwt_key_prepare_any(sjwt_keyset_get(keys, i), NULL), SJWT_JWK_KEY_REFUSED,
                      "refused");
    fake.refuses = 0;
    expect_letter(EDDSA, 'j', &issuer_policy, SJWT_OK);
    expect_letter(EDDSA, 'x', &issuer_policy, SJWT_SIGNATURE_INVALID);
    sjwt_keyset_free(keys);
    assert_int_equal(fake.handles, 0);
}

/* Nine keys of one kid: the ninth is not tried, and the reason says so. */
static void test_candidates_of_one_kid(void **state)
{
    static const char header[] = "{\"alg\":\"EdDSA\",\"kid\":\"one\"}";
    char json[2000];
    char *next = json + sprintf(json, "{\"keys\":[");

    (void)state;
    next += put_key(next, 'A', NULL);
    next += put_key(next, 'B', "other");
    for (char letter = 'a'; letter < 'a' + 9; letter++)
        next += put_key(next, letter, "one");
    strcpy(next - 1, "]}");
    sjwt_keyset *keys = keys_of(json);
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};
    for (char letter = 'a'; letter < 'a' + 8; letter++)
        expect_letter(header, letter, &issuer_policy, SJWT_OK);
    expect_letter(header, 'i', &issuer_policy, SJWT_KEYS_NOT_ALL_TRIED);
    expect_letter(header, 'x', &issuer_policy, SJWT_KEYS_NOT_ALL_TRIED);
    expect_letter(header, 'A', &issuer_policy, SJWT_KEYS_NOT_ALL_TRIED);
    /* a key that the library refuses is not one of the eight */
    sjwt_keyset_free(keys);
    keys = keys_of(json);
    issuer_policy.keys = keys;
    fake.refuses = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA);
    assert_status(sjwt_key_prepare_any(sjwt_keyset_get(keys, 2), NULL), SJWT_JWK_KEY_REFUSED, "a");
    fake.refuses = 0;
    expect_letter(header, 'a', &issuer_policy, SJWT_SIGNATURE_INVALID);
    expect_letter(header, 'i', &issuer_policy, SJWT_OK);
    sjwt_keyset_free(keys);
}

/* What the text has beside the token. */
static void test_text_faults(void **state)
{
    static const struct {
        const char *before, *after, *detail;
    } rows[] = {
        {"Bearer ", "", "the text begins with \"Bearer \""},
        {"bearer ", "", "the text begins with \"Bearer \""},
        {"Authorization: Bearer ", "", "the text begins with \"Authorization:\""},
        {"\"", "\"", "the text begins with a quote"},
        {"'", "'", "the text begins with a quote"},
        {"", "\"", "the text ends with a quote"},
        {" ", "", "the text begins with a blank"},
        {"\t", "", "the text begins with a tab"},
        {"\n", "", "the text begins with a line end"},
        {"", " ", "the text ends with a blank"},
        {"", "\t", "the text ends with a tab"},
        {"", "\n", "the text ends with a line end"},
        {"", "\r\n", "the text ends with a line end"},
        {"\xEF\xBB\xBF", "", "the text begins with a byte order mark"},
        {"{\"access_token\":\"", "\"}", "the text is JSON, not a token"},
        {"-----BEGIN PUBLIC KEY-----\n", "", "the text is PEM, not a token"},
        {"", ".b.c", "an encrypted token (JWE) has five parts"},
        {"", "=", ""},
        {"", ".b", ""},
    };
    const sjwt_issuer_policy issuer_policy = {.keys = okp, .algorithms = ALL};
    const sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    char signature[64];

    (void)state;
    memset(signature, 'K', sizeof(signature));
    char *token = compact(EDDSA, "{}", signature, sizeof(signature));
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[300], *header, *payload;
        size_t header_len, payload_len;
        sjwt_token *verified;
        sjwt_error error;
        snprintf(text, sizeof(text), "%s%s%s", rows[i].before, token, rows[i].after);
        assert_int_not_equal(sjwt_verify(NULL, text, strlen(text), &policy, &verified, &error),
                             SJWT_OK);
        assert_string_equal(error.detail, rows[i].detail);
        if (sjwt_decode_unverified(NULL, text, strlen(text), &header, &header_len, &payload,
                                   &payload_len, &error) != SJWT_OK)
            assert_string_equal(error.detail, rows[i].detail);
        free(header);
        free(payload);
    }
    free(token);
}

static void test_backend_failures(void **state)
{
    static const struct {
        sjwt_crypto_status crypto;
        sjwt_status status;
    } failures[] = {
        {SJWT_CRYPTO_OK, SJWT_OK},
        {SJWT_CRYPTO_BAD_SIGNATURE, SJWT_SIGNATURE_INVALID},
        {SJWT_CRYPTO_BAD_KEY, SJWT_INTERNAL},
        {SJWT_CRYPTO_UNSUPPORTED, SJWT_ALG_UNSUPPORTED},
        {SJWT_CRYPTO_NO_MEMORY, SJWT_NO_MEMORY},
        {SJWT_CRYPTO_INTERNAL, SJWT_INTERNAL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(failures); i++) {
        fake.verify = failures[i].crypto;
        expect(EDDSA, failures[i].status);
    }
    /* An internal failure ends the verification: no other key is tried after it. */
    sjwt_keyset *keys = keys_of("{\"keys\":[{" OKP_KEY "},{" OKP_KEY "}]}");
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};
    fake.verify = SJWT_CRYPTO_INTERNAL;
    fake.verifications = 0;
    expect_issuer(EDDSA, &issuer_policy, SJWT_INTERNAL);
    assert_int_equal(fake.verifications, 4);
    sjwt_keyset_free(keys);
}

static void test_first_of_several(void **state)
{
    static const char *const types[] = {"JWT"};
    sjwt_issuer_policy issuer_policy = {
        .keys = okp, .algorithms = SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_EDDSA), .types = {types, 1}};

    (void)state;
    expect_issuer("{\"alg\":\"HS256\",\"typ\":\"x\",\"kid\":1}", &issuer_policy,
                  SJWT_ALG_NOT_ALLOWED);
    expect_issuer("{\"alg\":\"EdDSA\",\"typ\":\"x\",\"kid\":1}", &issuer_policy, SJWT_TYPE_REFUSED);
    expect_issuer("{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":1}", &issuer_policy,
                  SJWT_KID_INVALID);
    expect_policy("{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"x\"}", "{}", "", 0, &issuer_policy,
                  SJWT_KEY_NOT_FOUND);
    expect_policy("{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", "{}", "", 0, &issuer_policy,
                  SJWT_SIGNATURE_ENCODING);
    expect_parts("!.!.!", SJWT_SIGNATURE_ENCODING);
    expect_parts("!.!.", SJWT_HEADER_ENCODING);
}

/* sjwt_jws_verify() accepts any octets as payload and returns them unchanged. */
static void test_any_payload(void **state)
{
    static const char payload[] = "\0not JSON\xFF";
    char signature[64];
    sjwt_issuer_policy issuer_policy = {.issuer = "nobody", .keys = okp, .algorithms = ALL};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_token *token;
    sjwt_error error;
    size_t len;

    (void)state;
    memset(signature, 'K', sizeof(signature));
    char *encoded_payload = encoded(payload, sizeof(payload));
    char *text = joined(HEADER, encoded_payload, SIG64);
    assert_status(sjwt_jws_verify(NULL, text, strlen(text), &policy, &token, &error), SJWT_OK,
                  text);
    assert_memory_equal(sjwt_token_payload(token, &len), payload, sizeof(payload));
    assert_int_equal(len, sizeof(payload));
    assert_int_equal(sjwt_token_payload(token, &len)[len], '\0');
    sjwt_token_free(token);
    free(text);
    free(encoded_payload);

    text = joined(HEADER, "", SIG64);
    assert_status(sjwt_jws_verify(NULL, text, strlen(text), &policy, &token, &error), SJWT_OK,
                  text);
    assert_string_equal(sjwt_token_payload(token, &len), "");
    assert_int_equal(len, 0);
    sjwt_token_free(token);
    free(text);

    policy.issuer_count = 0;
    assert_status(sjwt_jws_verify(NULL, "", 0, &policy, &token, &error), SJWT_KEY_NOT_FOUND,
                  "no trust");
    assert_null(token);
}

static void test_token(void **state)
{
    static const char header[] = "{\"alg\":\"Ed25519\",\"kid\":\"k\\u00e9y\"}";
    sjwt_keyset *keys = keys_of("{" OKP_KEY ",\"kid\":\"k\xC3\xA9y\"}");
    sjwt_issuer_policy issuer_policy = {.keys = keys, .algorithms = ALL};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    char signature[64];
    sjwt_token *token;
    int64_t number = 7;
    size_t len;

    (void)state;
    memset(signature, 'K', sizeof(signature));
    char *text = compact(header, "{\"a\":1}", signature, sizeof(signature));
    assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), SJWT_OK, text);
    memset(text, 'x', strlen(text));
    free(text);
    assert_string_equal(sjwt_token_header(token, &len), header);
    assert_int_equal(len, strlen(header));
    assert_string_equal(sjwt_token_payload(token, &len), "{\"a\":1}");
    assert_int_equal(len, 7);
    assert_string_equal(sjwt_token_algorithm(token), "EdDSA");
    assert_string_equal(sjwt_token_backend(token), "fake");
    assert_string_equal(sjwt_token_key_id(token), "k\xC3\xA9y");
    assert_int_equal(sjwt_token_issuer_index(token), 0);
    assert_false(sjwt_token_expires_at(token, &number));
    assert_false(sjwt_token_not_before(token, &number));
    assert_false(sjwt_token_issued_at(token, &number));
    assert_false(sjwt_token_integer_id(token, &number));
    assert_true(number == 7);
    sjwt_token_free(token);
    sjwt_keyset_free(keys);

    issuer_policy.keys = okp;
    text = compact(EDDSA, "{}", signature, sizeof(signature));
    assert_status(sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL), SJWT_OK, text);
    assert_null(sjwt_token_key_id(token));
    sjwt_token_free(token);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_form, reset_fake),
        cmocka_unit_test_setup(test_payload_encoding, reset_fake),
        cmocka_unit_test_setup(test_nul_octets, reset_fake),
        cmocka_unit_test_setup(test_what_is_behind_the_length, reset_fake),
        cmocka_unit_test_setup(test_position, reset_fake),
        cmocka_unit_test_setup(test_size, reset_fake),
        cmocka_unit_test_setup(test_header, reset_fake),
        cmocka_unit_test_setup(test_details, reset_fake),
        cmocka_unit_test_setup(test_allowed_algorithms, reset_fake),
        cmocka_unit_test_setup(test_types, reset_fake),
        cmocka_unit_test_setup(test_session_key_without_alg, reset_fake),
        cmocka_unit_test_setup(test_candidates, reset_fake),
        cmocka_unit_test_setup(test_every_key_with_every_algorithm, reset_fake),
        cmocka_unit_test_setup(test_signature_lengths, reset_fake),
        cmocka_unit_test_setup(test_refused_candidates, reset_fake),
        cmocka_unit_test_setup(test_candidates_of_one_kid, reset_fake),
        cmocka_unit_test_setup(test_text_faults, reset_fake),
        cmocka_unit_test_setup(test_backend_failures, reset_fake),
        cmocka_unit_test_setup(test_first_of_several, reset_fake),
        cmocka_unit_test_setup(test_any_payload, reset_fake),
        cmocka_unit_test_setup(test_token, reset_fake),
    };

    sjwt_token_free(NULL);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
