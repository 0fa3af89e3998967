#include "jwt/jwt.h"
#include "jwt/error.h"
#include "crypto/crypto.h"

jwt_algorithm_set jwt_public_key_algorithms(void)
{
    return crypto_public_key_algorithms();
}

jwt_algorithm_set jwt_all_algorithms(void)
{
    return CRYPTO_BIT(CRYPTO_ALG_COUNT) - 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

jwt_status jwt_algorithms_parse(const char *names, size_t len, jwt_algorithm_set *out,
                                jwt_error *error)
{
    jwt_algorithm_set set = 0;
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
        const crypto_algorithm *algorithm = crypto_algorithm_find(names + start, end - start);
        if (algorithm == NULL)
            return jwt_fail(error, JWT_ALG_UNKNOWN, start, NULL);
        set |= CRYPTO_BIT(algorithm->alg);
    } while (next++ < len);
    *out = set;
    return JWT_OK;
}

bool jwt_algorithm_info(size_t n, const char **name, const char **backend)
{
    if (n >= CRYPTO_ALG_COUNT)
        return false;
    *name = crypto_algorithm_get((crypto_alg)n)->name;
    *backend = crypto_backend_name((crypto_alg)n);
    return true;
}

const char *jwt_backend_names(void)
{
    return crypto_backend_names();
}
