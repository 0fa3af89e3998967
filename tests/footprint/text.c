/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - uses what a verifying program uses, and is only linked: the linker's map then names
 * the objects of the core that such a program carries.
 */
#include <sjwt.h>

#include <stddef.h>

int main(int argc, char **argv)
{
    const char *const key = argv[0];
    sjwt_keyset *keys = NULL;
    sjwt_token *token = NULL;

    if (sjwt_keyset_parse(NULL, key, (size_t)argc, &keys, NULL) != SJWT_OK)
        return 1;
    const sjwt_issuer_policy issuer = {.keys = keys, .algorithms = sjwt_all_algorithms()};
    const sjwt_policy policy = {.issuers = &issuer, .issuer_count = 1};
    const sjwt_status status = sjwt_verify(NULL, key, (size_t)argc, &policy, &token, NULL);
    const bool has_subject = token != NULL && sjwt_token_claim_string(token, "sub") != NULL;
    sjwt_token_free(token);
    sjwt_keyset_free(keys);
    return status == SJWT_OK && has_subject ? 0 : 1;
}
