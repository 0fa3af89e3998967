/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - which backend serves an algorithm, and what is checked before a
 * library is asked.
 */
#include "crypto/registry.h"

#include <pthread.h>
#include <stdatomic.h>

/* A test that compiles this file with backends of its own has named them. */
#ifndef SJWT_CRYPTO_BACKEND_LIST
#include "crypto_backends.h"
#endif

#define DECLARATION(name) extern const sjwt_crypto_backend sjwt_crypto_##name##_backend;
#define ADDRESS(name) &sjwt_crypto_##name##_backend,

SJWT_CRYPTO_BACKEND_LIST(DECLARATION)

static const sjwt_crypto_backend *const backends[] = {SJWT_CRYPTO_BACKEND_LIST(ADDRESS)};

#define BACKEND_COUNT (sizeof backends / sizeof backends[0])

/* The libraries that this process has initialized. A forked child inherits them
 * together with the libraries' own state. */
static atomic_bool initialized[BACKEND_COUNT];

/* The index of the first backend that serves alg, or BACKEND_COUNT. */
static size_t find_backend(sjwt_crypto_alg alg)
{
    size_t i = 0;

    while (i < BACKEND_COUNT && (backends[i]->verifies & SJWT_CRYPTO_BIT(alg)) == 0)
        i++;
    return i;
}

/* A failure is not remembered: the next call tries again. */
static sjwt_crypto_status ensure_initialized(size_t index)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    sjwt_crypto_status status = SJWT_CRYPTO_OK;

    if (atomic_load_explicit(&initialized[index], memory_order_acquire))
        return SJWT_CRYPTO_OK;
    pthread_mutex_lock(&mutex);
    if (!atomic_load_explicit(&initialized[index], memory_order_relaxed)) {
        status = backends[index]->init();
        if (status == SJWT_CRYPTO_OK)
            atomic_store_explicit(&initialized[index], true, memory_order_release);
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

static size_t bit_length(sjwt_crypto_span number)
{
    size_t bits = 8 * number.len;

    for (uint8_t mask = 0x80; (number.data[0] & mask) == 0; mask >>= 1)
        bits--;
    return bits;
}

static bool is_number(sjwt_crypto_span number)
{
    return number.len > 0 && number.data[0] != 0;
}

static bool is_odd(sjwt_crypto_span number)
{
    return (number.data[number.len - 1] & 1) != 0;
}

/* The time of a verification grows with the exponent's length. */
#define MAX_EXPONENT_OCTETS 8

#define FAULT(...) ((sjwt_crypto_fault){__VA_ARGS__})
static const sjwt_crypto_fault no_fault;

static sjwt_crypto_fault find_rsa_fault(const sjwt_crypto_algorithm *row, sjwt_crypto_span n,
                                        sjwt_crypto_span e)
{
    if (!is_number(n))
        return FAULT("n", "begin with another octet than zero", 0, "");
    if (n.len > row->max_key_bits / 8)
        return FAULT("n", "have at most", row->max_key_bits, "bits");
    if (bit_length(n) < row->min_key_bits)
        return FAULT("n", "have at least", row->min_key_bits, "bits");
    if (!is_odd(n))
        return FAULT("n", "be odd", 0, "");
    if (!is_number(e))
        return FAULT("e", "begin with another octet than zero", 0, "");
    if (e.len > MAX_EXPONENT_OCTETS)
        return FAULT("e", "have at most", MAX_EXPONENT_OCTETS, "octets");
    if (!is_odd(e))
        return FAULT("e", "be odd", 0, "");
    if (e.len == 1 && e.data[0] < 3)
        return FAULT("e", "be at least 3", 0, "");
    return no_fault;
}

static sjwt_crypto_fault find_secret_fault(const sjwt_crypto_algorithm *row, sjwt_crypto_span k)
{
    if (k.len < row->min_key_bits / 8)
        return FAULT("k", "have at least", row->min_key_bits / 8, "octets");
    if (k.len > row->max_key_bits / 8)
        return FAULT("k", "have at most", row->max_key_bits / 8, "octets");
    return no_fault;
}

static sjwt_crypto_fault find_fault(const sjwt_crypto_algorithm *row,
                                    const sjwt_crypto_key_octets *octets)
{
    switch (row->key_type) {
    case SJWT_CRYPTO_KEY_OKP:
    case SJWT_CRYPTO_KEY_EC:
        if (octets->x.len != row->coordinate_len)
            return FAULT("x", "have", row->coordinate_len, "octets");
        if (row->key_type == SJWT_CRYPTO_KEY_EC && octets->y.len != row->coordinate_len)
            return FAULT("y", "have", row->coordinate_len, "octets");
        return no_fault;
    case SJWT_CRYPTO_KEY_RSA:
        return find_rsa_fault(row, octets->n, octets->e);
    case SJWT_CRYPTO_KEY_OCT:
        return find_secret_fault(row, octets->k);
    }
    return no_fault;
}

sjwt_crypto_fault sjwt_crypto_octets_fault(sjwt_crypto_alg alg,
                                           const sjwt_crypto_key_octets *octets)
{
    return find_fault(sjwt_crypto_algorithm_get(alg), octets);
}

sjwt_crypto_status sjwt_crypto_check_row(const sjwt_crypto_algorithm *row,
                                         const sjwt_crypto_key_octets *octets)
{
    if (octets->type != row->key_type || octets->curve != row->curve)
        return SJWT_CRYPTO_BAD_KEY;
    return find_fault(row, octets).member == NULL ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY;
}

size_t sjwt_crypto_signature_length(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets)
{
    size_t len = sjwt_crypto_algorithm_get(alg)->signature_len;

    return len != 0 ? len : octets->n.len;
}

uint32_t sjwt_crypto_verifiable_algorithms(void)
{
    uint32_t set = 0;

    for (size_t i = 0; i < BACKEND_COUNT; i++)
        set |= backends[i]->verifies;
    return set;
}

const char *sjwt_crypto_backend_name(sjwt_crypto_alg alg)
{
    size_t index = find_backend(alg);

    return index < BACKEND_COUNT ? backends[index]->name : NULL;
}

sjwt_crypto_status sjwt_crypto_probe(sjwt_crypto_alg alg)
{
    size_t index = find_backend(alg);

    if (index == BACKEND_COUNT)
        return SJWT_CRYPTO_UNSUPPORTED;
    sjwt_crypto_status status = ensure_initialized(index);
    if (status == SJWT_CRYPTO_OK && backends[index]->probe != NULL)
        status = backends[index]->probe(alg);
    return status;
}

const char *sjwt_crypto_describe(sjwt_crypto_alg alg)
{
    size_t index = find_backend(alg);

    return index < BACKEND_COUNT && backends[index]->describe != NULL ? backends[index]->describe()
                                                                      : "";
}

const char *sjwt_crypto_backend_names(void)
{
    return SJWT_CRYPTO_BACKEND_NAMES;
}

sjwt_crypto_status sjwt_crypto_check_octets(sjwt_crypto_alg alg,
                                            const sjwt_crypto_key_octets *octets)
{
    sjwt_crypto_status status = sjwt_crypto_check_row(sjwt_crypto_algorithm_get(alg), octets);

    if (status == SJWT_CRYPTO_OK && find_backend(alg) == BACKEND_COUNT)
        status = SJWT_CRYPTO_UNSUPPORTED;
    return status;
}

sjwt_crypto_status sjwt_crypto_prepare(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *octets,
                                       sjwt_crypto_key *key)
{
    *key = (sjwt_crypto_key){.alg = alg, .octets = octets};

    sjwt_crypto_status status = sjwt_crypto_check_octets(alg, octets);
    if (status != SJWT_CRYPTO_OK)
        return status;
    size_t index = find_backend(alg);
    status = ensure_initialized(index);
    if (status != SJWT_CRYPTO_OK)
        return status;
    return backends[index]->prepare(alg, octets, &key->handle);
}

sjwt_crypto_status sjwt_crypto_verify(const sjwt_crypto_key *key, sjwt_crypto_span message,
                                      sjwt_crypto_span signature)
{
    if (signature.len != sjwt_crypto_signature_length(key->alg, key->octets))
        return SJWT_CRYPTO_BAD_SIGNATURE;
    /* Libraries declare their pointers nonnull, whatever the length. */
    if (message.data == NULL)
        message.data = signature.data;
    size_t index = find_backend(key->alg);
    return index < BACKEND_COUNT ? backends[index]->verify(key, message, signature)
                                 : SJWT_CRYPTO_INTERNAL;
}

void sjwt_crypto_release(const sjwt_crypto_key *key)
{
    size_t index = find_backend(key->alg);

    if (key->handle != NULL && index < BACKEND_COUNT)
        backends[index]->release(key->handle);
}
