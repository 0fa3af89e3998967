#include "crypto/registry.h"
#include "crypto/sign.h"

#include "crypto_backends.h"

#define DECLARATION(name) extern const crypto_signer crypto_##name##_signer;
#define ADDRESS(name) &crypto_##name##_signer,

CRYPTO_SIGNER_LIST(DECLARATION)

/* A build may have no signer at all: hence the NULL. */
static const crypto_signer *const signers[] = {CRYPTO_SIGNER_LIST(ADDRESS) NULL};

static bool ready[sizeof signers / sizeof signers[0]];

/* The largest HMAC secret made, in bits: a key's buffer has no room for the
 * largest that is taken. */
#define MAX_SECRET_BITS 4096

uint32_t crypto_signable_algorithms(void)
{
    uint32_t set = 0;

    for (size_t i = 0; signers[i] != NULL; i++)
        set |= signers[i]->signs;
    return set;
}

static size_t find_signer(crypto_alg alg)
{
    size_t i = 0;

    while (signers[i] != NULL && (signers[i]->signs & CRYPTO_BIT(alg)) == 0)
        i++;
    return i;
}

const char *crypto_signer_name(crypto_alg alg)
{
    const crypto_signer *signer = signers[find_signer(alg)];

    return signer != NULL ? signer->name : NULL;
}

/* *signer is the readied one that serves alg. */
static crypto_status get_signer(crypto_alg alg, const crypto_signer **signer)
{
    size_t index = find_signer(alg);

    *signer = signers[index];
    if (*signer == NULL)
        return CRYPTO_UNSUPPORTED;
    if (!ready[index]) {
        crypto_status status = (*signer)->init();
        if (status != CRYPTO_OK)
            return status;
        ready[index] = true;
    }
    return CRYPTO_OK;
}

static bool is_part_of(crypto_span number, crypto_span n)
{
    return number.len > 0 && number.len <= n.len && number.data[0] != 0;
}

static crypto_status check_private_key(const crypto_algorithm *row, const crypto_private_key *key)
{
    const crypto_key *public_key = &key->public_key;
    bool fits = false;

    switch (row->key_type) {
    case CRYPTO_KEY_OKP:
    case CRYPTO_KEY_EC:
        if (key->d.len != row->coordinate_len)
            return CRYPTO_BAD_KEY;
        if (public_key->x.len == 0 && public_key->y.len == 0) {
            fits = public_key->type == row->key_type && public_key->curve == row->curve;
            return fits ? CRYPTO_OK : CRYPTO_BAD_KEY;
        }
        fits = true;
        break;
    case CRYPTO_KEY_RSA:
        fits = is_part_of(key->d, public_key->n) && is_part_of(key->p, public_key->n) &&
               is_part_of(key->q, public_key->n) && is_part_of(key->dp, public_key->n) &&
               is_part_of(key->dq, public_key->n) && is_part_of(key->qi, public_key->n);
        break;
    case CRYPTO_KEY_OCT:
        fits = true;
        break;
    }
    return fits ? crypto_check_policy(row, public_key) : CRYPTO_BAD_KEY;
}

crypto_status crypto_make_signature(crypto_alg alg, const crypto_private_key *key,
                                    crypto_span message, uint8_t *signature, size_t size,
                                    size_t *len)
{
    const crypto_algorithm *row = crypto_algorithm_get(alg);
    const crypto_signer *signer = NULL;

    *len = 0;
    crypto_status status = check_private_key(row, key);
    if (status == CRYPTO_OK)
        status = get_signer(alg, &signer);
    if (status != CRYPTO_OK)
        return status;

    size_t exact = crypto_signature_length(row, &key->public_key);
    if (size < exact)
        return CRYPTO_INTERNAL;
    /* Libraries declare their pointers nonnull, whatever the length. */
    if (message.data == NULL)
        message.data = signature;
    status = signer->sign(alg, key, message, signature, exact);
    if (status == CRYPTO_OK)
        *len = exact;
    else
        crypto_wipe(signature, exact);
    return status;
}

/* The size of the key to make, as crypto_signer.generate takes it. */
static crypto_status choose_bits(const crypto_algorithm *row, size_t *bits)
{
    size_t most = row->key_type == CRYPTO_KEY_OCT ? MAX_SECRET_BITS : row->max_key_bits;

    if (row->min_key_bits == 0)
        return *bits == 0 ? CRYPTO_OK : CRYPTO_BAD_KEY;
    if (*bits == 0)
        *bits = row->key_type == CRYPTO_KEY_RSA ? CRYPTO_DEFAULT_RSA_BITS : row->min_key_bits;
    return *bits % 8 == 0 && *bits >= row->min_key_bits && *bits <= most ? CRYPTO_OK
                                                                         : CRYPTO_BAD_KEY;
}

crypto_status crypto_generate_key(crypto_alg alg, size_t bits, crypto_key_buffer *buffer,
                                  crypto_private_key *key)
{
    const crypto_algorithm *row = crypto_algorithm_get(alg);
    const crypto_signer *signer = NULL;
    crypto_status status = choose_bits(row, &bits);

    *key = (crypto_private_key){.public_key = {.type = row->key_type, .curve = row->curve}};
    if (status == CRYPTO_OK)
        status = get_signer(alg, &signer);
    if (status == CRYPTO_OK)
        status = signer->generate(alg, bits, buffer, key);
    if (status != CRYPTO_OK)
        crypto_wipe(buffer, sizeof *buffer);
    return status;
}

crypto_status crypto_public_from_private(crypto_alg alg, const crypto_private_key *key,
                                         crypto_key_buffer *buffer, crypto_key *public_key)
{
    const crypto_algorithm *row = crypto_algorithm_get(alg);
    const crypto_signer *signer = NULL;
    crypto_status status = check_private_key(row, key);

    *public_key = (crypto_key){.type = row->key_type, .curve = row->curve};
    if (row->key_type == CRYPTO_KEY_OCT)
        return CRYPTO_BAD_KEY;
    if (status == CRYPTO_OK)
        status = get_signer(alg, &signer);
    if (status == CRYPTO_OK)
        status = signer->derive_public(alg, key, buffer, public_key);
    return status;
}

void crypto_wipe(void *data, size_t len)
{
    volatile uint8_t *octets = data;

    while (len > 0)
        octets[--len] = 0;
}
