/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in PEM and DER, and the thumbprint that names them. */
#include "jwt/error.h"
#include "jwt/jwk.h"
#include "jwt/private_key.h"
#include "jwt/writer.h"

#include <string.h>

/* RFC 7638 section 3.2: the required members in the order of their names. */
static void write_required_members(sjwt_writer *writer, const sjwt_crypto_key_octets *key)
{
    if (key->type == SJWT_CRYPTO_KEY_RSA)
        sjwt_writer_member_octets(writer, "e", key->e);
    else
        sjwt_writer_member(writer, "crv", sjwt_curve_name(key->curve));
    sjwt_writer_member(writer, "kty", sjwt_key_type_name(key->type));
    if (key->type == SJWT_CRYPTO_KEY_RSA)
        sjwt_writer_member_octets(writer, "n", key->n);
    else
        sjwt_writer_member_octets(writer, "x", key->x);
    if (key->type == SJWT_CRYPTO_KEY_EC)
        sjwt_writer_member_octets(writer, "y", key->y);
    sjwt_writer_put(writer, "}", 1);
}

sjwt_status sjwt_make_thumbprint(const sjwt_allocator *allocator, const sjwt_crypto_key_octets *key,
                                 char **thumbprint)
{
    uint8_t digest[32];
    sjwt_crypto_status hashed = SJWT_CRYPTO_NO_MEMORY;
    sjwt_writer writer;
    size_t len;

    *thumbprint = NULL;
    sjwt_writer_start(&writer, allocator);
    write_required_members(&writer, key);
    if (!writer.failed)
        hashed = sjwt_crypto_sha256(sjwt_writer_octets(&writer), digest);
    sjwt_writer_discard(&writer);
    if (hashed != SJWT_CRYPTO_OK)
        return sjwt_status_of_signing(hashed);
    sjwt_writer_start(&writer, allocator);
    sjwt_writer_put_base64url(&writer, (sjwt_crypto_span){digest, sizeof(digest)});
    return sjwt_writer_finish(&writer, thumbprint, &len);
}

static sjwt_status write_pem(const sjwt_key *key, sjwt_writer *writer, sjwt_error *error)
{
    char pem[SJWT_CRYPTO_PEM_SIZE];
    sjwt_crypto_status status = SJWT_CRYPTO_BAD_KEY;
    size_t len;

    if (key->octets.type == SJWT_CRYPTO_KEY_OCT)
        return sjwt_fail(error, SJWT_JWK_SYMMETRIC, 0, NULL);
    for (int alg = 0; alg < SJWT_CRYPTO_ALG_COUNT; alg++) {
        if ((key->algorithms & SJWT_CRYPTO_BIT(alg)) != 0) {
            status =
                sjwt_crypto_write_pem((sjwt_crypto_alg)alg, &key->octets, pem, sizeof(pem), &len);
            break;
        }
    }
    if (status != SJWT_CRYPTO_OK)
        return sjwt_fail(error, sjwt_status_of_signing(status), 0, NULL);
    sjwt_writer_put(writer, pem, len);
    return SJWT_OK;
}

sjwt_status sjwt_keyset_print_pem(const sjwt_allocator *allocator, const sjwt_keyset *keys,
                                  char **pem, size_t *len, sjwt_error *error)
{
    sjwt_status status = SJWT_OK;
    sjwt_writer writer;

    *pem = NULL;
    sjwt_writer_start(&writer, allocator);
    for (size_t i = 0; status == SJWT_OK && i < sjwt_keyset_size(keys); i++)
        status = write_pem(sjwt_keyset_get(keys, i), &writer, error);
    if (status == SJWT_OK) {
        status = sjwt_writer_finish(&writer, pem, len);
        return status == SJWT_OK ? SJWT_OK : sjwt_fail(error, status, 0, NULL);
    }
    sjwt_writer_discard(&writer);
    return status;
}
