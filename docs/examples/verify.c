/* SPDX-License-Identifier: Apache-2.0 */
/* verify JWKS-FILE TOKEN: prints the subject of a token that the issuer https://id.example signed. */
#include <sjwt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
    static char jwks[SJWT_MAX_KEYSET_SIZE];
    static const char *const required[] = {"sub", "exp"};
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    sjwt_keyset *keys;
    sjwt_token *token;
    sjwt_error error;

    if (file == NULL) {
        fprintf(stderr, "usage: verify JWKS-FILE TOKEN\n");
        return 2;
    }
    size_t len = fread(jwks, 1, sizeof(jwks), file);
    fclose(file);
    if (sjwt_keyset_parse(NULL, jwks, len, &keys, &error) != SJWT_OK) {
        fprintf(stderr, "%s: %s\n", argv[1], sjwt_status_text(error.status));
        return 2;
    }
    const sjwt_issuer_policy issuer = {.issuer = "https://id.example",
                                       .keys = keys,
                                       .algorithms = sjwt_public_key_algorithms(),
                                       .required_claims = {required, 2}};
    const sjwt_policy policy = {
        .issuers = &issuer, .issuer_count = 1, .now = (int64_t)time(NULL) * 1000000, .leeway = 60};
    sjwt_status status = sjwt_verify(NULL, argv[2], strlen(argv[2]), &policy, &token, &error);
    if (status != SJWT_OK) {
        fprintf(stderr, "refused: %s\n", sjwt_status_text(status));
    } else {
        const char *subject = sjwt_token_claim_string(token, "sub");
        printf("%s\n", subject != NULL ? subject : "(not a string)");
    }
    sjwt_token_free(token);
    sjwt_keyset_free(keys);
    return status == SJWT_OK ? 0 : 1;
}
