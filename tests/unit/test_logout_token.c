/* SPDX-License-Identifier: Apache-2.0 */
/* Logout Tokens (OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6). */
#include "fake_token.h"

#define TYPED "{\"alg\":\"EdDSA\",\"typ\":\"logout+jwt\"}"

#define EVENTS "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}"
/* All but what the subject of the test adds. */
#define START "\"iss\":\"https://a\",\"aud\":\"client\",\"iat\":1700000000,\"exp\":1700000120"
#define REST START ",\"jti\":\"j\"," EVENTS
/* The example of section 2.4. */
#define WHOLE "{" REST ",\"sub\":\"u\",\"sid\":\"s\"}"

static sjwt_issuer_policy issuer;
static sjwt_policy policy;

static int set_up_policy(void **state)
{
    static const char *const audiences[] = {"client"};
    static const char *const types[] = {"at+jwt"};
    static const char *const required[] = {"email"};

    set_up(state);
    /* What is asked of other tokens is not asked of a Logout Token. */
    issuer = (sjwt_issuer_policy){.issuer = "https://a",
                                  .keys = okp,
                                  .algorithms = sjwt_all_algorithms(),
                                  .audiences = {audiences, 1},
                                  .required_claims = {required, 1},
                                  .types = {types, 1}};
    policy = (sjwt_policy){
        .issuers = &issuer, .issuer_count = 1, .now = NOW * SECOND + 30 * SECOND, .leeway = 10};
    return 0;
}

static sjwt_status verify_text(const char *text, sjwt_token **token, sjwt_error *error)
{
    counting memory = {0};
    sjwt_allocator allocator = counting_allocator(&memory);
    sjwt_status status =
        sjwt_verify_logout_token(&allocator, text, strlen(text), &policy, token, error);

    assert_int_equal(*token != NULL, status == SJWT_OK);
    if (status != SJWT_OK)
        assert_int_equal(error->status, status);
    sjwt_token_free(*token);
    *token = NULL;
    assert_int_equal(memory.live, 0);
    return status;
}

static void expect(char signer, const char *header, const char *payload, sjwt_status wanted,
                   const char *detail)
{
    char *text = signed_by(signer, header, payload);
    sjwt_error error = {.detail = ""};
    sjwt_token *token;

    assert_status(verify_text(text, &token, &error), wanted, payload);
    if (strcmp(error.detail, detail) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", payload, error.detail, detail);
    free(text);
}

static void test_claims_of_token(void **state)
{
    char *text = signed_by('K', TYPED, WHOLE);
    sjwt_token *token;
    int64_t time;

    (void)state;
    assert_int_equal(sjwt_verify_logout_token(NULL, text, strlen(text), &policy, &token, NULL),
                     SJWT_OK);
    assert_string_equal(sjwt_token_claim_string(token, "iss"), "https://a");
    assert_string_equal(sjwt_token_claim_string(token, "jti"), "j");
    assert_string_equal(sjwt_token_claim_string(token, "sub"), "u");
    assert_string_equal(sjwt_token_claim_string(token, "sid"), "s");
    assert_true(sjwt_token_issued_at(token, &time));
    assert_int_equal(time, NOW * SECOND);
    assert_true(sjwt_token_expires_at(token, &time));
    assert_int_equal(time, (NOW + 120) * SECOND);
    sjwt_token_free(token);
    free(text);
}

static void test_types(void **state)
{
    static const char wrong[] = "'typ' is neither \"logout+jwt\" nor \"JWT\"";

    (void)state;
    expect('K', TYPED, WHOLE, SJWT_OK, "");
    expect('K', EDDSA, WHOLE, SJWT_OK, "");
    expect('K', "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", WHOLE, SJWT_OK, "");
    expect('K', "{\"alg\":\"EdDSA\",\"typ\":\"application/Logout+JWT\"}", WHOLE, SJWT_OK, "");
    expect('K', "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", WHOLE, SJWT_LOGOUT_INVALID, wrong);
    expect('K', "{\"alg\":\"EdDSA\",\"typ\":\"logout\"}", WHOLE, SJWT_LOGOUT_INVALID, wrong);
    expect('K', "{\"alg\":\"EdDSA\",\"typ\":1}", WHOLE, SJWT_LOGOUT_INVALID, wrong);
}

static void test_claims(void **state)
{
    static const char events[] = "'events' has no back-channel logout";
    static const char times[] = "'iat' or 'exp' is missing";
    static const char jti[] = "'jti' is not a string, or is empty";
    static const char subject[] = "'sid' or 'sub' is not a string, or is empty";
    static const struct {
        const char *payload;
        sjwt_status status;
        const char *detail;
    } rows[] = {
        {"{" REST ",\"sub\":\"u\"}", SJWT_OK, ""},
        {"{" REST ",\"sid\":\"s\"}", SJWT_OK, ""},
        {"{" REST ",\"sid\":\"s\",\"sub\":null}", SJWT_OK, ""},
        {"{" REST ",\"sid\":\"s\",\"other\":[1]}", SJWT_OK, ""},
        {"{" REST "}", SJWT_LOGOUT_INVALID, "both 'sid' and 'sub' are missing"},
        {"{" REST ",\"sid\":null,\"sub\":null}", SJWT_LOGOUT_INVALID,
         "both 'sid' and 'sub' are missing"},
        {"{" REST ",\"sid\":1}", SJWT_LOGOUT_INVALID, subject},
        {"{" REST ",\"sub\":[\"u\"]}", SJWT_LOGOUT_INVALID, subject},
        {"{" REST ",\"sid\":\"s\",\"sub\":\"\"}", SJWT_LOGOUT_INVALID, subject},
        {"{" REST ",\"sub\":\"u\",\"nonce\":\"n\"}", SJWT_LOGOUT_INVALID, "'nonce' is present"},
        {"{" REST ",\"sub\":\"u\",\"nonce\":null}", SJWT_LOGOUT_INVALID, "'nonce' is present"},
        {"{" START "," EVENTS ",\"sub\":\"u\"}", SJWT_LOGOUT_INVALID, jti},
        {"{" START "," EVENTS ",\"sub\":\"u\",\"jti\":7}", SJWT_LOGOUT_INVALID, jti},
        {"{" START "," EVENTS ",\"sub\":\"u\",\"jti\":\"\"}", SJWT_LOGOUT_INVALID, jti},
        {"{" START ",\"jti\":\"j\",\"sub\":\"u\"}", SJWT_LOGOUT_INVALID, events},
        {"{" START ",\"jti\":\"j\",\"sub\":\"u\",\"events\":{}}", SJWT_LOGOUT_INVALID, events},
        {"{" START ",\"jti\":\"j\",\"sub\":\"u\",\"events\":"
         "\"http://schemas.openid.net/event/backchannel-logout\"}",
         SJWT_LOGOUT_INVALID, events},
        {"{" START ",\"jti\":\"j\",\"sub\":\"u\",\"events\":"
         "{\"http://schemas.openid.net/event/backchannel-logout\":true}}",
         SJWT_LOGOUT_INVALID, events},
        {"{" START ",\"jti\":\"j\",\"sub\":\"u\",\"events\":"
         "{\"http://schemas.openid.net/event/Backchannel-Logout\":{}}}",
         SJWT_LOGOUT_INVALID, events},
        {"{\"iss\":\"https://a\",\"aud\":\"client\",\"iat\":1700000000,\"jti\":\"j\"," EVENTS
         ",\"sub\":\"u\"}",
         SJWT_LOGOUT_INVALID, times},
        {"{\"iss\":\"https://a\",\"aud\":\"client\",\"exp\":1700000120,\"jti\":\"j\"," EVENTS
         ",\"sub\":\"u\"}",
         SJWT_LOGOUT_INVALID, times},
        {"{\"iss\":\"https://a\",\"aud\":\"client\",\"iat\":1700000040,\"exp\":1700000120,"
         "\"jti\":\"j\"," EVENTS ",\"sub\":\"u\"}",
         SJWT_OK, ""},
        {"{\"iss\":\"https://a\",\"aud\":\"client\",\"iat\":1700000041,\"exp\":1700000120,"
         "\"jti\":\"j\"," EVENTS ",\"sub\":\"u\"}",
         SJWT_LOGOUT_INVALID, "'iat' is ahead"},
        {"{\"iss\":\"https://a\",\"aud\":\"client\",\"iat\":1699999000,\"exp\":1700000019,"
         "\"jti\":\"j\"," EVENTS ",\"sub\":\"u\"}",
         SJWT_EXPIRED, ""},
        {"{\"iss\":\"https://a\",\"aud\":\"other\",\"iat\":1700000000,\"exp\":1700000120,"
         "\"jti\":\"j\"," EVENTS ",\"sub\":\"u\"}",
         SJWT_AUDIENCE_REFUSED, ""},
        {"{\"iss\":\"https://b\",\"aud\":\"client\",\"iat\":1700000000,\"exp\":1700000120,"
         "\"jti\":\"j\"," EVENTS ",\"sub\":\"u\"}",
         SJWT_ISSUER_REFUSED, ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        expect('K', TYPED, rows[i].payload, rows[i].status, rows[i].detail);
    expect('L', TYPED, WHOLE, SJWT_SIGNATURE_INVALID, "");
    expect('K', "{\"alg\":\"none\"}", WHOLE, SJWT_ALG_UNKNOWN, "");
}

/* Also where the policy asks for neither an issuer nor an audience. */
static void test_needed_claims(void **state)
{
    sjwt_issuer_policy before = issuer;

    (void)state;
    issuer.issuer = NULL;
    issuer.audiences = (sjwt_string_list){0};
    expect('K', TYPED,
           "{\"aud\":\"client\",\"iat\":1700000000,\"exp\":1700000120,\"jti\":\"j\"," EVENTS
           ",\"sub\":\"u\"}",
           SJWT_LOGOUT_INVALID, "'iss' is not a string, or is empty");
    expect('K', TYPED,
           "{\"iss\":\"https://a\",\"iat\":1700000000,\"exp\":1700000120,\"jti\":\"j\"," EVENTS
           ",\"sub\":\"u\"}",
           SJWT_LOGOUT_INVALID, "'aud' is missing");
    issuer = before;
    policy.issuer_count = 0;
    expect('K', TYPED, WHOLE, SJWT_ISSUER_REFUSED, "");
    policy.issuer_count = 1;
}

/* A Logout Token gives no identity, whatever its type. */
static void test_is_no_other_token(void **state)
{
    static const char *const headers[] = {TYPED, EDDSA};
    sjwt_issuer_policy any = {.keys = okp, .algorithms = sjwt_all_algorithms()};
    const sjwt_policy others = {.issuers = &any, .issuer_count = 1, .now = policy.now};

    (void)state;
    for (size_t i = 0; i < COUNT(headers); i++) {
        char *text = signed_by('K', headers[i], WHOLE);
        sjwt_token *token;

        assert_int_equal(sjwt_verify(NULL, text, strlen(text), &others, &token, NULL),
                         SJWT_TYPE_REFUSED);
        assert_null(token);
        free(text);
    }
}

static void test_no_memory(void **state)
{
    char *text = signed_by('K', TYPED, WHOLE);
    size_t failures = 0;

    (void)state;
    for (size_t n = 1;; n++, failures++) {
        counting memory = {.fail_at = n};
        sjwt_allocator allocator = counting_allocator(&memory);
        sjwt_token *token;
        sjwt_status status =
            sjwt_verify_logout_token(&allocator, text, strlen(text), &policy, &token, NULL);

        sjwt_token_free(token);
        assert_int_equal(memory.live, 0);
        if (memory.calls < n)
            break;
        assert_status(status, SJWT_NO_MEMORY, "no memory");
    }
    assert_true(failures >= 2);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims_of_token),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_needed_claims),
        cmocka_unit_test(test_is_no_other_token),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, set_up_policy, tear_down);
}
