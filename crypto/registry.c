#include "crypto/registry.h"

/* A test that compiles this file with backends of its own has named them. */
#ifndef CRYPTO_BACKEND_LIST
#include "crypto_backends.h"
#endif

#define DECLARATION(name) extern const crypto_backend crypto_##name##_backend;
#define ADDRESS(name) &crypto_##name##_backend,
#define NAME(name) ", " #name

CRYPTO_BACKEND_LIST(DECLARATION)

static const crypto_backend *const backends[] = {CRYPTO_BACKEND_LIST(ADDRESS)};

#define BACKEND_COUNT (sizeof backends / sizeof backends[0])

/* The only state: which libraries this process has readied. A forked child
 * inherits it together with the library's own. */
static bool ready[BACKEND_COUNT];

/* The index of the first backend that serves alg, or BACKEND_COUNT. */
static size_t find_backend(crypto_alg alg)
{
    size_t i = 0;

    while (i < BACKEND_COUNT && (backends[i]->verifies & CRYPTO_BIT(alg)) == 0)
        i++;
    return i;
}

/* A failure is not remembered: the next call tries again. */
static crypto_status make_ready(size_t index)
{
    if (!ready[index]) {
        crypto_status status = backends[index]->init();
        if (status != CRYPTO_OK)
            return status;
        ready[index] = true;
    }
    return CRYPTO_OK;
}

static size_t bit_length(crypto_span number)
{
    size_t bits = 8 * number.len;

    for (uint8_t mask = 0x80; (number.data[0] & mask) == 0; mask >>= 1)
        bits--;
    return bits;
}

static bool is_number(crypto_span number)
{
    return number.len > 0 && number.data[0] != 0;
}

static bool is_odd(crypto_span number)
{
    return (number.data[number.len - 1] & 1) != 0;
}

/* The time of a verification grows with the exponent's length. */
#define MAX_EXPONENT_OCTETS 8

static bool rsa_key_fits(const crypto_algorithm *row, crypto_span n, crypto_span e)
{
    if (!is_number(n) || n.len > row->max_key_bits / 8 || !is_odd(n))
        return false;
    if (bit_length(n) < row->min_key_bits)
        return false;
    if (!is_number(e) || !is_odd(e) || e.len > MAX_EXPONENT_OCTETS)
        return false;
    return e.len > 1 || e.data[0] >= 3;
}

crypto_status crypto_check_policy(const crypto_algorithm *row, const crypto_key *key)
{
    bool fits = false;

    if (key->type != row->key_type || key->curve != row->curve)
        return CRYPTO_BAD_KEY;
    switch (row->key_type) {
    case CRYPTO_KEY_OKP:
        fits = key->x.len == row->coordinate_len;
        break;
    case CRYPTO_KEY_EC:
        fits = key->x.len == row->coordinate_len && key->y.len == row->coordinate_len;
        break;
    case CRYPTO_KEY_RSA:
        fits = rsa_key_fits(row, key->n, key->e);
        break;
    case CRYPTO_KEY_OCT:
        fits = key->k.len >= row->min_key_bits / 8 && key->k.len <= row->max_key_bits / 8;
        break;
    }
    return fits ? CRYPTO_OK : CRYPTO_BAD_KEY;
}

size_t crypto_signature_length(const crypto_algorithm *row, const crypto_key *key)
{
    return row->signature_len != 0 ? row->signature_len : key->n.len;
}

uint32_t crypto_verifiable_algorithms(void)
{
    uint32_t set = 0;

    for (size_t i = 0; i < BACKEND_COUNT; i++)
        set |= backends[i]->verifies;
    return set;
}

const char *crypto_backend_name(crypto_alg alg)
{
    size_t index = find_backend(alg);

    return index < BACKEND_COUNT ? backends[index]->name : NULL;
}

const char *crypto_backend_names(void)
{
    static const char names[] = CRYPTO_BACKEND_LIST(NAME);

    return names + sizeof ", " - 1;
}

crypto_status crypto_check_key(crypto_alg alg, const crypto_key *key)
{
    crypto_status status = crypto_check_policy(crypto_algorithm_get(alg), key);
    if (status != CRYPTO_OK)
        return status;

    size_t index = find_backend(alg);
    if (index == BACKEND_COUNT)
        return CRYPTO_UNSUPPORTED;
    status = make_ready(index);
    if (status != CRYPTO_OK)
        return status;
    return backends[index]->check_key(alg, key);
}

crypto_status crypto_verify_signature(crypto_alg alg, const crypto_key *key, crypto_span message,
                                      crypto_span signature)
{
    const crypto_algorithm *row = crypto_algorithm_get(alg);
    crypto_status status = crypto_check_policy(row, key);
    if (status != CRYPTO_OK)
        return status;

    size_t index = find_backend(alg);
    if (index == BACKEND_COUNT)
        return CRYPTO_UNSUPPORTED;
    if (signature.len != crypto_signature_length(row, key))
        return CRYPTO_BAD_SIGNATURE;
    status = make_ready(index);
    if (status != CRYPTO_OK)
        return status;
    /* Libraries declare their pointers nonnull, whatever the length. */
    if (message.data == NULL)
        message.data = signature.data;
    return backends[index]->verify(alg, key, message, signature);
}
