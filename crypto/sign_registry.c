/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/registry.h"
#include "crypto/sign.h"

#include "crypto_backends.h"

#define DECLARATION(name) extern const sjwt_crypto_signer sjwt_crypto_##name##_signer;
#define ADDRESS(name) &sjwt_crypto_##name##_signer,

SJWT_CRYPTO_SIGNER_LIST(DECLARATION)

/* NULL ends the array: a build may have no signer. */
static const sjwt_crypto_signer *const signers[] = {SJWT_CRYPTO_SIGNER_LIST(ADDRESS) NULL};

static bool initialized[sizeof signers / sizeof signers[0]];

/* The largest HMAC secret that can be generated, in bits. Signing accepts longer
 * secrets, but those do not fit into a key buffer. */
#define MAX_SECRET_BITS 4096

uint32_t sjwt_crypto_signable_algorithms(void)
{
    uint32_t set = 0;

    for (size_t i = 0; signers[i] != NULL; i++)
        set |= signers[i]->signs;
    return set;
}

static size_t find_signer(sjwt_crypto_alg alg)
{
    size_t i = 0;

    while (signers[i] != NULL && (signers[i]->signs & SJWT_CRYPTO_BIT(alg)) == 0)
        i++;
    return i;
}

bool sjwt_crypto_signs_by_rfc6979(sjwt_crypto_alg alg)
{
    const sjwt_crypto_signer *signer = signers[find_signer(alg)];

    return signer != NULL && (signer->rfc6979 & SJWT_CRYPTO_BIT(alg)) != 0;
}

const char *sjwt_crypto_signer_name(sjwt_crypto_alg alg)
{
    const sjwt_crypto_signer *signer = signers[find_signer(alg)];

    return signer != NULL ? signer->name : NULL;
}

static sjwt_crypto_status initialize(size_t index)
{
    if (!initialized[index]) {
        sjwt_crypto_status status = signers[index]->init();
        if (status != SJWT_CRYPTO_OK)
            return status;
        initialized[index] = true;
    }
    return SJWT_CRYPTO_OK;
}

/* Finds and initializes the signer of alg. */
static sjwt_crypto_status get_signer(sjwt_crypto_alg alg, const sjwt_crypto_signer **signer)
{
    size_t index = find_signer(alg);

    *signer = signers[index];
    if (*signer == NULL)
        return SJWT_CRYPTO_UNSUPPORTED;
    return initialize(index);
}

/* Finds and initializes the first signer whose library reads documents. */
static sjwt_crypto_status get_documents(const sjwt_crypto_documents **documents)
{
    size_t i = 0;

    while (signers[i] != NULL && signers[i]->documents == NULL)
        i++;
    if (signers[i] == NULL)
        return SJWT_CRYPTO_UNSUPPORTED;
    *documents = signers[i]->documents;
    return initialize(i);
}

static bool is_part_of(sjwt_crypto_span number, sjwt_crypto_span n)
{
    return number.len > 0 && number.len <= n.len && number.data[0] != 0;
}

static sjwt_crypto_status check_private_key(const sjwt_crypto_algorithm *row,
                                            const sjwt_crypto_private_key *key)
{
    const sjwt_crypto_key_octets *public_key = &key->public_key;
    bool fits = false;

    switch (row->key_type) {
    case SJWT_CRYPTO_KEY_OKP:
    case SJWT_CRYPTO_KEY_EC:
        if (key->d.len != row->coordinate_len)
            return SJWT_CRYPTO_BAD_KEY;
        if (public_key->x.len == 0 && public_key->y.len == 0) {
            fits = public_key->type == row->key_type && public_key->curve == row->curve;
            return fits ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY;
        }
        fits = true;
        break;
    case SJWT_CRYPTO_KEY_RSA:
        fits = is_part_of(key->d, public_key->n) && is_part_of(key->p, public_key->n) &&
               is_part_of(key->q, public_key->n) && is_part_of(key->dp, public_key->n) &&
               is_part_of(key->dq, public_key->n) && is_part_of(key->qi, public_key->n);
        break;
    case SJWT_CRYPTO_KEY_OCT:
        fits = true;
        break;
    }
    return fits ? sjwt_crypto_check_row(row, public_key) : SJWT_CRYPTO_BAD_KEY;
}

sjwt_crypto_status sjwt_crypto_make_signature(sjwt_crypto_alg alg,
                                              const sjwt_crypto_private_key *key,
                                              sjwt_crypto_span message, uint8_t *signature,
                                              size_t size, size_t *len)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get(alg);
    const sjwt_crypto_signer *signer = NULL;

    *len = 0;
    sjwt_crypto_status status = check_private_key(row, key);
    if (status == SJWT_CRYPTO_OK)
        status = get_signer(alg, &signer);
    if (status != SJWT_CRYPTO_OK)
        return status;

    size_t exact = sjwt_crypto_signature_length(alg, &key->public_key);
    if (size < exact)
        return SJWT_CRYPTO_INTERNAL;
    /* Libraries require a non-null pointer even for length 0. */
    if (message.data == NULL)
        message.data = signature;
    status = signer->sign(alg, key, message, signature, exact);
    if (status == SJWT_CRYPTO_OK)
        *len = exact;
    else
        sjwt_crypto_wipe(signature, exact);
    return status;
}

/* Checks *bits and replaces 0 with the default size. */
static sjwt_crypto_status choose_bits(const sjwt_crypto_algorithm *row, size_t *bits)
{
    size_t most = row->key_type == SJWT_CRYPTO_KEY_OCT ? MAX_SECRET_BITS : row->max_key_bits;

    if (row->min_key_bits == 0)
        return *bits == 0 ? SJWT_CRYPTO_OK : SJWT_CRYPTO_BAD_KEY;
    if (*bits == 0)
        *bits =
            row->key_type == SJWT_CRYPTO_KEY_RSA ? SJWT_CRYPTO_DEFAULT_RSA_BITS : row->min_key_bits;
    return *bits % 8 == 0 && *bits >= row->min_key_bits && *bits <= most ? SJWT_CRYPTO_OK
                                                                         : SJWT_CRYPTO_BAD_KEY;
}

sjwt_crypto_status sjwt_crypto_generate_key(sjwt_crypto_alg alg, size_t bits,
                                            sjwt_crypto_key_buffer *buffer,
                                            sjwt_crypto_private_key *key)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get(alg);
    const sjwt_crypto_signer *signer = NULL;
    sjwt_crypto_status status = choose_bits(row, &bits);

    *key = (sjwt_crypto_private_key){.public_key = {.type = row->key_type, .curve = row->curve}};
    if (status == SJWT_CRYPTO_OK)
        status = get_signer(alg, &signer);
    if (status == SJWT_CRYPTO_OK)
        status = signer->generate(alg, bits, buffer, key);
    if (status != SJWT_CRYPTO_OK)
        sjwt_crypto_wipe(buffer, sizeof *buffer);
    return status;
}

sjwt_crypto_status sjwt_crypto_public_from_private(sjwt_crypto_alg alg,
                                                   const sjwt_crypto_private_key *key,
                                                   sjwt_crypto_key_buffer *buffer,
                                                   sjwt_crypto_key_octets *public_key)
{
    const sjwt_crypto_algorithm *row = sjwt_crypto_algorithm_get(alg);
    const sjwt_crypto_signer *signer = NULL;
    sjwt_crypto_status status = check_private_key(row, key);

    *public_key = (sjwt_crypto_key_octets){.type = row->key_type, .curve = row->curve};
    if (row->key_type == SJWT_CRYPTO_KEY_OCT)
        return SJWT_CRYPTO_BAD_KEY;
    if (status == SJWT_CRYPTO_OK)
        status = get_signer(alg, &signer);
    if (status == SJWT_CRYPTO_OK)
        status = signer->derive_public(alg, key, buffer, public_key);
    return status;
}

void sjwt_crypto_wipe(void *data, size_t len)
{
    volatile uint8_t *octets = data;

    while (len > 0)
        octets[--len] = 0;
}

sjwt_crypto_status sjwt_crypto_read_document(sjwt_crypto_span document, bool with_private,
                                             sjwt_crypto_key_buffer *buffer,
                                             sjwt_crypto_private_key *key)
{
    const sjwt_crypto_documents *documents;
    sjwt_crypto_status status = get_documents(&documents);

    *key = (sjwt_crypto_private_key){.public_key.curve = SJWT_CRYPTO_CURVE_NONE};
    if (status == SJWT_CRYPTO_OK)
        status = documents->read(document, with_private, buffer, key);
    if (status != SJWT_CRYPTO_OK)
        sjwt_crypto_wipe(buffer, sizeof(*buffer));
    return status;
}

sjwt_crypto_status sjwt_crypto_write_pem(sjwt_crypto_alg alg, const sjwt_crypto_key_octets *key,
                                         char *pem, size_t size, size_t *len)
{
    const sjwt_crypto_documents *documents;
    sjwt_crypto_status status = get_documents(&documents);

    *len = 0;
    if (status == SJWT_CRYPTO_OK)
        status = sjwt_crypto_check_octets(alg, key);
    return status == SJWT_CRYPTO_OK ? documents->write_pem(alg, key, pem, size, len) : status;
}

sjwt_crypto_status sjwt_crypto_sha256(sjwt_crypto_span message, uint8_t digest[32])
{
    const sjwt_crypto_documents *documents;
    sjwt_crypto_status status = get_documents(&documents);

    return status == SJWT_CRYPTO_OK ? documents->sha256(message, digest) : status;
}
