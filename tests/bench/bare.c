/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.c - the bare verification of a signature.
 */
#include "bare.h"

#include <sodium.h>
#include <string.h>

static const bench_library *const libraries[] = {
#ifdef BENCH_SODIUM
    &bench_sodium,
#endif
#ifdef BENCH_MBEDTLS
    &bench_mbedtls,
#endif
#ifdef BENCH_OPENSSL
    &bench_openssl,
#endif
};

const bench_library *bench_library_of(const bench_key *key)
{
    const char *name;
    const char *backend;

    for (size_t n = 0; sjwt_algorithm_info(n, &name, &backend); n++) {
        if (strcmp(name, key->alg) != 0 || backend == NULL)
            continue;
        for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
            if (strcmp(libraries[i]->backend, backend) == 0)
                return libraries[i];
    }
    bench_die("no library verifies %s", key->alg);
}

bench_bare bench_bare_of(const bench_library *library, void *key, const char *token)
{
    const char *dot = strrchr(token, '.');
    bench_bare bare = {
        .library = library, .key = key, .message = token, .message_len = (size_t)(dot - token)};
    uint8_t signature[512];
    size_t len;

    if (sodium_base642bin(signature, sizeof(signature), dot + 1, strlen(dot + 1), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        bench_die("a signature that is not base64url");
    if (library->convert != NULL) {
        bare.signature_len =
            library->convert(signature, len, bare.signature, sizeof(bare.signature));
    } else {
        memcpy(bare.signature, signature, len);
        bare.signature_len = len;
    }
    return bare;
}

void bench_bare_verify(const bench_bare *bare)
{
    if (!bare->library->verify(bare->key, (const uint8_t *)bare->message, bare->message_len,
                               bare->signature, bare->signature_len))
        bench_die("%s refuses the token", bare->library->name);
}
