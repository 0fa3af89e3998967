/* SPDX-License-Identifier: Apache-2.0 */
#include <sjwt/algorithms.h>
#include "jwt/error.h"
#include "crypto/crypto.h"

sjwt_algorithm_set sjwt_public_key_algorithms(void)
{
    return sjwt_crypto_public_key_algorithms();
}

sjwt_algorithm_set sjwt_all_algorithms(void)
{
    return SJWT_CRYPTO_BIT(SJWT_CRYPTO_ALG_COUNT) - 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

sjwt_status sjwt_algorithms_parse(const char *names, size_t len, sjwt_algorithm_set *out,
                                  sjwt_error *error)
{
    sjwt_algorithm_set set = 0;
    size_t next = 0;

    *out = 0;
    do {
        size_t start = next;
        while (next < len && names[next] != ',')
            next++;
        size_t end = next;
        while (start < end && is_blank(names[start]))
            start++;
        while (start < end && is_blank(names[end - 1]))
            end--;
        const sjwt_crypto_algorithm *algorithm =
            sjwt_crypto_algorithm_find(names + start, end - start);
        if (algorithm == NULL)
            return sjwt_fail(error, SJWT_ALG_UNKNOWN, start, NULL);
        set |= SJWT_CRYPTO_BIT(algorithm->alg);
    } while (next++ < len);
    *out = set;
    return SJWT_OK;
}

bool sjwt_algorithm_info(size_t n, const char **name, const char **backend)
{
    if (n >= SJWT_CRYPTO_ALG_COUNT)
        return false;
    *name = sjwt_crypto_algorithm_get((sjwt_crypto_alg)n)->name;
    *backend = sjwt_crypto_probe((sjwt_crypto_alg)n) == SJWT_CRYPTO_UNSUPPORTED
                   ? NULL
                   : sjwt_crypto_backend_name((sjwt_crypto_alg)n);
    return true;
}

const char *sjwt_algorithm_module(size_t n)
{
    if (n >= SJWT_CRYPTO_ALG_COUNT)
        return "";
    (void)sjwt_crypto_probe((sjwt_crypto_alg)n);
    return sjwt_crypto_describe((sjwt_crypto_alg)n);
}

const char *sjwt_backend_names(void)
{
    return sjwt_crypto_backend_names();
}
