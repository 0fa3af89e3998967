/* SPDX-License-Identifier: Apache-2.0 */
/* Quoted issuers, and subjects of one issuer that have the form of another's. */
#include "support.h"

#include "fake_backend.h"

static void test_quoting(void **state)
{
    static const struct {
        const char *issuer, *quoted;
    } rows[] = {
        {"", ""},
        {"https://login.example/", "https://login.example/"},
        {"a|b", "a%7Cb"},
        {"a%7Cb", "a%257Cb"},
        {"%|%%||", "%25%7C%25%25%7C%7C"},
        {"\xC3\xA9|", "\xC3\xA9%7C"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t len = strlen(rows[i].issuer);
        char *out = allocate_or_fail(3 * len + 1);
        size_t written = sjwt_quote_issuer(rows[i].issuer, len, out);
        out[written] = '\0';
        assert_string_equal(out, rows[i].quoted);
        free(out);
    }
}

static sjwt_status verify(const sjwt_policy *policy, const char *issuer, const char *subject)
{
    char payload[200];
    char signature[64];
    sjwt_token *token;

    snprintf(payload, sizeof(payload), "{\"iss\":\"%s\",\"sub\":%s}", issuer, subject);
    memset(signature, 'K', sizeof(signature));
    char *text = compact("{\"alg\":\"EdDSA\"}", payload, signature, sizeof(signature));
    sjwt_status status = sjwt_verify(NULL, text, strlen(text), policy, &token, NULL);
    sjwt_token_free(token);
    free(text);
    return status;
}

static void test_form(void **state)
{
    static const struct {
        const char *subject;
        bool looks_qualified;
    } rows[] = {
        {"\"\"", false},
        {"\"alice\"", false},
        {"\"|\"", false},
        {"\"batch\"", false},
        {"\"batch|\"", true},
        {"\"batch|alice\"", true},
        {"\"batch|a|b\"", true},
        {"\"Batch|alice\"", false},
        {"\"batch2|alice\"", false},
        {"\"batc|alice\"", false},
        {"\" batch|alice\"", false},
        /* the quoted name of the issuer "a|b%" */
        {"\"a%7Cb%25|alice\"", true},
        {"\"a|b%|alice\"", false},
        {"\"a%7Cb%|alice\"", false},
        {"\"a%7cb%25|alice\"", false},
        /* an issuer that the pattern "t|{tid}-{x}%" stands for */
        {"\"t%7Ca-b%25|alice\"", true},
        {"\"t%7Ca%25|alice\"", true},
        {"\"t|a-b%25|alice\"", false},
        {"\"%25|alice\"", false},
        {"\"t%7Ca-b%\"", false},
        /* an issuer that may have been trusted once */
        {"\"https://gone.example|alice\"", true},
        {"\"://|\"", true},
        {"\"https://gone.example\"", false},
        {"\"auth0|5f7c8ec7\"", false},
        {"\"oidc|corp|https://gone.example|alice\"", false},
        {"\"plain|x\"", false},
        {"1", false},
        {"null", false},
        {"[\"batch|alice\"]", false},
    };
    sjwt_keyset *keys = keys_of("{" OKP_KEY "}");
    sjwt_issuer_policy issuers[] = {{.issuer = "plain"},
                                    {.issuer = "batch"},
                                    {.issuer = "a|b%"},
                                    {.issuer = "shared"},
                                    {.issuer = "t|{tid}-{x}%"}};
    const sjwt_policy policy = {.issuers = issuers, .issuer_count = COUNT(issuers)};

    (void)state;
    for (size_t i = 0; i < COUNT(issuers); i++) {
        issuers[i].keys = keys;
        issuers[i].algorithms = sjwt_all_algorithms();
        issuers[i].subjects = SJWT_SUBJECTS_QUALIFIED;
    }
    issuers[3].subjects = SJWT_SUBJECTS_SHARED;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *subject = rows[i].subject;
        sjwt_status wanted = rows[i].looks_qualified ? SJWT_SUBJECT_REFUSED : SJWT_OK;
        issuers[0].subjects = SJWT_SUBJECTS_PLAIN;
        assert_status(verify(&policy, "plain", subject), wanted, subject);
        assert_status(verify(&policy, "shared", subject), wanted, subject);
        /* a qualified subject has no other form, and one that is not checked may have any */
        assert_status(verify(&policy, "batch", subject), SJWT_OK, subject);
        issuers[0].subjects = SJWT_SUBJECTS_UNCHECKED;
        assert_status(verify(&policy, "plain", subject), SJWT_OK, subject);
    }
    sjwt_keyset_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
