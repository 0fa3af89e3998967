/* SPDX-License-Identifier: Apache-2.0 */
/* A program that uses libjwt and libcrypto beside this library: the headers go
 * together, and each name means the library that it belongs to. */
#include <jwt.h>
#include <openssl/crypto.h>
#include <sjwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    sjwt_keyset *keys = NULL;
    sjwt_error error;
    jwt_t *made = NULL;
    char *text = NULL;
    int failed = 1;

    if (argc != 2 || jwt_new(&made) != 0)
        return 1;
    /* libjwt signs what this library verifies. */
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    static const char jwk[] =
        "{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}";
    if (jwt_add_grant(made, "sub", argv[1]) == 0 &&
        jwt_set_alg(made, JWT_ALG_HS256, (const unsigned char *)secret, sizeof(secret) - 1) == 0 &&
        (text = jwt_encode_str(made)) != NULL &&
        sjwt_keyset_parse(NULL, jwk, strlen(jwk), &keys, &error) == SJWT_OK) {
        sjwt_issuer_policy issuer = {.keys = keys, .algorithms = sjwt_all_algorithms()};
        sjwt_policy policy = {.issuers = &issuer, .issuer_count = 1};
        sjwt_token *token;
        if (sjwt_verify(NULL, text, strlen(text), &policy, &token, &error) == SJWT_OK) {
            printf("%s\n", sjwt_token_claim_string(token, "sub"));
            failed = 0;
        }
        sjwt_token_free(token);
    }
    sjwt_keyset_free(keys);
    free(text);
    jwt_free(made);
    return failed || OpenSSL_version_num() == 0;
}
