/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Algorithm confusion: a public key is public, so a MAC computed with it proves nothing, in
 * whatever form a verifier might pass the key to HMAC.
 * The keys are those of RFC 7515 appendix A and RFC 8037 appendix A.
 */
#include "support.h"

#include "crypto/crypto.h"
#include "crypto/sign.h"

typedef struct known_key {
    sjwt_crypto_alg alg;
    const char *jwk;
    const char *pem;
    const char *members[2]; /* of the JWK, in base64url */
} known_key;

#define RSA_N                                                                                      \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4" \
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re" \
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX" \
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define OKP_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static const known_key known_keys[] = {
    {SJWT_CRYPTO_ALG_RS256,
     "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}",
     "-----BEGIN PUBLIC KEY-----\n"
     "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
     "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
     "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
     "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
     "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
     "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
     "oQIDAQAB\n"
     "-----END PUBLIC KEY-----\n",
     {RSA_N, NULL}},
    {SJWT_CRYPTO_ALG_ES256,
     "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}",
     "-----BEGIN PUBLIC KEY-----\n"
     "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
     "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
     "-----END PUBLIC KEY-----\n",
     {EC_X, EC_Y}},
    {SJWT_CRYPTO_ALG_EDDSA,
     "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"}",
     "-----BEGIN PUBLIC KEY-----\n"
     "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
     "-----END PUBLIC KEY-----\n",
     {OKP_X, NULL}},
};

static const sjwt_crypto_alg macs[] = {SJWT_CRYPTO_ALG_HS256, SJWT_CRYPTO_ALG_HS384,
                                       SJWT_CRYPTO_ALG_HS512};

static bool is_signable(sjwt_crypto_alg alg)
{
    return (sjwt_crypto_signable_algorithms() & SJWT_CRYPTO_BIT(alg)) != 0;
}

/* A token with a valid MAC by this secret; NULL if the build cannot sign it or the secret
 * is too short. free() it. */
static char *forge(sjwt_crypto_alg mac, sjwt_crypto_span secret)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get(mac);
    const sjwt_crypto_private_key key = {.public_key = {.type = SJWT_CRYPTO_KEY_OCT, .k = secret}};
    uint8_t tag[SJWT_CRYPTO_MAX_SIGNATURE_SIZE];
    char header[64];
    size_t len;

    if (!is_signable(mac) || secret.len * 8 < row->min_key_bits)
        return NULL;
    snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", row->name);
    char *encoded_header = encoded(header, strlen(header));
    char *payload = encoded("{\"sub\":\"admin\"}", strlen("{\"sub\":\"admin\"}"));
    char *message = joined(encoded_header, payload, "");
    sjwt_crypto_span signed_part = {(const uint8_t *)message, strlen(message) - 1};
    assert_int_equal(sjwt_crypto_make_signature(mac, &key, signed_part, tag, sizeof(tag), &len),
                     SJWT_CRYPTO_OK);
    char *signature = encoded(tag, len);
    char *token = joined(encoded_header, payload, signature);
    free(encoded_header);
    free(payload);
    free(message);
    free(signature);
    return token;
}

static sjwt_status verify(const sjwt_keyset *keys, const char *text, bool session_key)
{
    sjwt_issuer_policy issuer_policy = {
        .keys = keys, .algorithms = sjwt_all_algorithms(), .session_key = session_key};
    sjwt_policy policy = {.issuers = &issuer_policy, .issuer_count = 1};
    sjwt_token *token;

    sjwt_status status = sjwt_verify(NULL, text, strlen(text), &policy, &token, NULL);
    sjwt_token_free(token);
    return status;
}

/* The MAC itself must be valid, or a refusal would prove nothing. */
static void assert_right_mac(sjwt_crypto_span secret, const char *token)
{
    char *k = encoded(secret.data, secret.len);
    size_t size = strlen(k) + 32;
    char *jwk = allocate_or_fail(size);

    snprintf(jwk, size, "{\"kty\":\"oct\",\"k\":\"%s\"}", k);
    sjwt_keyset *keys = keys_of(jwk);
    assert_status(verify(keys, token, false), SJWT_OK, token);
    sjwt_keyset_free(keys);
    free(jwk);
    free(k);
}

/* Returns how many algorithms were tried. */
static size_t try_secret(const sjwt_keyset *keys, const void *octets, size_t len)
{
    sjwt_crypto_span secret = {octets, len};
    size_t tried = 0;

    for (size_t i = 0; i < COUNT(macs); i++) {
        char *token = forge(macs[i], secret);
        if (token == NULL)
            continue;
        assert_right_mac(secret, token);
        assert_status(verify(keys, token, false), SJWT_ALG_MISMATCH, token);
        assert_status(verify(keys, token, true), SJWT_ALG_MISMATCH, token);
        free(token);
        tried++;
    }
    return tried;
}

static void try_key(const known_key *known)
{
    uint8_t raw[1 + 512];
    size_t len = 1;
    sjwt_keyset *keys = keys_of(known->jwk);
    size_t tried = 0;

    /* raw: n, or x, or x and y, the latter also as an uncompressed point */
    raw[0] = 4;
    for (size_t i = 0; i < COUNT(known->members) && known->members[i] != NULL; i++) {
        size_t text_len = strlen(known->members[i]);
        assert_true(sjwt_base64url_decode(known->members[i], text_len, raw + len, NULL));
        len += SJWT_BASE64URL_DECODED_LEN(text_len);
    }
    tried += try_secret(keys, raw + 1, len - 1);
    tried += try_secret(keys, raw, len);
    tried += try_secret(keys, known->members[0], strlen(known->members[0]));
    tried += try_secret(keys, known->pem, strlen(known->pem));
    tried += try_secret(keys, known->pem, strlen(known->pem) - 1);
    tried += try_secret(keys, known->jwk, strlen(known->jwk));
    /* six secrets, of which all are long enough for HS256 */
    if (is_signable(SJWT_CRYPTO_ALG_HS256))
        assert_true(tried >= 6);
    sjwt_keyset_free(keys);
}

static void test_public_keys_as_secrets(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(known_keys); i++) {
        if (sjwt_crypto_backend_name(known_keys[i].alg) != NULL) {
            try_key(&known_keys[i]);
        } else {
            sjwt_keyset *keys;
            assert_status(
                sjwt_keyset_parse(NULL, known_keys[i].jwk, strlen(known_keys[i].jwk), &keys, NULL),
                SJWT_JWK_UNSUPPORTED, known_keys[i].jwk);
            assert_null(keys);
        }
    }
}

/* A set with a secret: the secret verifies only its own tokens, and the public key
 * beside it verifies no MAC. */
static void test_beside_a_secret(void **state)
{
    static const uint8_t secret[64] =
        "a secret that is known to nobody but the set and its owner....";
    const known_key *known = known_keys;
    char json[2000];
    size_t i = 0;

    (void)state;
    if (!is_signable(SJWT_CRYPTO_ALG_HS256))
        skip();
    while (i < COUNT(known_keys) && sjwt_crypto_backend_name(known_keys[i].alg) == NULL)
        i++;
    /* If the build has no public-key algorithm, the set skips the key. */
    bool is_left_out = i == COUNT(known_keys);
    if (!is_left_out)
        known = &known_keys[i];
    char *k = encoded(secret, sizeof(secret));
    snprintf(json, sizeof(json), "{\"keys\":[%s,{\"kty\":\"oct\",\"k\":\"%s\"}]}", known->jwk, k);
    sjwt_keyset *keys = keys_of(json);
    assert_int_equal(sjwt_keyset_count(keys), is_left_out ? 1 : 2);
    char *good = forge(SJWT_CRYPTO_ALG_HS256, (sjwt_crypto_span){secret, sizeof(secret)});
    char *bad = forge(SJWT_CRYPTO_ALG_HS256,
                      (sjwt_crypto_span){(const uint8_t *)known->pem, strlen(known->pem)});
    assert_non_null(good);
    assert_non_null(bad);
    assert_status(verify(keys, good, false), SJWT_OK, good);
    assert_status(verify(keys, bad, false), SJWT_SIGNATURE_INVALID, bad);
    free(good);
    free(bad);
    free(k);
    sjwt_keyset_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_keys_as_secrets),
        cmocka_unit_test(test_beside_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
