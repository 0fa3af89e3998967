/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cost.c - verifies one token TIMES times, so that callgrind can count the instructions of
 * verify_token(). See cost.sh.
 *
 *   cost ALG TIMES
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* The counted function: its name is fixed, and it must not be inlined into main(). */
__attribute__((noinline)) static void verify_token(const char *text, const sjwt_policy *policy)
{
    sjwt_token *token;

    if (sjwt_verify(NULL, text, strlen(text), policy, &token, NULL) != SJWT_OK)
        bench_die("the token is refused");
    sjwt_token_free(token);
}

int main(int argc, char **argv)
{
    const bench_key key = bench_key_generate(argc == 3 ? argv[1] : "", NULL);
    const unsigned long times = strtoul(argc == 3 ? argv[2] : "", NULL, 10);
    char *token = bench_token(&key, 1, 600);
    sjwt_issuer_policy issuer_policy = {.issuer = BENCH_ISSUER,
                                        .algorithms = sjwt_public_key_algorithms()};
    const sjwt_policy policy = {
        .issuers = &issuer_policy, .issuer_count = 1, .now = BENCH_NOW, .leeway = 60};
    sjwt_keyset *keys;

    if (sjwt_keyset_parse(NULL, key.public_jwk, strlen(key.public_jwk), &keys, NULL) != SJWT_OK)
        bench_die("the key does not parse");
    issuer_policy.keys = keys;
    for (unsigned long i = 0; i < times; i++)
        verify_token(token, &policy);
    sjwt_keyset_free(keys);
    sjwt_secret_text_free(key.private, key.public_jwk, strlen(key.public_jwk));
    sjwt_private_key_free(key.private);
    free(token);
    return 0;
}
